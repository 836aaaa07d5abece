/** UUIDv7 (RFC 9562, section 5.7): whoever makes a thing makes its id, and ids sort by time. */

export type Random = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array

export function uuidv7(nowMs: number, random: Random): string {
  const bytes = new Uint8Array(16)
  random(bytes)
  let time = Math.floor(nowMs)
  for (let index = 5; index >= 0; index--) {
    bytes[index] = time % 256
    time = Math.floor(time / 256)
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
