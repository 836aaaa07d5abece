import { deflateSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { created, written } from '../../tests/support/messages'
import { UNPACKED_BYTES } from '../protocol/generated'
import { unpack } from './unpack'

const pack = (text: string) => deflateSync(text).toString('base64')
const page = [created(1), written(2, 'Привет 🔥')]

it('is base64 of zlib of JSON', async () => {
  expect(await unpack(pack(JSON.stringify(page)))).toEqual(page)
  expect(await unpack(pack('[]'))).toEqual([])
})

const packed = deflateSync(JSON.stringify(page))
const refused: [string, string][] = [
  ['is not base64', '!'],
  ['is not zlib', Buffer.from('x'.repeat(40)).toString('base64')],
  ['was cut', packed.subarray(0, packed.length - 8).toString('base64')],
  ['is not JSON', pack('[{')],
  ['is not a list of events', pack('{}')],
  ['has an event of another shape', pack('[{"type":"chat_created","seq":1}]')],
  ['has an event of a type that is not known', pack('[{"type":"chat_sung","seq":1}]')],
]

it.each(refused)('is refused where it %s', async (_, text) => {
  await expect(unpack(text)).rejects.toThrow()
})

it('is refused where it unpacks to more than any page may, however small it is packed', async () => {
  const most = `[${' '.repeat(UNPACKED_BYTES - 2)}]`
  expect(await unpack(pack(most))).toEqual([])
  await expect(unpack(pack(`${most} `))).rejects.toThrow(RangeError)
})
