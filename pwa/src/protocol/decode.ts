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
    check(value, shape, '$')
    return value as T
  }
}

function parse(data: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof data === 'string' ? data : utf8.decode(data))
  } catch {
    throw new ProtocolError('malformed', 'The message is not UTF-8 JSON.')
  }
}

function check(value: unknown, shape: Shape, path: string): void {
  switch (shape.kind) {
    case 'string':
      return require(typeof value === 'string' && fits(value, shape), path)
    case 'integer':
      return require(Number.isInteger(value) && within(value as number, shape), path)
    case 'number':
      return require(typeof value === 'number' && within(value, shape), path)
    case 'boolean':
      return require(typeof value === 'boolean', path)
    case 'enum':
      return require(typeof value === 'string' && shape.values.includes(value), path)
    case 'nullable':
      return value === null ? undefined : check(value, shape.of, path)
    case 'list':
      require(Array.isArray(value) && within(value.length, shape), path)
      return (value as unknown[]).forEach((item) => check(item, shape.of, `${path}[...]`))
    case 'record':
      return checkFields(asRecord(value, path), shape.fields, path)
    case 'union':
      return check(value, chosen(asRecord(value, path), shape.of, path), path)
  }
}

function checkFields(
  record: Record<string, unknown>,
  fields: Extract<Shape, { kind: 'record' }>['fields'],
  path: string,
): void {
  for (const [name, field] of Object.entries(fields)) {
    if (Object.hasOwn(record, name)) check(record[name], field.shape, `${path}.${name}`)
    else require(field.optional === true, path)
  }
}

function chosen(
  record: Record<string, unknown>,
  options: Readonly<Record<string, Shape>>,
  path: string,
): Shape {
  const tag = record.type
  if (typeof tag !== 'string') throw wrong(`${path}.type`)
  const shape = Object.hasOwn(options, tag) ? options[tag] : undefined
  if (shape) return shape
  // Only a whole message may be of a type that is newer than this version.
  if (path !== '$') throw wrong(`${path}.type`)
  throw new ProtocolError(
    'unknown_type',
    'This version does not know that type of message. Update Hearth.',
  )
}

function asRecord(value: unknown, path: string): Record<string, unknown> {
  require(typeof value === 'object' && value !== null && !Array.isArray(value), path)
  return value as Record<string, unknown>
}

function fits(value: string, limit: { min?: number; max?: number; pattern?: string }): boolean {
  // UTF-8 has no lone surrogates, though JSON can write them.
  if (!value.isWellFormed()) return false
  if (limit.pattern && !new RegExp(limit.pattern, 'u').test(value)) return false
  if (limit.min === undefined && limit.max === undefined) return true
  // Lengths on the wire are in code points; JavaScript counts UTF-16 units.
  return within([...value].length, limit)
}

function within(value: number, limit: { min?: number; max?: number }): boolean {
  return value >= (limit.min ?? -Infinity) && value <= (limit.max ?? Infinity)
}

function require(condition: boolean, path: string): void {
  if (!condition) throw wrong(path)
}

function wrong(path: string): ProtocolError {
  return new ProtocolError('malformed', `The message has the wrong shape at ${path}.`)
}
