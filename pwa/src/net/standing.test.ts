import { describe, expect, it } from 'vitest'
import { inUse } from '../../tests/support/services'
import { disconnected, type Input, step } from './connection'
import { standing } from './standing'

const after = (inputs: Input[]) =>
  inputs.reduce((connection, input) => step(connection, input, 0, 0.5).connection, disconnected)

const ready: Input[] = [{ type: 'start' }, { type: 'socket_ready' }]
const alone: Input[] = [...ready, { type: 'lost', on: 'direct' }]
const found: Input[] = [...alone, { type: 'home_found', home: 'pc' }]

describe('the badge', () => {
  it.each<[string, Input[], string]>([
    ['nothing begun', [], 'offline'],
    ['opening', [{ type: 'start' }], 'connecting'],
    ['the server is not there, and nobody knows of the PC', [{ type: 'start' }, { type: 'socket_closed' }], 'connecting'],
    ['neither is there', [{ type: 'start' }, { type: 'socket_closed' }, { type: 'lost', on: 'direct' }], 'offline'],
    ['the PC may be near', ready, 'connecting'],
    ['the PC is not there', alone, 'pc_offline'],
    ['dialing', found, 'connecting'],
    ['the PC answers', [...found, { type: 'opened', on: 'signaled' }], 'connecting'],
  ])('%s', (_, inputs, says) => {
    expect(standing(after(inputs), true)).toBe(says)
  })

  it('believes a browser that knows of no network, unless one is in use', () => {
    expect(standing(after(found), false)).toBe('offline')
    expect(standing(inUse(), false)).toBe('connected')
  })
})
