import { beforeEach, describe, expect, it } from 'vitest'
import { TestServices } from '../../tests/support/services'
import { disconnected } from '../net/connection'
import { useAccount } from './account'
import { useChats } from './chats'
import { useConnection } from './connection'

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

  it('does not go on where the versions differ', () => {
    const connection = useConnection()
    connection.start()
    outside.handlers.onRefused('unsupported_version')
    expect([outside.stops, connection.refusal]).toEqual([1, 'unsupported_version'])
  })
})
