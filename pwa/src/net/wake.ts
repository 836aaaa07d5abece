/** Moments at which a connection may have died, or may be had again. */

type Target = Pick<EventTarget, 'addEventListener' | 'removeEventListener'>

export interface WakeSource {
  window: Target
  document: Target & Pick<Document, 'visibilityState'>
  /** Tells of another network, where a browser does (Network Information API). */
  network?: Target | undefined
}

/** Calls when the network may be another or the page is looked at again. Gives what ends it. */
export function onWake({ window, document, network }: WakeSource, wake: () => void): () => void {
  const shown = () => {
    if (document.visibilityState === 'visible') wake()
  }
  const heard: [Target | undefined, string, () => void][] = [
    [window, 'online', wake],
    [window, 'pageshow', wake],
    [document, 'visibilitychange', shown],
    // A frozen page goes on (Page Lifecycle).
    [document, 'resume', wake],
    [network, 'change', wake],
  ]
  for (const [target, type, listener] of heard) target?.addEventListener(type, listener)
  return () => {
    for (const [target, type, listener] of heard) target?.removeEventListener(type, listener)
  }
}
