/** What a page of history holds: base64 of zlib of JSON. */
import { fromText } from '../protocol/base64'
import { decoder } from '../protocol/decode'
import { type Event, EventShape, UNPACKED_BYTES } from '../protocol/generated'

const decode = decoder<Event[]>({ kind: 'list', of: EventShape })

/** @throws Error of any kind, where it is not what the wire says, or larger */
export async function unpack(packed: string): Promise<Event[]> {
  const stream = new Blob([fromText(packed)]).stream().pipeThrough(new DecompressionStream('deflate'))
  return decode(await readAll(stream, UNPACKED_BYTES))
}

async function readAll(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  const reader = stream.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.length
    if (size > limit) {
      await reader.cancel()
      throw new RangeError('A page of history is larger than any may be.')
    }
    pieces.push(read.value)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
