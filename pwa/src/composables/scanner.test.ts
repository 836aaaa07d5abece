import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, h, useTemplateRef } from 'vue'
import type { ReadQr } from './qrReader'
import { type CameraFailure, type Scanner, useScanner } from './scanner'

/** A camera that notes whether it is on. */
class TestCamera {
  tracks: { stop: () => void; addEventListener: (type: string, ended: () => void) => void }[] = []
  ended: (() => void)[] = []
  on = 0

  open(): MediaStream {
    this.on++
    const track = {
      stop: () => void this.on--,
      addEventListener: (_type: string, ended: () => void) => this.ended.push(ended),
    }
    return { getTracks: () => [track] } as unknown as MediaStream
  }
}

let camera: TestCamera
let asked: MediaStreamConstraints[]
let getUserMedia: () => Promise<MediaStream>
let texts: string[]
let read: ReadQr
let makeReader: () => Promise<ReadQr>
let scanner: Scanner
let view: VueWrapper

beforeEach(() => {
  vi.useFakeTimers()
  camera = new TestCamera()
  asked = []
  texts = []
  getUserMedia = () => Promise.resolve(camera.open())
  read = () => Promise.resolve([])
  makeReader = () => Promise.resolve((picture) => read(picture))
  give({
    getUserMedia: (wanted: MediaStreamConstraints) => (asked.push(wanted), getUserMedia()),
  })
  vi.spyOn(HTMLVideoElement.prototype, 'play').mockResolvedValue()
  // happy-dom's own takes no stream but its own.
  vi.spyOn(HTMLVideoElement.prototype, 'srcObject', 'set').mockImplementation(() => undefined)
})

afterEach(() => {
  view.unmount()
  vi.useRealTimers()
  vi.restoreAllMocks()
  Reflect.deleteProperty(navigator, 'mediaDevices')
  hide(false)
})

function give(mediaDevices: unknown): void {
  Object.defineProperty(navigator, 'mediaDevices', { value: mediaDevices, configurable: true })
}

function hide(hidden: boolean): void {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}

async function open(): Promise<void> {
  view = mount(
    defineComponent(() => {
      const video = useTemplateRef<HTMLVideoElement>('video')
      scanner = useScanner({ video, onText: (text) => texts.push(text), makeReader, everyMs: 100 })
      return () => h('video', { ref: 'video' })
    }),
  )
  await flushPromises()
}

const look = () => vi.advanceTimersByTimeAsync(100)

describe('the camera', () => {
  it('is the one at the back, and hears nothing', async () => {
    await open()
    expect(asked).toMatchObject([{ video: { facingMode: 'environment' }, audio: false }])
    expect([scanner.isLive.value, camera.on]).toEqual([true, 1])
  })

  it('shows what it sees again and again', async () => {
    await open()
    const seen = [[], ['one'], ['one', 'two']]
    read = () => Promise.resolve(seen.shift() ?? [])
    await look()
    expect(texts).toEqual([])
    await look()
    await look()
    expect(texts).toEqual(['one', 'one', 'two'])
  })

  it('goes on after a picture that cannot be read', async () => {
    await open()
    read = () => Promise.reject(new Error('blurred'))
    await look()
    read = () => Promise.resolve(['clear'])
    await look()
    expect(texts).toEqual(['clear'])
  })

  it('is off when the page is left', async () => {
    await open()
    read = () => Promise.resolve(['late'])
    view.unmount()
    await look()
    expect([camera.on, texts]).toEqual([0, []])
  })

  it('is off when the page is left before it came', async () => {
    let come: (stream: MediaStream) => void = () => undefined
    getUserMedia = () => new Promise((resolve) => (come = resolve))
    await open()
    view.unmount()
    come(camera.open())
    await flushPromises()
    expect(camera.on).toBe(0)
  })

  it('is off while nobody looks, and on again after that', async () => {
    await open()
    hide(true)
    expect([camera.on, scanner.isLive.value]).toEqual([0, false])
    hide(false)
    await flushPromises()
    expect([camera.on, scanner.isLive.value]).toEqual([1, true])
  })

  it('is off where nothing can read its picture', async () => {
    makeReader = () => Promise.reject(new TypeError('no network'))
    await open()
    expect([camera.on, scanner.failure.value]).toEqual([0, 'failed'])
  })

  it('that is pulled out is told', async () => {
    await open()
    for (const ended of camera.ended) ended()
    expect([camera.on, scanner.isLive.value, scanner.failure.value]).toEqual([0, false, 'lost'])
  })
})

describe('a camera that cannot be had', () => {
  const cases: [string, CameraFailure][] = [
    ['NotAllowedError', 'denied'],
    ['SecurityError', 'denied'],
    ['NotFoundError', 'missing'],
    ['OverconstrainedError', 'missing'],
    ['NotReadableError', 'busy'],
    ['AbortError', 'busy'],
    ['TypeError', 'failed'],
  ]
  for (const [name, why] of cases) {
    it(`with ${name} is ${why}`, async () => {
      getUserMedia = () => Promise.reject(new DOMException('', name))
      await open()
      expect([scanner.failure.value, scanner.isLive.value]).toEqual([why, false])
    })
  }

  for (const [isSecure, why] of [[false, 'insecure'], [true, 'missing']] as const) {
    it(`is ${why} where the address is ${isSecure ? '' : 'not '}secure and there are none`, async () => {
      give(undefined)
      vi.stubGlobal('isSecureContext', isSecure)
      await open()
      expect(scanner.failure.value).toBe(why)
      vi.unstubAllGlobals()
    })
  }
})
