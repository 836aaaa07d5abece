import type { Socket } from '../../src/net/signaling'
import type { FromVds, ToVds } from '../../src/protocol/generated'

/** The VDS's end of the signaling socket, in the hands of a test. */
export class TestSocket implements Socket {
  readyState = 0
  closed = false
  readonly received: ToVds[] = []
  onopen: ((event: Event) => unknown) | null = null
  onmessage: ((event: MessageEvent) => unknown) | null = null
  onclose: ((event: CloseEvent) => unknown) | null = null

  send(data: string): void {
    this.received.push(JSON.parse(data) as ToVds)
  }

  close(): void {
    this.closed = true
    this.readyState = 3
  }

  open(): void {
    this.readyState = 1
    this.onopen?.(new Event('open'))
  }

  say(message: FromVds | Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent)
  }

  break(): void {
    this.readyState = 3
    this.onclose?.(new Event('close') as CloseEvent)
  }

  /** Lets the device in, with the PC there or not. */
  admit(home: string | null): void {
    this.open()
    const rooms = [{ id: 'room', home: 'home' }]
    this.say({ type: 'authenticated', version: 1, peer: 'me', role: 'device', rooms })
    const peers = home === null ? [] : [{ id: home, role: 'home' as const }]
    this.say({ type: 'room_joined', room: 'room', peers })
  }
}
