/** What the tabs of one browser tell each other. */
export interface Broadcast {
  post(message: unknown): void
  /** What the others posted. */
  onMessage: (message: unknown) => void
  close(): void
}

export function browserBroadcast(name: string): Broadcast {
  const channel = new BroadcastChannel(name)
  const broadcast: Broadcast = {
    post: (message) => channel.postMessage(message),
    onMessage: () => undefined,
    close: () => channel.close(),
  }
  channel.onmessage = ({ data }) => broadcast.onMessage(data)
  return broadcast
}
