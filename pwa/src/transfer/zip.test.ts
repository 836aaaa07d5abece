import { expect, it } from 'vitest'
import { seeded } from '../../tests/support/messages'
import { bytesOf } from '../../tests/support/transfer'
import { crc32 } from './crc32'
import { zipEntries } from './zip'
import { zip } from './zipWrite'

/** Written by Python's `zipfile`, told to use 64-bit sizes and offsets from 10 bytes on. */
const stored64 =
  'UEsDBC0AAAAAAAAAIQCB1ElD//////////8IABQAYS9iLmpzb24BABAAJgAAAAAAAAAmAAAAAAAAAHsieCI6Inl5eXl5eXl5eXl5' +
  'eXl5eXl5eXl5eXl5eXl5eXl5eSJ9UEsDBBQAAAAAAAAAIQApu0wNAgAAAAIAAAAGAAAAYy5qc29uW11QSwECLQMtAAAAAAAAACEA' +
  'gdRJQ///////////CAAUAAAAAAAAAAAAgAEAAAAAYS9iLmpzb24BABAAJgAAAAAAAAAmAAAAAAAAAFBLAQItAy0AAAAAAAAAIQAp' +
  'u0wNAgAAAAIAAAAGAAwAAAAAAAAAAACAAf////9jLmpzb24BAAgAYAAAAAAAAABQSwYGLAAAAAAAAAAtAC0AAAAAAAAAAAACAAAA' +
  'AAAAAAIAAAAAAAAAigAAAAAAAACGAAAAAAAAAFBLBgcAAAAAEAEAAAAAAAABAAAAUEsFBgAAAAACAAIAigAAAIYAAAAMAFBLIGEg' +
  'Y29tbWVudA=='

const decode = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))

async function texts(bytes: Uint8Array<ArrayBuffer>, limit = 10_000): Promise<[string, string][]> {
  const entries = (await zipEntries(new Blob([bytes]))).map(async ({ name, read }): Promise<[string, string]> => {
    return [name, new TextDecoder().decode(await read(limit))]
  })
  return await Promise.all(entries)
}

it('has the checksum that the standard gives for 123456789', () => {
  expect(crc32(bytesOf('123456789'))).toBe(0xcbf43926)
})

it('reads what is stored, with 64-bit sizes and a comment at the end', async () => {
  expect(await texts(decode(stored64))).toEqual([
    ['a/b.json', `{"x":"${'y'.repeat(30)}"}`],
    ['c.json', '[]'],
  ])
})

it('reads what it writes: names in any language, long and empty files', async () => {
  const files = [
    { name: 'Папка/Хлеб 🍞.md', text: 'привет\n'.repeat(1000), atMs: 0 },
    { name: 'empty', text: '', atMs: Infinity },
  ]
  const archive = new Uint8Array(await (await zip(files)).arrayBuffer())
  expect(archive.length).toBeLessThan(1000)
  expect(await texts(archive, 100_000)).toEqual(files.map(({ name, text }) => [name, text]))
})

it('reads no more of an archive than its ends and what is wanted', async () => {
  const random = seeded(7)
  const picture = Array.from({ length: 200_000 }, () => String.fromCharCode(32 + 64 * random())).join('')
  const files = [{ name: 'a.png', text: picture, atMs: 0 }, { name: 'b.json', text: '[]', atMs: 0 }]
  const file = await zip(files)
  const read: number[] = []
  const slice = file.slice.bind(file)
  file.slice = (from, to) => {
    const part = slice(from, to)
    part.arrayBuffer = () => {
      read.push(part.size)
      return Blob.prototype.arrayBuffer.call(part)
    }
    return part
  }
  file.arrayBuffer = () => Promise.reject(new Error('All of it was read.'))
  const wanted = (await zipEntries(file)).find(({ name }) => name === 'b.json')
  expect(new TextDecoder().decode(await wanted!.read(10))).toBe('[]')
  // The end has room for the longest comment.
  expect(read.reduce((sum, size) => sum + size, 0)).toBeLessThan(67_000)
  expect(file.size).toBeGreaterThan(70_000)
})

it.each([
  ['an entry that is encrypted', 8, 1],
  ['a way to pack that is not known', 10, 12],
  ['a checksum that is another', 16, 0],
  ['a directory that is none', 0, 0],
])('refuses %s', async (_, field, value) => {
  const archive = new Uint8Array(await (await zip([{ name: 'a', text: 'text', atMs: 0 }])).arrayBuffer())
  const directory = new DataView(archive.buffer).getUint32(archive.length - 6, true)
  archive[directory + field] = value
  await expect(texts(archive)).rejects.toMatchObject({ code: 'damaged' })
})

it('refuses to unpack more than it may', async () => {
  await expect(texts(decode(stored64), 37)).rejects.toMatchObject({ code: 'too_large' })
  const archive = await (await zip([{ name: 'a', text: ' '.repeat(10_000_000), atMs: 0 }])).arrayBuffer()
  await expect(texts(new Uint8Array(archive), 9_999_999)).rejects.toMatchObject({ code: 'too_large' })
})
