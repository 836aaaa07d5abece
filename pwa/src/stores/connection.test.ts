import { beforeEach, describe, expect, it } from 'vitest'
import { inUse, TestServices } from '../../tests/support/services'
import { ticket } from '../../tests/support/ticket'
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

  it('is begun anew by hand after a refusal', () => {
    const connection = useConnection()
    connection.start()
    outside.handlers.onRefused('device_unknown')
    expect([outside.starts, connection.isOn, connection.refusal]).toEqual([1, false, 'device_unknown'])
    connection.retryNow()
    expect([outside.starts, connection.isOn, connection.refusal]).toEqual([2, true, null])
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
    connection.start()
    connection.start()
    expect(outside.startedInTurn).toEqual([false])
  })

  it('is told apart from another that takes its place', () => {
    const connection = useConnection()
    outside.standing(inUse(1, 'relay'))
    expect([connection.isConnected, connection.turn, connection.road]).toEqual([true, 1, 'relay'])
    outside.standing(inUse(2, 'lan'))
    expect([connection.isConnected, connection.turn, connection.road]).toEqual([true, 2, 'lan'])
    outside.standing(disconnected)
    expect([connection.turn, connection.road]).toEqual([null, null])
  })

  it('knows since when there is none, until it is wanted no more', () => {
    const connection = useConnection()
    expect(connection.offlineSince).toBeNull()
    connection.start()
    outside.connect()
    expect(connection.offlineSince).toBeNull()
    const since = outside.clock.now()
    outside.standing(disconnected)
    outside.clock.pass(5_000)
    outside.standing({ ...disconnected, home: 'pc' })
    expect(connection.offlineSince).toBe(since)
    outside.connect()
    expect(connection.offlineSince).toBeNull()
    outside.standing(disconnected)
    connection.stop()
    outside.standing(disconnected)
    expect(connection.offlineSince).toBeNull()
  })

  it('is tried at once when somebody asks', () => {
    useConnection().retryNow()
    expect(outside.wakes).toBe(1)
  })

  it('is dialed by the ticket that the home gave last, and never while another is paired', async () => {
    const homes = useHomes()
    const connection = useConnection()
    expect(await outside.options.ticket()).toBeNull()
    await homes.pin(fixed('attic'), '')
    outside.handlers.onTicket(ticket)
    expect(await outside.options.ticket()).toEqual(ticket)
    connection.start(() => ({ stop: () => undefined }))
    expect([await outside.options.ticket(), outside.startedInTurn]).toEqual([null, [true]])
  })

  it('does not go on where the versions differ', () => {
    const connection = useConnection()
    connection.start()
    outside.handlers.onRefused('unsupported_version')
    expect([outside.stops, connection.refusal]).toEqual([1, 'unsupported_version'])
  })
})
