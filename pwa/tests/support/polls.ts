import type { Clock } from '../../src/net/clock'

/** What may happen to a request: it does not arrive, or its answer does not. */
export type Fate = 'well' | 'lost' | 'unanswered'

/** The VDS's end of a poll, as docs/protocol.md has it, in the hands of a test. */
export class TestPolls {
  readonly taken: string[] = []
  readonly requests: string[] = []
  fate: (request: string) => Fate = () => 'well'
  refusal: { status: number; body: string } | null = null
  private readonly said: string[] = []
  private first = 0
  private open = false
  private wake: () => void = () => undefined

  readonly fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const request = `${init.method ?? 'GET'} ${String(input)}`
    this.requests.push(request)
    const fate = this.fate(request)
    if (fate === 'lost') throw new TypeError('Failed to fetch')
    const response = await this.serve(request, String(init.body), init.signal ?? null)
    if (fate === 'unanswered') throw new TypeError('Failed to fetch')
    return response
  }

  say(message: object): void {
    this.said.push(JSON.stringify(message))
    this.wake()
  }

  /** Says why, and forgets the client once it has that. */
  end(message: object): void {
    this.open = false
    this.say(message)
  }

  private async serve(
    request: string,
    body: string,
    signal: AbortSignal | null,
  ): Promise<Response> {
    if (this.refusal) return new Response(this.refusal.body, { status: this.refusal.status })
    const number = Number(request.split('after=')[1])
    if (request === 'POST /api/signaling/poll') {
      this.taken.push(body)
      this.open = true
      return new Response('{"poll":"a b"}')
    }
    if (!request.includes('/api/signaling/poll/a%20b')) return new Response('', { status: 404 })
    if (request.startsWith('DELETE')) {
      this.open = false
      return new Response(null, { status: 204 })
    }
    if (request.startsWith('POST')) {
      if (!this.open) return new Response('', { status: 404 })
      const messages = (JSON.parse(body) as unknown[]).map((one) => JSON.stringify(one))
      // The first one taken was `authenticate`, which has no number.
      this.taken.push(...messages.slice(this.taken.length - 1 - number))
      return new Response(null, { status: 204 })
    }
    this.first = Math.max(this.first, number)
    if (this.said.length === number && this.open) {
      await new Promise<void>((resolve, reject) => {
        this.wake = resolve
        signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
      })
    }
    const fresh = this.said.slice(number)
    if (fresh.length === 0 && !this.open) return new Response('', { status: 404 })
    return new Response(`{"next":${this.said.length},"messages":[${fresh.join(',')}]}`)
  }
}

/** Whatever is to be later happens as soon as what is now has. */
export const hasty: Clock = {
  now: () => 0,
  random: () => 0.5,
  after: (_, action) => queueMicrotask(action),
  cancel: () => undefined,
}
