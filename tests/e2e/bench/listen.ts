/** Notes, inside the page, when a connection was made, what came over it, and when it was seen. */
import type { BrowserContext } from '@playwright/test'

export interface Heard {
  /** When the last peer connection was made; all times in ms of `performance.now()`. */
  opened: number
  /** When its welcome came. */
  welcomed: number
  /** When Enter was pressed after `begin`. */
  pressed: number
  /** When the command left the page. */
  sent: number
  /** When the PC said that it is on disk. */
  acknowledged: number
  /** When the first text of the answer came. */
  arrived: number
  /** When the first text of the answer was painted. */
  painted: number
  /** What the PC says it needed for the first token. */
  firstTokenMs: number
  /** When the PC began the answer, on the clock that the page's `timeOrigin` is on: one machine. */
  begunAtMs: number
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
      sent: 0,
      acknowledged: 0,
      arrived: 0,
      painted: 0,
      firstTokenMs: 0,
      begunAtMs: 0,
      begin(): void {
        heard.pressed = heard.sent = heard.acknowledged = 0
        heard.arrived = heard.painted = heard.firstTokenMs = 0
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
      if (text.includes('"type":"acknowledged"')) heard.acknowledged = performance.now()
      if (text.includes('"type":"delta"')) heard.arrived ||= performance.now()
      const begun = /"answer_begun","seq":\d+,"at_ms":(\d+)/.exec(text)
      if (begun) heard.begunAtMs = Number(begun[1]) - performance.timeOrigin
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
        const send = channel.send.bind(channel) as (data: ArrayBuffer) => void
        channel.send = (data: unknown): void => {
          const text = new TextDecoder().decode(data as ArrayBuffer)
          if (text.includes('"type":"send_message"')) heard.sent = performance.now()
          send(data as ArrayBuffer)
        }
        return channel
      }
    }
  })
}
