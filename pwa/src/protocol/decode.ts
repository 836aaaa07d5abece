/** JSON to messages, held to the shapes of the wire: the twin of `protocol/codec.py`. */
import type { ErrorCode } from './generated'
import type { Shape } from './shape'

/** What came over the wire cannot be taken. The sentence never repeats what was received. */
export class ProtocolError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message)
    this.name = 'ProtocolError'
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Makes the decoder of one direction of one road. Unknown keys are ignored. */
export function decoder<T>(shape: Shape): (data: string | Uint8Array) => T {
  return (data) => {
    const value = parse(data)
    const place = fault(value, shape)
    if (place === null) return value as T
    // Only a whole message may be of a type that is newer than this version.
    if (shape.kind === 'union' && place === '.type' && isText((value as { type: unknown }).type)) {
      throw new ProtocolError(
        'unknown_type',
        'This version does not know that type of message. Update Hearth.',
      )
    }
    throw new ProtocolError('malformed', `The message has the wrong shape at $${place}.`)
  }
}

function parse(data: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof data === 'string' ? data : utf8.decode(data))
  } catch {
    throw new ProtocolError('malformed', 'The message is not UTF-8 JSON.')
  }
}

/** Where a value is not as it should be, from itself on; null where all of it is. */
function fault(value: unknown, shape: Shape): string | null {
  switch (shape.kind) {
    case 'string':
      return unless(isText(value) && fits(value, shape))
    case 'integer':
      return unless(Number.isInteger(value) && within(value as number, shape))
    case 'number':
      return unless(typeof value === 'number' && within(value, shape))
    case 'boolean':
      return unless(typeof value === 'boolean')
    case 'enum':
      return unless(isText(value) && shape.values.includes(value))
    case 'nullable':
      return value === null ? null : fault(value, shape.of)
    case 'list':
      return Array.isArray(value) && within(value.length, shape) ? inItems(value, shape.of) : ''
    case 'record':
      return isRecord(value) ? inFields(value, shape.fields) : ''
    case 'union':
      return isRecord(value) ? inChosen(value, shape.of) : ''
  }
}

function unless(isRight: boolean): '' | null {
  return isRight ? null : ''
}

function inItems(items: readonly unknown[], shape: Shape): string | null {
  for (const item of items) {
    const place = fault(item, shape)
    if (place !== null) return `[...]${place}`
  }
  return null
}

function inFields(
  record: Record<string, unknown>,
  fields: Extract<Shape, { kind: 'record' }>['fields'],
): string | null {
  for (const name in fields) {
    const field = fields[name]
    if (!field) continue
    const place = Object.hasOwn(record, name) ? fault(record[name], field.shape) : unless(field.optional === true)
    if (place !== null) return `.${name}${place}`
  }
  return null
}

function inChosen(
  record: Record<string, unknown>,
  options: Readonly<Record<string, Shape>>,
): string | null {
  const { type } = record
  const shape = isText(type) && Object.hasOwn(options, type) ? options[type] : undefined
  return shape ? fault(record, shape) : '.type'
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fits(value: string, limit: { min?: number; max?: number; pattern?: string }): boolean {
  // UTF-8 has no lone surrogates, though JSON can write them.
  if (!value.isWellFormed()) return false
  if (limit.pattern && !matcher(limit.pattern).test(value)) return false
  // Lengths on the wire are in code points; JavaScript counts UTF-16 units, one or two for each.
  const { length } = value
  if (within(length, limit) && within(Math.ceil(length / 2), limit)) return true
  return within([...value].length, limit)
}

const matchers = new Map<string, RegExp>()

function matcher(pattern: string): RegExp {
  let known = matchers.get(pattern)
  if (!known) matchers.set(pattern, (known = new RegExp(pattern, 'u')))
  return known
}

function within(value: number, limit: { min?: number; max?: number }): boolean {
  return value >= (limit.min ?? -Infinity) && value <= (limit.max ?? Infinity)
}
