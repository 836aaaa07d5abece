/** A way to the signaling server that holds: a WebSocket or, where none gets through, polling. */
import type { Clock } from './clock'
import type { Socket } from './signaling'

/** How long a WebSocket may take to open. */
const openMs = 5_000
/** For so long after polling worked where a WebSocket did not, none is tried. */
const rememberMs = 600_000

export interface SignalingOptions {
  makeSocket: () => Socket
  /** Loaded only where it is needed. `onSeated`: it works. */
  makePolling: (onSeated: () => void) => Promise<Socket & { open(): void }>
  clock: Clock
}

/** Gives what opens sockets. It remembers, as long as the page lives, that WebSockets do not work. */
export function openSignaling(options: SignalingOptions): () => Socket {
  let pollUntil = 0
  return () => new EitherSocket(options, pollUntil, (until) => (pollUntil = until))
}

class EitherSocket implements Socket {
  onopen: ((event: Event) => unknown) | null = null
  onmessage: ((event: MessageEvent) => unknown) | null = null
  onclose: ((event: CloseEvent) => unknown) | null = null
  private inner: Socket | null = null
  private timer: unknown = null
  private isOver = false

  constructor(
    private readonly options: SignalingOptions,
    pollUntil: number,
    private readonly remember: (until: number) => void,
  ) {
    if (options.clock.now() < pollUntil) void this.poll()
    else this.tryWebSocket()
  }

  get readyState(): number {
    return this.isOver ? 3 : (this.inner?.readyState ?? 0)
  }

  send(data: string): void {
    this.inner?.send(data)
  }

  close(): void {
    this.isOver = true
    this.options.clock.cancel(this.timer)
    this.inner?.close()
  }

  private tryWebSocket(): void {
    const { clock, makeSocket } = this.options
    const socket = makeSocket()
    this.use(socket)
    const giveUp = () => {
      clock.cancel(this.timer)
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close()
      void this.poll()
    }
    this.timer = clock.after(openMs, giveUp)
    socket.onclose = giveUp
    socket.onopen = (event) => {
      clock.cancel(this.timer)
      this.use(socket)
      this.onopen?.(event)
    }
  }

  private async poll(): Promise<void> {
    const { clock, makePolling } = this.options
    if (this.isOver) return
    try {
      const polling = await makePolling(() => this.remember(clock.now() + rememberMs))
      if (this.isOver) return
      this.use(polling)
      polling.open()
    } catch {
      this.isOver = true
      this.onclose?.(new Event('close') as CloseEvent)
    }
  }

  private use(socket: Socket): void {
    this.inner = socket
    socket.onopen = (event) => this.onopen?.(event)
    socket.onmessage = (event) => this.onmessage?.(event)
    socket.onclose = (event) => this.onclose?.(event)
  }
}
