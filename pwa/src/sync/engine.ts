/** A replica of the PC's log, kept up to date, and an outbox for what it has not acknowledged. */
import type { ChatsState } from '../chat/model'
import type { ChatError, Command, Event, FromChats, ToHome } from '../protocol/generated'
import type { ReplicaStorage } from '../storage/replica'

/** Between the tabs of one browser that share a replica. */
export interface Broadcast {
  post(message: unknown): void
  /** What the others posted. */
  onMessage: (message: unknown) => void
  close(): void
}

export interface EngineNeeds {
  /** Null where this browser keeps nothing: then all is in memory until the page is closed. */
  storage: () => Promise<ReplicaStorage | null>
  broadcast: Broadcast | null
  now: () => number
  /** What a page of history holds. Rejects where it is not what the wire says. */
  unpack: (packed: string) => Promise<Event[]>
  /** Sends it if the PC is there to hear it; what it does not hear is sent again when it is. */
  send: (message: ToHome) => void
  /** Something was missed: a new connection asks for it. */
  resync: () => void
  /** `live`: nothing but the text of running answers changed. */
  onChange: (what: 'all' | 'live') => void
  /** A command was refused that leaves nothing on the screen to say so. */
  onRefused: (error: ChatError) => void
  /** The PC's log and all of the outbox are in `chats` and `erased`: for the search. */
  onTouched?: (chats: readonly string[], erased: readonly string[]) => void
}

export interface Engine {
  readonly state: ChatsState
  /** Whether what is here outlives the page. */
  readonly kept: boolean
  /** This device had no room: what came since is in memory only. */
  readonly full: boolean
  /** Reads the replica. What comes meanwhile waits behind it. */
  open(): Promise<void>
  /** The first message on a connection. */
  hello(): ToHome
  take(message: FromChats): void
  /** The PC has welcomed us on the connection in use: sends what it has not acknowledged. */
  welcomed(): void
  /** Shown at once, on disk before it is sent, sent in order until it is acknowledged. */
  perform(commands: readonly Command[]): void
  /** Puts a command in the place of one that was not acknowledged. */
  replace(id: string, command: Command): void
  /** Takes commands back that were not acknowledged. */
  withdraw(ids: readonly string[]): void
  /** Has the turns of a chat in `state.chats` from now on, for as long as it is one of the last few. */
  openChat(chat: string): void
  /** Whether turns of it are still being read or fetched. */
  isOpening(chat: string): boolean
  /** Of one chat, as far as they are here, for an export. */
  events(chat: string): Promise<Event[]>
  /** All that is under way is done: nothing waits in memory to be taken or written. */
  settled(): Promise<void>
  /** Ends it; what is on disk stays. */
  close(): void
  /** Ends it and leaves nothing on this device. */
  destroy(): Promise<void>
}
