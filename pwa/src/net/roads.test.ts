/** A device on the move: which road it is on, how soon, and whether every message comes once. */
import { beforeEach, describe, expect, it } from 'vitest'
import { answer, chat } from '../../tests/support/messages'
import { World } from '../../tests/support/roads'
import type { RoadName } from '../protocol/generated'
import type { useChats } from '../stores/chats'
import { useConnection } from '../stores/connection'

let world: World
let chats: ReturnType<typeof useChats>
let connection: ReturnType<typeof useConnection>

beforeEach(async () => {
  world = new World()
  chats = await world.outside.begin()
  chats.open(chat)
  connection = useConnection()
})

const onRoad = (road: RoadName | null) => world.time(() => connection.road === road)

async function connected(road: RoadName = 'lan'): Promise<void> {
  connection.start()
  await onRoad(road)
  await world.time(() => chats.has(chat))
}

/** An answer is in the middle of being written. */
async function answering(): Promise<void> {
  await connected()
  chats.send(chat, 'Hello?')
  await world.pass(2_000)
}

/** What is shown of the answer is what the PC has written, but for what is on its way. */
function expectNoGap(): void {
  world.outside.paint()
  const live = chats.liveText(answer)
  expect(world.text.startsWith(live)).toBe(true)
  expect(world.text.length - live.length).toBeLessThan(10)
}

async function expectAllOnce(): Promise<void> {
  const { text } = world
  world.finish()
  await world.pass(500)
  const [turn, ...others] = chats.turns(chat)
  expect([turn?.text, turn?.state, turn?.reply?.text]).toEqual(['Hello?', 'sent', text])
  expect(others).toEqual([])
  expect(world.events.filter(({ type }) => type === 'message_written')).toHaveLength(1)
}

/** Every call was hung up but the one in use, and perhaps one that is being dialed. */
function expectNothingLeft(): void {
  expect(world.passages.size).toBe(1)
  expect([1, 2]).toContain(world.dialed.length - world.hungUp.length)
}

describe('out of the door and back', () => {
  it('is on the relay within 5 s, and on the own network within 15 s', async () => {
    await answering()
    world.up.delete('lan')
    expect(await onRoad('relay')).toBeLessThan(5_000)
    await world.pass(500)
    expectNoGap()
    await world.pass(60_000)
    world.up.add('lan')
    expect(await onRoad('lan')).toBeLessThan(15_000)
    expectNoGap()
    await expectAllOnce()
    expectNothingLeft()
  })

  it('sends what was written while nobody heard it, once', async () => {
    await connected()
    world.up.delete('lan')
    await world.pass(1_000)
    chats.send(chat, 'Hello?')
    await onRoad('relay')
    await world.pass(3_000)
    expectNoGap()
    await expectAllOnce()
  })

  it('loses nothing where the own network comes back in the middle of a message', async () => {
    world.up.delete('lan')
    await connected('relay')
    world.up.add('lan')
    connection.retryNow()
    await world.time(() => world.hellos === 2)
    chats.send(chat, 'Hello?')
    await onRoad('lan')
    await world.pass(1_000)
    expectNoGap()
    await expectAllOnce()
    expectNothingLeft()
  })
})

describe('a page that was frozen', () => {
  it('has the whole answer within 2 s after ten minutes', async () => {
    await answering()
    world.outside.clock.sleep(600_000)
    connection.retryNow()
    await world.pass(2_000)
    expectNoGap()
    expect(connection.isConnected).toBe(true)
    await expectAllOnce()
    expectNothingLeft()
  })

  it('is on the relay within 2 s where the PC is far by then', async () => {
    await answering()
    world.up.delete('lan')
    world.outside.clock.sleep(600_000)
    connection.retryNow()
    await world.pass(2_000)
    expect(connection.road).toBe('relay')
    expectNoGap()
  })

  it('goes on over the same channel after a moment', async () => {
    await answering()
    world.outside.clock.sleep(1_000)
    connection.retryNow()
    await world.pass(2_000)
    expect([connection.road, world.hellos]).toEqual(['lan', 1])
    await expectAllOnce()
  })
})

describe('without the VDS', () => {
  it('is connected in the own network', async () => {
    world.setVds(false)
    await connected()
    expect(world.dialed).toEqual(['lan'])
    chats.send(chat, 'Hello?')
    await world.pass(2_000)
    expectNoGap()
    await expectAllOnce()
  })

  it('does not notice that the VDS is gone', async () => {
    await answering()
    world.setVds(false)
    await world.pass(60_000)
    expect([connection.isConnected, world.hellos]).toEqual([true, 1])
    expectNoGap()
  })
})

it('is away while there is no road, says since when, and is back on any', async () => {
  await answering()
  world.up.clear()
  const silentSince = world.outside.clock.now()
  await world.time(() => connection.state !== 'connected')
  expect(connection.offlineSince! - silentSince).toBeLessThan(4_000)
  await world.pass(120_000)
  world.up.add('relay')
  await onRoad('relay')
  expect(connection.offlineSince).toBeNull()
  await world.pass(500)
  expectNoGap()
  world.up.add('lan')
  await onRoad('lan')
  await expectAllOnce()
  expectNothingLeft()
})

it('stays where it is while the own network only falters', async () => {
  await answering()
  for (let count = 0; count < 20; count++) {
    world.up.delete('lan')
    await world.pass(1_700)
    world.up.add('lan')
    await world.pass(3_300)
    expect([connection.road, connection.turn]).toEqual(['lan', 1])
  }
  expect(world.dialed.filter((road) => road === 'relay').length).toBe(20)
  expectNothingLeft()
})

it('does not go from one road to another that is no better', async () => {
  world.up.delete('lan')
  await connected('relay')
  const { turn } = connection
  await world.pass(600_000)
  expect(connection.turn).toBe(turn)
  expect(world.dialed.filter((road) => road === 'relay').length).toBeGreaterThan(3)
  expectNothingLeft()
})
