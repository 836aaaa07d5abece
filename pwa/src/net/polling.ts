/**
 * Signaling in turns of requests, for networks that let no WebSocket through: one request waits for what
 * the server says, others carry what we say. Both are numbered, so that what was lost is repeated and
 * what is repeated counts once. See docs/protocol.md.
 */
import { SIGNALING_BYTES } from '../protocol/generated'
import { delayMs } from './backoff'
import type { Clock } from './clock'
import type { Socket } from './signaling'

const path = '/api/signaling/poll'

/** Failures in a row of one request, a few seconds in all, after which the server is gone. */
const tolerated = 5

interface Answer {
  status: number
  text: string
}

export interface PollingOptions {
  fetch: typeof globalThis.fetch
  clock: Clock
  /** The server took us in. */
  onSeated?: () => void
}

/** Stands in the place of a WebSocket. The first message sent is `authenticate`, as there. */
export class PollingSocket implements Socket {
  readyState = 0
  onopen: ((event: Event) => unknown) | null = null
  onmessage: ((event: MessageEvent) => unknown) | null = null
  onclose: ((event: CloseEvent) => unknown) | null = null
  private poll: string | null = null
  private unsent: string[] = []
  /** Messages that the server has; the number of the first unsent one. */
  private sent = 0
  private isSending = false
  private readonly over = new AbortController()

  constructor(private readonly options: PollingOptions) {}

  open(): void {
    if (this.readyState !== 0) return
    this.readyState = 1
    this.onopen?.(new Event('open'))
  }

  send(data: string): void {
    this.unsent.push(data)
    if (this.isSending) return
    this.isSending = true
    void this.flush().catch(() => this.end())
  }

  close(): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.over.abort()
    if (this.poll === null) return
    // Else the server would find out by our silence.
    void this.options.fetch(this.poll, { method: 'DELETE', keepalive: true }).catch(() => undefined)
  }

  private async flush(): Promise<void> {
    while (this.readyState === 1 && this.unsent.length > 0) {
      if (this.poll === null) await this.enter(this.unsent.shift() ?? '')
      else if (!(await this.post(this.poll))) return
    }
    this.isSending = false
  }

  /** Not repeated: whether the server took it or not, a new attempt is as good. */
  private async enter(first: string): Promise<void> {
    const { status, text } = await this.request(path, { method: 'POST', body: first })
    const answer = JSON.parse(text) as { poll?: unknown }
    if (status !== 200 || typeof answer.poll !== 'string') {
      this.hear({ ...answer, type: 'error' })
      return this.end()
    }
    this.poll = `${path}/${encodeURIComponent(answer.poll)}`
    this.options.onSeated?.()
    void this.listen(this.poll).catch(() => this.end())
  }

  /** False: the server knows us no more, and whoever listens is told why. */
  private async post(poll: string): Promise<boolean> {
    const batch: string[] = []
    let chars = 0
    for (const message of this.unsent) {
      chars += message.length
      if (batch.length > 0 && chars > SIGNALING_BYTES) break
      batch.push(message)
    }
    const address = `${poll}/messages?after=${this.sent}`
    const body = `[${batch.join(',')}]`
    const { status } = await this.insist(() => this.request(address, { method: 'POST', body }))
    if (status === 404) return false
    if (status !== 204) throw new Error('The server did not take the messages.')
    this.unsent = this.unsent.slice(batch.length)
    this.sent += batch.length
    return true
  }

  private async listen(poll: string): Promise<void> {
    for (let after = 0; this.readyState === 1; ) {
      const address = `${poll}?after=${after}`
      const { status, text } = await this.insist(() => this.request(address, {}))
      if (status !== 200) return this.end()
      const { messages } = JSON.parse(text) as { messages: unknown[] }
      after += messages.length
      for (const message of messages) this.hear(message)
    }
  }

  private hear(message: unknown): void {
    if (this.readyState !== 1) return
    this.onmessage?.(new MessageEvent('message', { data: JSON.stringify(message) }))
  }

  /** Repeats a request whose answer did not come, or came from something between. */
  private async insist(request: () => Promise<Answer>): Promise<Answer> {
    const { clock } = this.options
    for (let failures = 1; ; failures++) {
      try {
        const answer = await request()
        if (answer.status < 500 && answer.status !== 429) return answer
      } catch {
        // Not reached, or cut off in the middle of the answer.
      }
      if (failures === tolerated || this.readyState !== 1) throw new Error('The server is gone.')
      await new Promise<void>((resolve) => {
        clock.after(delayMs(failures, clock.random()), resolve)
      })
    }
  }

  private async request(address: string, init: RequestInit): Promise<Answer> {
    const headers = { 'content-type': 'application/json' }
    const options = { ...init, headers, signal: this.over.signal }
    const response = await this.options.fetch(address, options)
    return { status: response.status, text: await response.text() }
  }

  private end(): void {
    if (this.readyState === 3) return
    this.close()
    this.onclose?.(new Event('close') as CloseEvent)
  }
}
