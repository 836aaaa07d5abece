/** A link between a VDS and homes that are in the hands of a test. */
import type { Connection } from '../../src/net/connection'
import { type Link, makeLink } from '../../src/net/link'
import type { Opening } from '../../src/net/opening'
import type { DialHandlers } from '../../src/net/road'
import type { FromHome, LanTicket } from '../../src/protocol/generated'
import type { Fingerprints } from '../../src/trust/transcript'
import { TestClock } from './clock'
import { callOver, nowhere } from './dials'
import { HomeLine } from './homeLine'
import { TestSocket } from './socket'
import { fingerprints, type HomeEnd } from './trust'
import { until } from './until'

export class LinkRun {
  readonly clock = new TestClock()
  readonly calls: DialHandlers[] = []
  readonly said: FromHome[] = []
  readonly told: string[] = []
  readonly tickets: (LanTicket | null)[] = []
  connection!: Connection
  readonly link: Link
  private readonly sockets: TestSocket[] = []

  constructor(opening: (clock: TestClock) => Opening) {
    this.link = makeLink({
      clock: this.clock,
      token: () => Promise.resolve('token'),
      distrust: () => undefined,
      open: opening(this.clock),
      hello: () => ({ type: 'hello', version: 1, after: 5 }),
      openSocket: () => {
        const socket = new TestSocket()
        this.sockets.push(socket)
        return socket
      },
      dials: {
        direct: nowhere,
        signaled: (_, handlers) => {
          this.calls.push(handlers)
          return callOver('p2p')
        },
      },
    })({
      onConnection: (connection) => (this.connection = connection),
      onMessage: (message) => void this.said.push(message),
      onWelcomed: () => void this.told.push('welcomed'),
      onRoundTrip: () => undefined,
      onLoggedOut: () => void this.told.push('logged out'),
      onCode: (code) => void (code && this.told.push(code)),
      onTicket: (ticket) => void this.tickets.push(ticket),
      onRefused: (code) => void this.told.push(code),
      onAttack: () => void this.told.push('attack'),
    })
  }

  /** Lets the VDS show a home, so that it is dialed. */
  async start(): Promise<void> {
    this.link.start()
    await until(() => this.sockets.length > 0)
    this.sockets[0]?.admit('pc')
  }

  /** The last call is answered, by this home. */
  answeredBy(home?: HomeEnd, enforced: Fingerprints = fingerprints): HomeLine {
    const line = new HomeLine(home)
    this.calls.at(-1)?.onOpen(line.channel, enforced)
    return line
  }

  /** Of the signaled line, or of the link that came from it. */
  get state(): string {
    const { link, lines } = this.connection
    return link.state === 'none' ? lines.signaled.state : link.state
  }
}
