/** Reads QR codes off pictures: with what the browser has, else with a package that comes when needed. */

export type ReadQr = (picture: ImageBitmapSource) => Promise<string[]>

/** https://wicg.github.io/shape-detection-api, as far as it is used here. */
export interface Detector {
  detect(picture: ImageBitmapSource): Promise<readonly { rawValue: string }[]>
}

export interface DetectorClass {
  new (options: { formats: ['qr_code'] }): Detector
  getSupportedFormats(): Promise<readonly string[]>
}

export interface ReaderOptions {
  /** @default the browser's own, if it has one */
  native?: DetectorClass
  /** @default the package `qr` */
  load?: () => Promise<DetectorClass>
}

const formats: { formats: ['qr_code'] } = { formats: ['qr_code'] }

/** Rejects where neither is to be had, as without a network just after an update. */
export async function makeQrReader({
  native = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector,
  load = async () => (await import('qr/decode.js')).BarcodeDetector,
}: ReaderOptions = {}): Promise<ReadQr> {
  const spare = async () => new (await load())(formats)
  let detector = native && (await knowsQr(native)) ? new native(formats) : await spare()

  return async (picture) => {
    try {
      return (await detector.detect(picture)).map(({ rawValue }) => rawValue)
    } catch (error) {
      // Some browsers name the format, and have nothing behind the name once they are asked.
      if (native && detector instanceof native && (error as Error).name === 'NotSupportedError') {
        detector = await spare()
      }
      // Before the first frame there is nothing to look at; the next picture may be better.
      return []
    }
  }
}

async function knowsQr(native: DetectorClass): Promise<boolean> {
  try {
    return (await native.getSupportedFormats()).includes('qr_code')
  } catch {
    return false
  }
}
