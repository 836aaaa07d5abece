/** Bytes as people read and type them: Crockford's base32 in groups of four, `protocol/crockford.py`. */
import type { Bytes } from './bytes'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const lookAlikes: Record<string, string> = { I: '1', L: '1', O: '0' }

/** The characters of a whole number of five bytes, such as `7ZRA-0W4K`. */
export function toCharacters(bytes: Uint8Array): string {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  let text = ''
  for (let left = (bytes.length * 8) / 5; left > 0; left--) {
    text = alphabet.charAt(Number(value & 31n)) + text
    value >>= 5n
  }
  return text.replace(/.{4}(?=.)/g, '$&-')
}

/** What a person typed, read as so many bytes; null when it cannot be that. */
export function fromCharacters(text: string, length: number): Bytes | null {
  const typed = text.replaceAll(/[- ]/g, '')
  if (typed.length !== (length * 8) / 5) return null
  let value = 0n
  for (const character of typed) {
    // Not `toUpperCase` alone: it turns some letters of other alphabets into these.
    const upper = character < '\x80' ? character.toUpperCase() : ''
    const digit = upper && alphabet.indexOf(lookAlikes[upper] ?? upper)
    if (digit === '' || digit < 0) return null
    value = (value << 5n) | BigInt(digit)
  }
  const bytes = new Uint8Array(length)
  for (let index = length - 1; index >= 0; index--) {
    bytes[index] = Number(value & 255n)
    value >>= 8n
  }
  return bytes
}
