import { beforeEach, describe, expect, it } from 'vitest'
import { TestServices } from '../../tests/support/services'
import { ProblemError, Unreachable } from '../net/errors'
import { useAccount } from './account'

let outside: TestServices

beforeEach(() => {
  outside = new TestServices()
})

const refused = () => Promise.reject(new ProblemError('not_logged_in', ''))

describe('on start', () => {
  it('whoever was here last is let in without waiting for the server', async () => {
    outside.kept = { ...outside.kept, userName: 'anna' }
    outside.refresh = () => Promise.reject(new Unreachable(''))
    const account = useAccount()
    await account.restore()
    expect([account.state, account.isIn, account.name]).toEqual(['remembered', true, 'anna'])
    await expect(account.token()).rejects.toThrow(Unreachable)
    expect(account.isIn).toBe(true)
  })

  it('a cookie alone logs in', async () => {
    const account = useAccount()
    await account.restore()
    expect([account.state, account.name]).toEqual(['in', 'anna'])
    expect(outside.kept.userName).toBe('anna')
  })

  it('nobody is nobody', async () => {
    outside.refresh = refused
    const account = useAccount()
    await account.restore()
    expect([account.state, account.ended]).toEqual(['out', false])
  })
})

describe('logging out', () => {
  it('forgets the name', async () => {
    const account = useAccount()
    await account.logIn({ username: 'anna', password: 'p' })
    await account.logOut()
    expect([account.state, outside.kept.userName]).toEqual(['out', null])
  })

  it('does not pretend where the server cannot be reached', async () => {
    const account = useAccount()
    await account.logIn({ username: 'anna', password: 'p' })
    outside.logOut = () => Promise.reject(new Unreachable(''))
    await expect(account.logOut()).rejects.toThrow(Unreachable)
    expect(account.isIn).toBe(true)
  })

  it('is done where the session was over already', async () => {
    const account = useAccount()
    await account.logIn({ username: 'anna', password: 'p' })
    outside.logOut = refused
    await account.logOut()
    expect(account.state).toBe('out')
  })
})

it('tells a session that ended by itself from one that was ended', async () => {
  const account = useAccount()
  await account.logIn({ username: 'anna', password: 'p' })
  account.end()
  expect([account.state, account.ended]).toEqual(['out', true])
  await account.logIn({ username: 'anna', password: 'p' })
  expect(account.ended).toBe(false)
})
