import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { createPinia, setActivePinia } from 'pinia'
import { onTestFinished } from 'vitest'
import type { Connection } from '../../src/net/connection'
import { disconnected } from '../../src/net/connection'
import type { Heard } from '../../src/net/releaseWorker'
import type { LinkHandlers } from '../../src/net/link'
import type { LocalNetworkState } from '../../src/net/localNetwork'
import type { RoadTools } from '../../src/net/roadTools'
import type { Authenticator } from '../../src/net/authenticator'
import type { AccountApi } from '../../src/net/accountApi'
import type { PasskeyApi } from '../../src/net/passkeyApi'
import { Witness } from '../../src/net/witness'
import type { Command, FromHome, RoadName, Session, ToHome } from '../../src/protocol/generated'
import { deviceKeyStorage } from '../../src/storage/deviceKey'
import { browserBroadcast } from '../../src/storage/broadcast'
import { type HomesStorage, homesStorage } from '../../src/storage/homes'
import { type Databases, openReplica } from '../../src/storage/replicaDatabase'
import type { Kept } from '../../src/storage/replica'
import { useChats } from '../../src/stores/chats'
import { browserSync, type ChatSync, type Home } from '../../src/sync/browser'
import type { SyncEngine } from '../../src/sync/engine'
import { type LinkNeeds, provideServices, type Services } from '../../src/stores/services'
import { draftStorage } from '../../src/storage/drafts'
import type { Settings } from '../../src/storage/settings'
import { type Trip, type KeptInvitation } from '../../src/storage/tab'
import { TestClock } from './clock'
import { id, welcomeOf } from './messages'
import { fixed } from './trust'
import { until } from './until'

export const session: Session = {
  access_token: 'token',
  expires_in_s: 300,
  user: { id: '1', name: 'anna' },
}

/** A connection over this road. */
export function inUse(turn = 1, road: RoadName = 'lan'): Connection {
  const link = { state: 'speaking', dueMs: null, line: 'direct', road, sinceMs: 0, turn } as const
  return { ...disconnected, link }
}

const absent = () => Promise.reject(new Error('This test has no passkeys.'))

/** Tests side by side are in different browsers. */
let browsers = 0

/** The outside of the stores, in the hands of a test. */
export class TestServices {
  kept: Settings = {
    theme: 'system',
    language: 'en',
    userName: null,
    networkHint: false,
    localNetworkTold: false,
    ownAppearance: false,
    closedFolders: [],
  }
  invitation: KeptInvitation | null = null
  trip: Trip | null = null
  hostname = 'hearth.example'
  /** The door that the server names. */
  door: string | null = null
  wentTo: string[] = []
  sent: ToHome[] = []
  resyncs = 0
  startedInTurn: boolean[] = []
  wakes = 0
  stops = 0
  frames: (() => void)[] = []
  refresh: () => Promise<Session> = () => Promise.resolve(session)
  logInByHome: (assertion: string) => Promise<Session> = () => Promise.resolve(session)
  logOut: () => Promise<void> = () => Promise.resolve()
  options!: LinkNeeds
  handlers!: LinkHandlers
  /** Homes whose index was erased. */
  erased: string[] = []
  openSearch: Services['openSearch'] = () => Promise.reject(new Error('This test has no search.'))
  saved: { name: string; content: Blob }[] = []
  roadTools: () => Promise<RoadTools> = () => Promise.reject(new Error('This test has no roads.'))
  /** What the browser says of the local network, once somebody asks. */
  tellLocalNetwork: (state: LocalNetworkState) => void = () => undefined
  authenticator: Authenticator | null = null
  passkeyApi: PasskeyApi = {
    beginMaking: absent,
    make: absent,
    list: absent,
    remove: absent,
    beginLogIn: absent,
    logIn: absent,
  }
  accountApi: AccountApi = {
    show: () => Promise.resolve({ has_password: true, sessions: [] }),
    endSession: absent,
    endOthers: () => Promise.resolve(),
    beginProof: absent,
    prove: absent,
    changePassword: absent,
    dropPassword: absent,
    delete: absent,
    notices: () => Promise.resolve([]),
    seeNotices: () => Promise.resolve(),
  }
  release!: Heard
  applied = 0
  witness = new Witness(() => this.clock.now())
  /** Null: a link that does nothing by itself. */
  makeLink: Services['makeLink'] | null = null
  readonly clock = new TestClock()
  /** What this browser keeps; throws where it keeps nothing. */
  database: () => IDBFactory
  /** The part of the app that keeps chats, on its way. */
  syncComes = () => Promise.resolve()
  /** How often the browser was asked to keep it. */
  asksToKeep = 0
  private readonly engines: SyncEngine[] = []
  private turns = 0
  private loads = 0
  private readonly number = browsers++
  private made = 1_000
  private nonces = 0

  constructor(
    given: Partial<
      Pick<TestServices, 'authenticator' | 'passkeyApi' | 'accountApi' | 'hostname'>
    > = {},
  ) {
    Object.assign(this, given)
    const factory = new IDBFactory()
    this.database = () => factory
    setActivePinia(createPinia())
    provideServices(this.services())
    // What is still written when a test ends calls stores, which would be those in use from then on.
    onTestFinished(async () => {
      for (const engine of this.engines) await engine.settled()
      await new Promise((resolve) => setTimeout(resolve, 0))
    })
  }

  /** What the link says of itself once the PC has welcomed it. */
  connect(head = 0): void {
    this.standing(inUse(++this.turns))
    this.say(welcomeOf(head))
    this.handlers.onWelcomed()
  }

  /** Shows the chats of a home, which are read by then. */
  async begin(home = 'h'): Promise<ReturnType<typeof useChats>> {
    const chats = useChats()
    await chats.begin({ id: home, pairedAt: 1 })
    return chats
  }

  /** The command of this type that was sent last, once it is; with this text, where one is given. */
  async said<T extends Command['type']>(type: T, text?: string): Promise<Extract<Command, { type: T }>> {
    const find = () =>
      this.sent.findLast(
        (one) => one.type === type && (text === undefined || ('text' in one && one.text === text)),
      )
    await until(() => find() !== undefined)
    return find() as Extract<Command, { type: T }>
  }

  /** Once so many commands are in the outbox on disk. */
  inOutbox(count: number, home: Home = { id: 'h', pairedAt: 1 }): Promise<void> {
    return this.onDisk(home, ({ outbox }) => outbox.length === count)
  }

  /** Once so many chats are in the replica on disk. */
  inReplica(count: number, home: Home): Promise<void> {
    return this.onDisk(home, ({ heads }) => heads.length === count)
  }

  private async onDisk({ id, pairedAt }: Home, holds: (kept: Kept) => boolean): Promise<void> {
    const replica = await openReplica(() => this.databases(), id, pairedAt)
    while (!holds(await replica.load()));
    replica.close()
  }

  /** The homes that this browser is paired with, as another tab has them. */
  homesOfATab(): HomesStorage {
    return homesStorage(
      () => this.database(),
      () => browserBroadcast(`homes ${String(this.number)}`),
    )
  }

  /** The same browser, and nothing remembered but what it keeps. */
  reload(): void {
    setActivePinia(createPinia())
    // What the page before says reaches nobody any more.
    this.loads++
  }

  get starts(): number {
    return this.startedInTurn.length
  }

  standing(connection: Connection): void {
    this.handlers.onConnection(connection)
  }

  say(message: FromHome): void {
    this.handlers.onMessage(message)
  }

  paint(): void {
    for (const frame of this.frames.splice(0)) frame()
  }

  private databases(): Databases {
    return { indexedDB: this.database(), IDBKeyRange }
  }

  private services(): Services {
    return {
      api: {
        register: () => Promise.resolve(session),
        logIn: () => Promise.resolve(session),
        logInByHome: ({ assertion }) => this.logInByHome(assertion),
        refresh: () => this.refresh(),
        logOut: () => this.logOut(),
      },
      passkeyApi: this.passkeyApi,
      accountApi: this.accountApi,
      authenticator: this.authenticator,
      drafts: draftStorage(() => localStorage),
      settings: { read: () => this.kept, write: (settings) => (this.kept = settings) },
      tab: {
        invitation: () => this.invitation,
        keepInvitation: (invitation) => (this.invitation = invitation),
        trip: () => this.trip,
        keepTrip: (trip) => ((this.trip = trip), true),
      },
      localHome: {
        hostname: this.hostname,
        ask: () => Promise.resolve(this.door),
        go: (address) => this.wentTo.push(address),
      },
      localNetwork: {
        follow: (changed) => {
          this.tellLocalNetwork = changed
          return () => undefined
        },
      },
      openSearch: (home) => this.openSearch(home),
      eraseSearch: (home) => Promise.resolve(void this.erased.push(home)),
      saveFile: (name, content) => this.saved.push({ name, content }),
      roadTools: () => this.roadTools(),
      exclusive: (action) => action(),
      makeLink: (options) => (handlers) => {
        if (this.makeLink) return this.makeLink(options)(handlers)
        this.options = options
        this.handlers = handlers
        return {
          start: (inTurn) => void this.startedInTurn.push(inTurn ?? false),
          stop: () => this.stops++,
          wake: () => this.wakes++,
          send: (message) => this.sent.push(message),
          resync: () => this.resyncs++,
        }
      },
      makeId: () => id(this.made++),
      makeNonce: () => fixed(`nonce ${String(++this.nonces)}`),
      deviceKeys: deviceKeyStorage(() => this.database()),
      homes: this.homesOfATab(),
      loadSync: async () => {
        await this.syncComes()
        const mine = `${String(this.number)} ${String(this.loads)}`
        const sync = browserSync(() => this.databases(), (name) => browserBroadcast(name + mine))
        const engine = (home: Home, needs: Parameters<ChatSync['engine']>[1]) => {
          const made = sync.engine(home, needs)
          this.engines.push(made)
          return made
        }
        return { ...sync, engine }
      },
      deviceName: () => 'Linux',
      keepStorage: () => this.asksToKeep++,
      clock: this.clock,
      now: () => this.clock.now(),
      nextFrame: (action) => this.frames.push(action),
      onWake: () => () => undefined,
      releaseWorker: {
        start: (heard) => Promise.resolve(void (this.release = heard)),
        apply: () => Promise.resolve(void this.applied++),
      },
      isOnline: () => true,
      witness: this.witness,
    }
  }
}
