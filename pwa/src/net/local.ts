/** The road on the PC itself: a socket of the PC's door, since browsers have no WebRTC without a network. */
import { loopbackFingerprint } from '../trust/transcript'
import { type Clock, realClock } from './clock'
import { isLoopback } from './localHome'
import type { Call, DialHandlers, DirectDial } from './road'
import { type BinarySocket, SocketChannel } from './socketChannel'

/** Nothing is nearer. */
const deadlineMs = 2_000

export interface LocalOptions {
  /** The address of the PC's door, as its server says it; null where there is none. */
  door: () => Promise<string | null>
  makeSocket: (address: string) => BinarySocket
  /** @default realClock */
  clock?: Clock
}

export function localDial(options: LocalOptions): DirectDial {
  return (handlers) => new LocalCall(options, handlers)
}

/** The port of a door on the loopback interface; null for any other address. */
export function doorPort(address: string): number | null {
  if (!URL.canParse(address)) return null
  const { protocol, hostname, port } = new URL(address)
  return protocol === 'http:' && isLoopback(hostname) ? Number(port || 80) : null
}

class LocalCall implements Call {
  private readonly clock: Clock
  private readonly deadline: unknown
  private socket: BinarySocket | null = null
  private isOpen = false
  private over = false

  constructor(
    private readonly options: LocalOptions,
    private readonly handlers: DialHandlers,
  ) {
    this.clock = options.clock ?? realClock
    this.deadline = this.clock.after(deadlineMs, () => {
      if (!this.isOpen) this.fail()
    })
    void this.dial()
  }

  road() {
    return Promise.resolve(this.isOpen && !this.over ? ('local' as const) : null)
  }

  hangUp(): void {
    if (this.over) return
    this.over = true
    this.clock.cancel(this.deadline)
    this.socket?.close()
  }

  private async dial(): Promise<void> {
    try {
      const address = await this.options.door()
      const port = address === null ? null : doorPort(address)
      if (port === null) return this.fail()
      const [home, device] = await Promise.all([
        loopbackFingerprint('home', port),
        loopbackFingerprint('device', port),
      ])
      if (this.over) return
      const socket = (this.socket = this.options.makeSocket(
        `ws://127.0.0.1:${String(port)}/channel`,
      ))
      socket.binaryType = 'arraybuffer'
      socket.onclose = () => this.fail()
      socket.onopen = () => {
        if (this.over) return
        this.isOpen = true
        this.handlers.onOpen(new SocketChannel(socket, this.clock), { home, device })
      }
    } catch {
      this.fail()
    }
  }

  private fail(): void {
    if (this.over) return
    this.hangUp()
    this.handlers.onFailed()
  }
}
