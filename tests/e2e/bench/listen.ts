/** Notes, inside the page, when a connection was made, what came over it, and when it was seen. */
import type { BrowserContext } from '@playwright/test'

export interface Heard {
  /** When the last peer connection was made; all times in ms of `performance.now()`. */
  opened: number
  /** When its welcome came. */
  welcomed: number
  /** When Enter was pressed after `begin`. */
  pressed: number
  /** When the first text of the answer was painted. */
  painted: number
  /** What the PC says it needed for the first token. */
  firstTokenMs: number
  begin(): void
}

declare global {
  interface Window {
    heard: Heard
  }
}

export async function listen(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const heard = {
      opened: 0,
      welcomed: 0,
      pressed: 0,
      painted: 0,
      firstTokenMs: 0,
      begin(): void {
        heard.pressed = heard.painted = heard.firstTokenMs = 0
        const before = document.querySelectorAll('article[aria-label="Hearth"]').length
        window.addEventListener('keydown', () => (heard.pressed = performance.now()), {
          once: true,
          capture: true,
        })
        const watcher = new MutationObserver(() => {
          const answers = document.querySelectorAll('article[aria-label="Hearth"]')
          const text = answers[answers.length - 1]?.textContent
          if (answers.length <= before || !text || text === 'Thinking…') return
          watcher.disconnect()
          requestAnimationFrame(() => (heard.painted = performance.now()))
        })
        watcher.observe(document.body, { childList: true, subtree: true, characterData: true })
      },
    }
    window.heard = heard
    const note = (bytes: ArrayBuffer): void => {
      // A short message is one frame: a byte of flags, then JSON.
      const text = new TextDecoder().decode(bytes.slice(1))
      if (text.includes('"type":"welcome"')) heard.welcomed = performance.now()
      const first = /"first_token_ms":([\d.]+)/.exec(text)
      if (first) heard.firstTokenMs = Number(first[1])
    }
    const Original = window.RTCPeerConnection
    window.RTCPeerConnection = class extends Original {
      constructor(configuration?: RTCConfiguration) {
        heard.opened = performance.now()
        super(configuration)
      }
      override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
        const channel = super.createDataChannel(label, options)
        channel.addEventListener('message', ({ data }) => note(data as ArrayBuffer))
        return channel
      }
    }
  })
}
