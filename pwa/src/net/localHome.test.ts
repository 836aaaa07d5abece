import { describe, expect, it } from 'vitest'
import { createLocalHome, doorOf, isLoopback, isWorthAsking, logInDoorOf, type Standing } from './localHome'

const first: Standing = {
  hostname: 'localhost',
  isUnpaired: true,
  isInvited: false,
  hasGone: false,
}

describe('whether to ask for the PC’s own door', () => {
  const cases: [string, Partial<Standing>, boolean][] = [
    ['the first browser on the PC', {}, true],
    ['by number', { hostname: '127.0.0.1' }, true],
    ['by the newer number', { hostname: '[::1]' }, true],
    ['a VDS', { hostname: 'hearth.example' }, false],
    ['a name that only begins alike', { hostname: 'localhost.example' }, false],
    ['a machine in the network', { hostname: '192.168.1.2' }, false],
    ['a paired browser', { isUnpaired: false }, false],
    ['who has an invitation', { isInvited: true }, false],
    ['a tab that has been there', { hasGone: true }, false],
  ]
  for (const [who, change, asks] of cases) {
    it(`${who}: ${asks ? 'yes' : 'no'}`, () => {
      const standing = { ...first, ...change }
      expect(isWorthAsking(standing)).toBe(asks)
      expect(doorOf(standing, 'http://127.0.0.1:4711') !== null).toBe(asks)
    })
  }
})

describe('where the door is', () => {
  const cases: [string | null, string | null][] = [
    ['http://localhost:4711', 'http://localhost:4711/pair'],
    ['http://[::1]:4711/', 'http://[::1]:4711/pair'],
    ['http://127.0.0.1:4711/other?x#y', 'http://127.0.0.1:4711/pair'],
    [null, null],
    ['', null],
    ['nonsense', null],
    ['http://hearth.example', null],
    ['http://localhost.example:4711', null],
    ['http://localhost@hearth.example', null],
    ['http://user@localhost:4711', null],
    ['javascript:alert(1)//localhost', null],
    ['file://localhost/etc', null],
  ]
  for (const [answer, door] of cases) {
    it(`${String(answer)} leads ${door === null ? 'nowhere' : `to ${door}`}`, () => {
      expect(doorOf(first, answer)).toBe(door)
    })
  }

  it('is on this machine only', () => {
    expect(isLoopback('127.0.0.1.example')).toBe(false)
  })
})

describe('where to be logged in without an account', () => {
  it('is the same door, asked from this machine only', () => {
    expect(logInDoorOf('localhost', 'http://127.0.0.1:4711')).toBe('http://127.0.0.1:4711/login')
    expect(logInDoorOf('hearth.example', 'http://127.0.0.1:4711')).toBeNull()
    expect(logInDoorOf('localhost', 'http://hearth.example')).toBeNull()
    expect(logInDoorOf('localhost', null)).toBeNull()
  })
})

describe('the server', () => {
  const asked = (answer: () => Promise<Response>) =>
    createLocalHome(answer, { hostname: 'localhost', assign: () => undefined }).ask()
  const json = (body: unknown, status = 200) => () =>
    Promise.resolve(new Response(JSON.stringify(body), { status }))

  it('names the door', async () => {
    expect(await asked(json({ address: 'http://localhost:4711' }))).toBe('http://localhost:4711')
  })

  it('has none, or says nothing that can be read', async () => {
    expect(await asked(json({ code: 'not_found', message: 'No.' }, 404))).toBeNull()
    expect(await asked(json({ address: 7 }))).toBeNull()
    expect(await asked(json(null))).toBeNull()
    expect(await asked(() => Promise.resolve(new Response('<html>')))).toBeNull()
    expect(await asked(() => Promise.reject(new TypeError('no network')))).toBeNull()
  })
})
