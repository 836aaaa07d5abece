/** Reading ZIP archives (APPNOTE 6.3.10): what is stored or deflated, with 64-bit sizes too. */
import { crc32 } from './crc32'
import { ImportError } from './model'

export interface ZipEntry {
  readonly name: string
  /** @throws {ImportError} `damaged`; `too_large`, where it unpacks to more than `limit` bytes. */
  readonly read: (limit: number) => Promise<Uint8Array<ArrayBuffer>>
}

const endSignature = 0x06054b50
const end64Signature = 0x06064b50
const locatorSignature = 0x07064b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50

const endBytes = 22
const locatorBytes = 20
const end64Bytes = 56
const entryBytes = 46
const localBytes = 30
const longestComment = 0xffff
/** Of a million files. */
const directoryMost = 100_000_000

/** A number that stands elsewhere, in 64 bits. */
const elsewhere = 0xffffffff

export async function isZip(file: Blob): Promise<boolean> {
  const begin = await viewOf(file, 0, 4)
  return begin.byteLength === 4 && begin.getUint32(0, true) === localSignature
}

/**
 * The files in an archive, by its directory. No more of it is read than that and what is wanted: one
 * with pictures may have gigabytes.
 *
 * @throws {ImportError} `damaged`.
 */
export async function zipEntries(file: Blob): Promise<ZipEntry[]> {
  try {
    const { view, count } = await directoryOf(file)
    return new Directory(view, file).entries(count)
  } catch (error) {
    // A view throws where an offset lies outside of the file.
    throw error instanceof ImportError ? error : new ImportError('damaged')
  }
}

interface Place {
  readonly offset: number
  readonly count: number
}

async function directoryOf(file: Blob): Promise<{ view: DataView<ArrayBuffer>; count: number }> {
  const start = Math.max(0, file.size - endBytes - longestComment - locatorBytes)
  const tail = await viewOf(file, start, file.size)
  for (let at = tail.byteLength - endBytes; at >= 0; at--) {
    if (tail.getUint32(at, true) !== endSignature) continue
    const near = { count: tail.getUint16(at + 10, true), offset: tail.getUint32(at + 16, true) }
    const isFar = near.offset === elsewhere || near.count === 0xffff
    const place = isFar ? await farPlace(file, tail, at) : near
    const end = Math.min(place.offset + directoryMost, start + at)
    return { count: place.count, view: await viewOf(file, place.offset, end) }
  }
  throw new ImportError('damaged')
}

async function farPlace(file: Blob, tail: DataView, end: number): Promise<Place> {
  if (tail.getUint32(end - locatorBytes, true) !== locatorSignature) throw new ImportError('damaged')
  const at = long(tail, end - locatorBytes + 8)
  const far = await viewOf(file, at, at + end64Bytes)
  if (far.getUint32(0, true) !== end64Signature) throw new ImportError('damaged')
  return { count: long(far, 32), offset: long(far, 48) }
}

async function viewOf(file: Blob, from: number, to: number): Promise<DataView<ArrayBuffer>> {
  return new DataView(await file.slice(from, to).arrayBuffer())
}

class Directory {
  constructor(
    private readonly view: DataView<ArrayBuffer>,
    private readonly file: Blob,
  ) {}

  entries(count: number): ZipEntry[] {
    const entries: ZipEntry[] = []
    let offset = 0
    for (let left = count; left > 0; left--) {
      if (this.view.getUint32(offset, true) !== entrySignature) throw new ImportError('damaged')
      const nameBytes = this.view.getUint16(offset + 28, true)
      const extraBytes = this.view.getUint16(offset + 30, true)
      const commentBytes = this.view.getUint16(offset + 32, true)
      entries.push(this.entry(offset, nameBytes, extraBytes))
      offset += entryBytes + nameBytes + extraBytes + commentBytes
    }
    return entries
  }

  private entry(at: number, nameBytes: number, extraBytes: number): ZipEntry {
    const start = at + entryBytes
    // Names that are not UTF-8 are still told apart; those looked for are ASCII.
    const name = new TextDecoder().decode(new Uint8Array(this.view.buffer, start, nameBytes))
    const encrypted = (this.view.getUint16(at + 8, true) & 1) === 1
    const method = this.view.getUint16(at + 10, true)
    const sizes = this.sizes(at, start + nameBytes, extraBytes)
    const read = async (limit: number) => {
      if (encrypted || (method !== 0 && method !== 8)) throw new ImportError('damaged')
      const packed = await this.packed(sizes.offset, sizes.packed)
      if (packed.size > limit) throw new ImportError('too_large')
      const content = await (method === 0 ? whole(packed) : inflate(packed, limit))
      if (crc32(content) !== this.view.getUint32(at + 16, true)) throw new ImportError('damaged')
      return content
    }
    return { name, read }
  }

  /** Those that do not fit into 32 bits stand in the field 1 of the extra ones, in this order. */
  private sizes(at: number, extra: number, extraBytes: number): { packed: number; offset: number } {
    const [unpacked = 0, packed = 0, offset = 0] = [24, 20, 42].map((field) =>
      this.view.getUint32(at + field, true),
    )
    const values = [unpacked, packed, offset]
    let field = extra
    while (field + 4 <= extra + extraBytes && this.view.getUint16(field, true) !== 1) {
      field += 4 + this.view.getUint16(field + 2, true)
    }
    let next = field + 4
    const found = values.map((value) => {
      if (value !== elsewhere || next + 8 > extra + extraBytes) return value
      next += 8
      return long(this.view, next - 8)
    })
    return { packed: found[1] ?? 0, offset: found[2] ?? 0 }
  }

  private async packed(offset: number, size: number): Promise<Blob> {
    try {
      const local = await viewOf(this.file, offset, offset + localBytes)
      if (local.getUint32(0, true) !== localSignature) throw new ImportError('damaged')
      const start = offset + localBytes + local.getUint16(26, true) + local.getUint16(28, true)
      return this.file.slice(start, start + size)
    } catch {
      throw new ImportError('damaged')
    }
  }
}

function long(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true))
}

async function whole(packed: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await packed.arrayBuffer())
}

async function inflate(packed: Blob, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    const reader = packed.stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader()
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.length
      if (size > limit) {
        await reader.cancel()
        throw new ImportError('too_large')
      }
      chunks.push(next.value)
    }
  } catch (error) {
    throw error instanceof ImportError ? error : new ImportError('damaged')
  }
  const content = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    content.set(chunk, at)
    at += chunk.length
  }
  return content
}
