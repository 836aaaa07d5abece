/** A Chromium whose camera sees what a test holds before it, and the eyes for QR codes of terminals. */
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type LaunchOptions, type Page } from '@playwright/test'
import decodeQr from '../../pwa/node_modules/qr/decode.js'

export class Camera {
  private constructor(
    readonly browser: Browser,
    private readonly folder: string,
  ) {}

  /**
   * Starts a browser of its own: what its camera sees is a setting of the whole browser.
   *
   * @param options those of the test run, to which the camera is added
   * @param first what the camera sees at the beginning
   */
  static async start(options: LaunchOptions, first: Page): Promise<Camera> {
    const folder = await mkdtemp(join(tmpdir(), 'hearth-camera-'))
    const args = [
      ...(options.args ?? []),
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${filmIn(folder)}`,
    ]
    await film(first, folder)
    return new Camera(await chromium.launch({ ...options, args }), folder)
  }

  /** Holds it before a page's window. It is seen by whoever opens the camera from now on. */
  async sees(page: Page): Promise<void> {
    await film(page, this.folder)
  }

  async dispose(): Promise<void> {
    await this.browser.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A film of one picture, which Chromium shows again and again. */
const filmIn = (folder: string) => join(folder, 'camera.mjpeg')

async function film(page: Page, folder: string): Promise<void> {
  const picture = join(folder, 'picture.jpeg')
  await page.screenshot({ type: 'jpeg', quality: 90, path: picture })
  await copyFile(picture, `${filmIn(folder)}.new`)
  await rename(`${filmIn(folder)}.new`, filmIn(folder))
}

const pixelsPerModule = 4

/** Reads the QR code that a command drew with half blocks, light on dark, two modules a character. */
export function readTerminal(output: string): string {
  const rows = output
    .split('\n')
    .filter((line) => /^[ ▀▄█]+$/.test(line) && line.includes('█'))
    .flatMap((line) => [
      [...line].map((char) => char === '▀' || char === '█'),
      [...line].map((char) => char === '▄' || char === '█'),
    ])
  const width = rows[0]!.length * pixelsPerModule
  const height = rows.length * pixelsPerModule
  const data = new Uint8Array(width * height * 4).fill(255)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isLight = rows[Math.floor(y / pixelsPerModule)]![Math.floor(x / pixelsPerModule)]
      if (!isLight) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  }
  return decodeQr({ width, height, data })
}
