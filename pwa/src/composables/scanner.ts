import { onMounted, onUnmounted, type Ref, ref } from 'vue'
import { makeQrReader, type ReadQr } from './qrReader'

/** Each has a sentence; after each the code can still be typed. */
export type CameraFailure = 'insecure' | 'denied' | 'missing' | 'busy' | 'lost' | 'failed'

export interface ScannerOptions {
  /** Where the camera's picture is shown. */
  video: Ref<HTMLVideoElement | null>
  onText: (text: string) => void
  makeReader?: () => Promise<ReadQr>
  /** Between two looks at the picture. @default 120 */
  everyMs?: number
}

export interface Scanner {
  /** Whether the camera shows something. */
  isLive: Ref<boolean>
  failure: Ref<CameraFailure | null>
}

const wanted: MediaStreamConstraints = {
  video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } },
  audio: false,
}

const failures: Record<string, CameraFailure> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  AbortError: 'busy',
}

/** Looks through the camera for as long as the component is there and the page is seen. */
export function useScanner(options: ScannerOptions): Scanner {
  const { video, onText, makeReader = makeQrReader, everyMs = 120 } = options
  const isLive = ref(false)
  const failure = ref<CameraFailure | null>(null)
  /** Of the look that is current; whatever an older one still brings is thrown away. */
  let turn = 0
  let stream: MediaStream | null = null
  let timer: number | undefined

  async function start(): Promise<void> {
    const mine = ++turn
    const isOver = () => mine !== turn
    failure.value = null
    try {
      // Absent outside of a secure context, and in browsers that have no cameras.
      const devices = (navigator as Partial<Navigator>).mediaDevices
      if (!devices) {
        fail(window.isSecureContext ? 'missing' : 'insecure')
        return
      }
      const [opened, read] = await both(devices.getUserMedia(wanted), makeReader())
      if (isOver()) {
        release(opened)
        return
      }
      stream = opened
      for (const track of opened.getTracks()) {
        track.addEventListener('ended', () => {
          if (!isOver()) fail('lost')
        })
      }
      await show(opened)
      if (!isOver()) look(read, isOver)
    } catch (error) {
      if (isOver()) return
      fail(failures[(error as Error).name] ?? 'failed')
    }
  }

  async function show(opened: MediaStream): Promise<void> {
    if (!video.value) return
    video.value.srcObject = opened
    // A video that is taken away while it begins rejects; then nobody looks any more.
    await video.value.play().catch(() => undefined)
    isLive.value = stream === opened
  }

  function look(read: ReadQr, isOver: () => boolean): void {
    timer = window.setTimeout(() => void once(), everyMs)
    async function once(): Promise<void> {
      const texts = video.value ? await read(video.value).catch(() => []) : []
      for (const text of texts) if (!isOver()) onText(text)
      if (!isOver()) look(read, isOver)
    }
  }

  function stop(): void {
    turn++
    window.clearTimeout(timer)
    release(stream)
    stream = null
    isLive.value = false
  }

  function fail(why: CameraFailure): void {
    stop()
    failure.value = why
  }

  function onVisibility(): void {
    if (document.hidden) stop()
    else if (!failure.value && !stream) void start()
  }

  onMounted(() => {
    document.addEventListener('visibilitychange', onVisibility)
    void start()
  })
  onUnmounted(() => {
    document.removeEventListener('visibilitychange', onVisibility)
    stop()
  })
  return { isLive, failure }
}

/** Waits for both at once; a camera that came is not left on because the reader did not. */
async function both(camera: Promise<MediaStream>, reader: Promise<ReadQr>) {
  const [opened, read] = await Promise.allSettled([camera, reader])
  if (opened.status === 'rejected') throw opened.reason
  if (read.status === 'fulfilled') return [opened.value, read.value] as const
  release(opened.value)
  throw read.reason
}

function release(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
}
