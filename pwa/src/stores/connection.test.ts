import { beforeEach, describe, expect, it } from 'vitest'
import { TestServices } from '../../tests/support/services'
import { fixed } from '../../tests/support/trust'
import { disconnected } from '../net/connection'
import { useAccount } from './account'
import { useChats } from './chats'
import { useConnection } from './connection'
import { useHomes } from './homes'

let outside: TestServices

beforeEach(() => {
  outside = new TestServices()
  useChats()
})

describe('the connection', () => {
  it('shows the round trip while there is one', () => {
    const connection = useConnection()
    outside.connect()
    outside.handlers.onRoundTrip(11.7)
    expect([connection.state, connection.roundTripMs]).toEqual(['connected', 12])
    outside.standing(disconnected)
    expect([connection.state, connection.roundTripMs]).toEqual(['offline', null])
  })

  it('shows no round trip below nothing, whatever the clock does', () => {
    const connection = useConnection()
    outside.connect()
    outside.handlers.onRoundTrip(-40)
    expect(connection.roundTripMs).toBe(0)
  })

  it('ends with the session', async () => {
    const account = useAccount()
    await account.logIn({ username: 'anna', password: 'p' })
    useConnection().start()
    outside.handlers.onLoggedOut()
    expect([outside.stops, account.ended]).toEqual([1, true])
  })

  it('tells the code of the connection there is, as the PC compares it', () => {
    const connection = useConnection()
    outside.connect()
    outside.handlers.onCode('7ZRA-0W4K')
    expect(connection.code).toBe('7ZRA0W4K')
    outside.standing(disconnected)
    expect(connection.code).toBeNull()
  })

  it('ends with an attack, whoever wants to go on', () => {
    const connection = useConnection()
    connection.start()
    outside.handlers.onAttack()
    expect([outside.starts, outside.stops, connection.attack]).toEqual([1, 1, true])
    connection.start()
    expect([outside.starts, connection.attack]).toEqual([1, true])
  })

  it('is tried again after a refusal only when somebody asks', () => {
    const connection = useConnection()
    connection.start()
    outside.handlers.onRefused('device_unknown')
    expect([outside.stops, connection.refusal]).toEqual([1, 'device_unknown'])
    connection.start()
    expect([outside.starts, connection.refusal]).toEqual([2, null])
  })

  it('forgets nothing because somebody said that this device was removed', async () => {
    const homes = useHomes()
    await homes.pin(fixed('attic'), '')
    useConnection().start()
    outside.handlers.onRefused('device_revoked')
    await homes.load()
    expect([homes.state, homes.home?.publicKey]).toEqual(['paired', fixed('attic')])
  })

  it('is begun once', () => {
    const connection = useConnection()
    outside.connect()
    const socket = { state: 'ready', dueMs: null, failures: 0 } as const
    outside.standing({ ...disconnected, socket })
    connection.start()
    expect(outside.starts).toBe(0)
  })

  it('does not go on where the versions differ', () => {
    const connection = useConnection()
    connection.start()
    outside.handlers.onRefused('unsupported_version')
    expect([outside.stops, connection.refusal]).toEqual([1, 'unsupported_version'])
  })
})
