import { beforeEach, describe, expect, it } from 'vitest'
import { callOver, nowhere } from '../../tests/support/dials'
import { HomeLine } from '../../tests/support/homeLine'
import { welcomeOf } from '../../tests/support/messages'
import { TestServices } from '../../tests/support/services'
import { fingerprints, fixed, homeId, homeKey } from '../../tests/support/trust'
import { until } from '../../tests/support/until'
import { TestSocket } from '../../tests/support/socket'
import { disconnected } from '../net/connection'
import { makeLink } from '../net/link'
import type { DialHandlers } from '../net/road'
import { fromText } from '../protocol/base64'
import { deviceKeyStorage } from '../storage/deviceKey'
import { toCharacters } from '../trust/crockford'
import { code } from '../trust/transcript'
import { useAccount } from './account'
import { useConnection } from './connection'
import { useHomes } from './homes'
import { lookingMs, usePairing } from './pairing'

const secret = fixed('secret').slice(0, 10)
const invitation = { secret: toCharacters(secret), homeId }
let outside: TestServices
let told: string[]

beforeEach(() => {
  outside = new TestServices()
  told = []
})

const logIn = () => useAccount().logIn({ username: 'anna', password: 'p' })

/** What the link hears of an opening. */
const handlers = {
  onBound: () => void told.push('bound'),
  onAttack: () => {
    told.push('attack')
    outside.handlers.onAttack()
  },
  onRefused: (why: string) => void told.push(why),
  onLost: () => void told.push('lost'),
}

/** Begins, and waits until the PC is looked for. */
async function begun(given: Parameters<ReturnType<typeof usePairing>['begin']>[0]) {
  const store = usePairing()
  const before = outside.starts
  store.begin(given)
  expect(store.state).toBe('looking')
  await until(() => outside.starts > before)
  return store
}

function answered() {
  const line = new HomeLine()
  line.home.secret = secret
  const running = outside.options.open(line.channel, fingerprints, handlers)
  return { line, running }
}

describe('by a secret', () => {
  it('pairs, and is introduced from then on', async () => {
    const store = await begun({ ...invitation, automatic: true })
    const { line } = answered()
    expect(store.state).toBe('pairing')
    await line.answer(5)
    expect([store.state, store.automatic, useHomes().home?.publicKey]).toEqual(['paired', true, homeKey])
    expect([useHomes().state, told, outside.stops]).toEqual(['paired', ['bound'], 1])
    const { line: next } = answered()
    expect((await next.next()).type).toBe('introduce')
  })

  it('takes it as people type it', async () => {
    await begun({ secret: toCharacters(secret).toLowerCase().replaceAll('-', ' '), homeId: null })
    const { line } = answered()
    await line.answer(3)
    await until(() => useHomes().state === 'paired')
  })

  it('asks nobody with what cannot be one', () => {
    const store = usePairing()
    store.begin({ secret: 'U'.repeat(16), homeId: null })
    expect([store.state, store.failure, outside.starts]).toEqual(['failed', 'pairing_code_wrong', 0])
  })
})

describe('by comparing', () => {
  it('shows a code, and waits for the other person after this one’s yes', async () => {
    const store = await begun(null)
    const { line } = answered()
    await line.answer()
    await until(() => store.state === 'comparing')
    const shown = await code(line.home.transcript, fixed('nonce 1'))
    expect(store.code).toBe(shown.replace('-', ''))
    expect(store.code).toHaveLength(8)
    store.answer(true)
    expect([store.state, useHomes().home]).toEqual(['waiting', null])
    await line.next()
    line.say(await line.home.accept())
    await line.answer()
    await until(() => store.state === 'paired')
    expect([store.code, useHomes().state]).toEqual([null, 'paired'])
  })

  it('ends with a no', async () => {
    const store = await begun(null)
    const { line } = answered()
    await line.answer()
    await until(() => store.state === 'comparing')
    store.answer(false)
    expect([store.state, store.failure, outside.stops]).toEqual(['failed', 'declined', 2])
  })
})

describe('fails', () => {
  const seen = { ...disconnected, home: 'pc' }

  it.each([
    ['no PC is in sight', disconnected, 'no_home'],
    ['the PC that is in sight cannot be reached', seen, 'peer_unreachable'],
  ])('where %s', async (_, connection, why) => {
    const store = await begun(invitation)
    outside.standing(connection)
    outside.clock.pass(lookingMs - 1)
    expect(store.state).toBe('looking')
    outside.clock.pass(1)
    expect([store.state, store.failure, outside.stops]).toEqual(['failed', why, 2])
  })

  it('where this browser keeps nothing', async () => {
    outside.database = () => {
      throw new DOMException('denied', 'SecurityError')
    }
    const store = usePairing()
    store.begin(invitation)
    await until(() => store.state === 'failed')
    expect([store.failure, outside.starts]).toEqual(['unkept', 0])
  })

  it('where the server refuses the app', async () => {
    const store = await begun(invitation)
    outside.handlers.onRefused('unsupported_version')
    expect([store.state, store.failure]).toEqual(['failed', 'unsupported_version'])
  })

  it('with an attack, after which nothing is begun', async () => {
    const store = await begun({ ...invitation, homeId: '0'.repeat(32) })
    const { line } = answered()
    await line.answer()
    await until(() => store.state === 'failed')
    expect([store.failure, useConnection().attack, useHomes().home]).toEqual(['attack', true, null])
    store.begin(invitation)
    expect([store.state, store.failure, outside.starts]).toEqual(['failed', 'attack', 1])
  })
})

describe('a pairing that is cancelled', () => {
  it('is so by logging out', async () => {
    await logIn()
    const store = await begun(invitation)
    const { starts } = outside
    await useAccount().logOut()
    expect([store.state, outside.starts]).toEqual(['idle', starts])
  })

  it('hears no more of its home', async () => {
    const store = await begun(invitation)
    const { line } = answered()
    await line.next()
    store.cancel()
    line.say({ type: 'error', code: 'pairing_used', message: '' })
    expect([store.state, store.failure, outside.stops]).toEqual(['idle', null, 2])
  })

  it('leaves this browser with the home that it had', async () => {
    await logIn()
    await useHomes().pin(fixed('attic'), '')
    const store = await begun(invitation)
    store.cancel()
    expect([outside.starts, outside.stops]).toEqual([2, 2])
    const { line } = answered()
    expect((await line.next()).type).toBe('introduce')
  })

  it('does not begin late', async () => {
    const store = usePairing()
    store.begin(invitation)
    store.cancel()
    await deviceKeyStorage(outside.database).load()
    await until(() => true)
    expect([store.state, outside.starts]).toEqual(['idle', 0])
  })
})

describe('on a real link', () => {
  let sockets: TestSocket[]
  let calls: DialHandlers[]

  beforeEach(() => {
    sockets = []
    calls = []
    outside.makeLink = (options) =>
      makeLink({
        ...options,
        token: () => Promise.resolve('token'),
        clock: outside.clock,
        openSocket: () => {
          const socket = new TestSocket()
          sockets.push(socket)
          return socket
        },
        dials: {
          direct: nowhere,
          signaled: (_, heard) => {
            calls.push(heard)
            return callOver('p2p')
          },
        },
      })
    useConnection().listen({
      hello: () => ({ type: 'hello', version: 1, after: 0 }),
      onMessage: () => undefined,
      onWelcomed: () => undefined,
    })
  })

  /** The first call, answered by a home. */
  async function reached(): Promise<HomeLine> {
    await until(() => sockets.length > 0)
    sockets[0]!.admit('pc')
    const line = new HomeLine()
    line.home.secret = secret
    calls.at(-1)!.onOpen(line.channel, fingerprints)
    return line
  }

  it('pairs, is bound and goes on to chats over one channel', async () => {
    usePairing().begin(invitation)
    const line = await reached()
    await line.answer(3)
    line.home.deviceKey = (await deviceKeyStorage(outside.database).load())!.publicKey
    await line.answer(2)
    expect(line.channel.types().slice(-3)).toEqual(['introduce', 'prove', 'hello'])
    line.say(welcomeOf(0, { heartbeat_s: 0 }))
    await until(() => useConnection().code !== null)
    expect(useConnection().code).toBe((await codeOf(line)).replace('-', ''))
    expect([usePairing().state, calls.length]).toEqual(['paired', 1])
  })

  it('goes back to the home it had where the pairing broke off', async () => {
    await logIn()
    await useHomes().pin(homeKey, '')
    usePairing().begin(invitation)
    const line = await reached()
    await line.next()
    calls.at(-1)!.onFailed()
    expect([usePairing().state, usePairing().failure]).toEqual(['failed', 'peer_unreachable'])
    expect([line.channel.closed, useConnection().isOn]).toEqual([true, true])
    await until(() => sockets.length > 1)
    sockets[1]!.admit('pc')
    const again = new HomeLine()
    calls.at(-1)!.onOpen(again.channel, fingerprints)
    expect([(await again.next()).type, calls.length]).toEqual(['introduce', 2])
  })

  it('stops for good where another home answers', async () => {
    usePairing().begin({ ...invitation, homeId: '0'.repeat(32) })
    const line = await reached()
    await line.answer()
    await until(() => useConnection().attack)
    outside.clock.pass(600_000)
    expect([usePairing().failure, useConnection().isOn, calls.length, sockets.length]).toEqual(['attack', false, 1, 1])
    expect([line.channel.types(), line.channel.closed]).toEqual([['pair_request'], true])
  })

  /** As the home derives it from its own side of the introduction. */
  function codeOf({ home, channel }: HomeLine): Promise<string> {
    const proof = channel.received.find((one) => one.type === 'prove')
    return code(home.transcript, fromText(proof?.type === 'prove' ? proof.nonce : ''))
  }
})
