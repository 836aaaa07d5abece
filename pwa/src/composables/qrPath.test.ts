import encodeQR from 'qr'
import decodeQR from 'qr/decode.js'
import { expect, it } from 'vitest'
import { qrPath } from './qrPath'

const scale = 4

/** Fills the rectangles of a path, dark on white, as a browser would. */
function drawn(path: string, modules: number) {
  const size = modules * scale
  const data = new Uint8Array(size * size * 4).fill(255)
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)v1H\1z/g)) {
    for (let down = 0; down < scale; down++) {
      const line = (Number(y) * scale + down) * size
      const from = line + Number(x) * scale
      for (let at = from; at < from + Number(run) * scale; at++) data.fill(0, at * 4, at * 4 + 3)
    }
  }
  return { width: size, height: size, data }
}

it('draws what a camera reads', () => {
  const link = `https://hearth.example/pair#${'0123456789abcdef'.repeat(2)}.7ZRA0W4K7ZRA0W4K`
  const modules = encodeQR(link, 'raw', { ecc: 'medium', border: 4 })
  expect(decodeQR(drawn(qrPath(modules), modules.length))).toBe(link)
})

it('joins neighbours and leaves out what is light', () => {
  expect(qrPath([[true, true, false, true], [false, false, false, false]])).toBe('M0 0h2v1H0zM3 0h1v1H3z')
})
