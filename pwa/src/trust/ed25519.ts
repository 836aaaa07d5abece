/**
 * Verifies Ed25519 (RFC 8032, section 5.1.7) where the browser cannot: Chromium before 137, Firefox
 * before 129. Only public values are touched, so its time may depend on them; nothing is signed here.
 */
import { type Bytes, concat, equal } from './bytes'

const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const D = mod(-121665n * power(121666n, P - 2n))
/** A square root of -1. */
const I = power(2n, (P - 1n) / 4n)

const order8Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
/** The y of the eight points whose order divides the cofactor. */
const smallOrderY = [0n, 1n, P - 1n, order8Y, P - order8Y]

/** Extended coordinates: x = X/Z, y = Y/Z, T = XY/Z. */
interface Point {
  readonly X: bigint
  readonly Y: bigint
  readonly Z: bigint
  readonly T: bigint
}

const identity: Point = { X: 0n, Y: 1n, Z: 1n, T: 0n }
const baseY = mod(4n * power(5n, P - 2n))
const base = decodePoint(encodeInteger(baseY)) ?? identity

/**
 * Whether key and signature are of the form that is taken at all: canonical, and neither point of
 * small order, for which a signature can fit any text. The browser's own verification does not
 * promise to look.
 */
export function isStrict(key: Bytes, signature: Bytes): boolean {
  if (key.length !== 32 || signature.length !== 64) return false
  if (decodeInteger(signature.subarray(32)) >= L) return false
  return !isWeak(key) && !isWeak(signature.subarray(0, 32))
}

/** Whether the signature of `isStrict` form fits: sB = R + kA, without the cofactor. */
export async function verifyEd25519(key: Bytes, signature: Bytes, data: Bytes): Promise<boolean> {
  const publicPoint = decodePoint(key)
  if (!publicPoint) return false
  const r = signature.subarray(0, 32)
  const s = decodeInteger(signature.subarray(32))
  const hash = await crypto.subtle.digest('SHA-512', concat(r, key, data))
  const k = decodeInteger(new Uint8Array(hash)) % L
  const { X, Y, Z, T } = publicPoint
  const negative = { X: mod(-X), Y, Z, T: mod(-T) }
  return equal(encodePoint(twoProducts(s, base, k, negative)), r)
}

function isWeak(point: Uint8Array): boolean {
  const y = decodeInteger(point) & (2n ** 255n - 1n)
  return y >= P || smallOrderY.includes(y)
}

/** a·p + b·q, bit by bit for both at once. */
function twoProducts(a: bigint, p: Point, b: bigint, q: Point): Point {
  const both = add(p, q)
  let sum = identity
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = add(sum, sum)
    const inA = (a >> bit) & 1n
    const inB = (b >> bit) & 1n
    if (inA && inB) sum = add(sum, both)
    else if (inA) sum = add(sum, p)
    else if (inB) sum = add(sum, q)
  }
  return sum
}

/** RFC 8032, section 5.1.4; complete, so it doubles too. */
function add(p: Point, q: Point): Point {
  const a = mod((p.Y - p.X) * (q.Y - q.X))
  const b = mod((p.Y + p.X) * (q.Y + q.X))
  const c = mod(2n * D * p.T * q.T)
  const d = mod(2n * p.Z * q.Z)
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return { X: mod(e * f), Y: mod(g * h), Z: mod(f * g), T: mod(e * h) }
}

function encodePoint({ X, Y, Z }: Point): Bytes {
  const inverse = power(Z, P - 2n)
  return encodeInteger(mod(Y * inverse) | ((mod(X * inverse) & 1n) << 255n))
}

/** RFC 8032, section 5.1.3; null for what is not on the curve. */
function decodePoint(bytes: Bytes): Point | null {
  const encoded = decodeInteger(bytes)
  const y = encoded & (2n ** 255n - 1n)
  if (y >= P) return null
  const u = mod(y * y - 1n)
  const v = mod(D * y * y + 1n)
  const candidate = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n))
  const root = [candidate, mod(candidate * I)].find((x) => mod(v * x * x) === u)
  if (root === undefined) return null
  const x = (root & 1n) === encoded >> 255n ? root : mod(-root)
  return { X: x, Y: y, Z: 1n, T: mod(x * y) }
}

function decodeInteger(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function encodeInteger(value: bigint): Bytes {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n))
}

function mod(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

function power(of: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = mod(of)
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = mod(result * square)
    square = mod(square * square)
  }
  return result
}
