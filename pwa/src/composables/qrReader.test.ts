import { expect, it } from 'vitest'
import encodeQR from 'qr'
import { decodeQR } from 'qr/decode.js'
import { readLink } from '../trust/invitation'
import { type DetectorClass, makeQrReader } from './qrReader'

const picture = {} as ImageBitmapSource

function detector(name: string, formats: string[] | Error, answer: () => Promise<string[]>) {
  return class {
    static readonly title = name
    static getSupportedFormats(): Promise<string[]> {
      return formats instanceof Error ? Promise.reject(formats) : Promise.resolve(formats)
    }
    async detect() {
      return (await answer()).map((rawValue) => ({ rawValue }))
    }
  } satisfies DetectorClass
}

const spare = detector('spare', ['qr_code'], () => Promise.resolve(['by the package']))
const notLoaded = () => Promise.reject(new Error('The package is not needed.'))
const fails = (name: string) => () => Promise.reject(new DOMException('', name))

it('reads with what the browser has', async () => {
  const native = detector('native', ['qr_code'], () => Promise.resolve(['by the browser']))
  const read = await makeQrReader({ native, load: notLoaded })
  expect(await read(picture)).toEqual(['by the browser'])
})

it('reads with the package where the browser has nothing for QR', async () => {
  const natives = [undefined, detector('', ['ean_13'], notLoaded), detector('', new Error(), notLoaded)]
  for (const native of natives) {
    const read = await makeQrReader({ native, load: () => Promise.resolve(spare) })
    expect(await read(picture)).toEqual(['by the package'])
  }
})

it('changes to the package where the browser promised too much', async () => {
  const native = detector('native', ['qr_code'], fails('NotSupportedError'))
  const read = await makeQrReader({ native, load: () => Promise.resolve(spare) })
  expect(await read(picture)).toEqual([])
  expect(await read(picture)).toEqual(['by the package'])
})

it('sees nothing in a picture that cannot be read, and stays with the browser', async () => {
  const native = detector('native', ['qr_code'], fails('InvalidStateError'))
  const read = await makeQrReader({ native, load: notLoaded })
  expect(await read(picture)).toEqual([])
  expect(await read(picture)).toEqual([])
})

it('reads, with the package, the link of a real QR', () => {
  const homeId = '0123456789abcdef'.repeat(2)
  const link = `https://hearth.example/pair#${homeId}.7ZRA0W4K7ZRA0W4K`
  const modules = encodeQR(link, 'raw', { border: 4, scale: 4 })
  const size = modules.length
  const data = new Uint8ClampedArray(size * size * 4).fill(255)
  modules.flat().forEach((isDark, index) => {
    if (isDark) data.fill(0, index * 4, index * 4 + 3)
  })
  const text = decodeQR({ width: size, height: size, data })
  expect(readLink(text)).toEqual({ secret: '7ZRA0W4K7ZRA0W4K', homeId })
})
