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
const entryBytes = 46
const localBytes = 30
const longestComment = 0xffff

/** A number that stands elsewhere, in 64 bits. */
const elsewhere = 0xffffffff

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4
}

/** The files in an archive, by its directory. @throws {ImportError} `damaged`. */
export function zipEntries(bytes: Uint8Array<ArrayBuffer>): ZipEntry[] {
  try {
    return new Archive(bytes).entries()
  } catch (error) {
    // A view throws where an offset lies outside of the file.
    throw error instanceof ImportError ? error : new ImportError('damaged')
  }
}

class Archive {
  private readonly view: DataView

  constructor(private readonly bytes: Uint8Array<ArrayBuffer>) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  entries(): ZipEntry[] {
    let { offset, count } = this.directory()
    const entries: ZipEntry[] = []
    for (; count > 0; count--) {
      if (this.view.getUint32(offset, true) !== entrySignature) throw new ImportError('damaged')
      const nameBytes = this.view.getUint16(offset + 28, true)
      const extraBytes = this.view.getUint16(offset + 30, true)
      const commentBytes = this.view.getUint16(offset + 32, true)
      entries.push(this.entry(offset, nameBytes, extraBytes))
      offset += entryBytes + nameBytes + extraBytes + commentBytes
    }
    return entries
  }

  private directory(): { offset: number; count: number } {
    const last = this.bytes.length - endBytes
    for (let at = last; at >= Math.max(0, last - longestComment); at--) {
      if (this.view.getUint32(at, true) !== endSignature) continue
      const count = this.view.getUint16(at + 10, true)
      const offset = this.view.getUint32(at + 16, true)
      return offset === elsewhere || count === 0xffff ? this.directory64(at) : { offset, count }
    }
    throw new ImportError('damaged')
  }

  private directory64(end: number): { offset: number; count: number } {
    if (this.view.getUint32(end - locatorBytes, true) !== locatorSignature) {
      throw new ImportError('damaged')
    }
    const at = this.long(end - locatorBytes + 8)
    if (this.view.getUint32(at, true) !== end64Signature) throw new ImportError('damaged')
    return { count: this.long(at + 32), offset: this.long(at + 48) }
  }

  private entry(at: number, nameBytes: number, extraBytes: number): ZipEntry {
    const start = at + entryBytes
    // Names that are not UTF-8 are still told apart; those looked for are ASCII.
    const name = new TextDecoder().decode(this.bytes.subarray(start, start + nameBytes))
    const encrypted = (this.view.getUint16(at + 8, true) & 1) === 1
    const method = this.view.getUint16(at + 10, true)
    const sizes = this.sizes(at, start + nameBytes, extraBytes)
    const read = async (limit: number) => {
      if (encrypted || (method !== 0 && method !== 8)) throw new ImportError('damaged')
      const packed = this.packed(sizes.offset, sizes.packed)
      if (packed.length > limit) throw new ImportError('too_large')
      const content = method === 0 ? packed : await inflate(packed, limit)
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
    const whole = values.map((value) => {
      if (value !== elsewhere || next + 8 > extra + extraBytes) return value
      next += 8
      return this.long(next - 8)
    })
    return { packed: whole[1] ?? 0, offset: whole[2] ?? 0 }
  }

  private packed(offset: number, size: number): Uint8Array<ArrayBuffer> {
    try {
      if (this.view.getUint32(offset, true) !== localSignature) throw new ImportError('damaged')
      const nameBytes = this.view.getUint16(offset + 26, true)
      const start = offset + localBytes + nameBytes + this.view.getUint16(offset + 28, true)
      return this.bytes.subarray(start, start + size)
    } catch {
      throw new ImportError('damaged')
    }
  }

  private long(at: number): number {
    return Number(this.view.getBigUint64(at, true))
  }
}

async function inflate(packed: Uint8Array<ArrayBuffer>, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader()
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
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
