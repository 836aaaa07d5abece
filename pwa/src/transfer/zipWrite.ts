/** Writing ZIP archives (APPNOTE 6.3.10): deflated, names in UTF-8, times in UTC. */
import { crc32 } from './crc32'

export interface ZipFile {
  readonly name: string
  readonly text: string
  readonly atMs: number
}

type Bytes = Uint8Array<ArrayBuffer>

const utf8 = new TextEncoder()

/** Deflate came with version 2.0; bit 11 says that the name is UTF-8. */
const version = 20
const utf8Flag = 1 << 11
const deflated = 8

/** Up to 65,535 files of less than 4 GB together, which is all that is here ever written. */
export async function zip(files: readonly ZipFile[]): Promise<Blob> {
  const parts: Bytes[] = []
  const directory: Bytes[] = []
  let offset = 0
  for (const file of files) {
    const name = utf8.encode(file.name)
    const content = utf8.encode(file.text)
    const packed = await deflate(content)
    const common = [
      ...[short(utf8Flag), short(deflated), ...dosTime(file.atMs)],
      ...[long(crc32(content)), long(packed.length), long(content.length)],
      ...[short(name.length), short(0)],
    ]
    const local = joined([long(0x04034b50), short(version), ...common, name])
    directory.push(
      joined([
        ...[long(0x02014b50), short(version), short(version), ...common],
        ...[short(0), short(0), short(0), long(0), long(offset), name],
      ]),
    )
    parts.push(local, packed)
    offset += local.length + packed.length
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0)
  const count = short(files.length)
  const end = [long(0x06054b50), short(0), short(0), count, count, long(size), long(offset), short(0)]
  return new Blob([...parts, ...directory, joined(end)], { type: 'application/zip' })
}

async function deflate(bytes: Bytes): Promise<Bytes> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** As MS-DOS counted: years from 1980 to 2107, seconds in twos. */
function dosTime(ms: number): Bytes[] {
  const date = new Date(Math.min(Math.max(ms, Date.UTC(1980, 0)), Date.UTC(2107, 11, 31)))
  const time =
    (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1)
  const day =
    ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate()
  return [short(time), short(day)]
}

function short(value: number): Bytes {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff)
}

function long(value: number): Bytes {
  return Uint8Array.of(...short(value), ...short(value >>> 16))
}

function joined(parts: readonly Bytes[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
