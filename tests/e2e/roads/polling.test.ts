/** A proxy that passes no WebSocket on: signaling goes by requests, and all else as ever. */
import { expect, test } from '@playwright/test'
import { Town } from './town.ts'

test('behind a proxy without WebSockets, a phone pairs, connects and gets its answer', async () => {
  const town = await Town.start({ webSockets: false })
  try {
    await town.settle()
    town.map.movePhone('away')
    const polled = town.page.waitForResponse(/\/api\/signaling\/poll\/[^/]+\?after=/)
    await town.reopen()
    expect((await polled).status()).toBe(200)
    await town.count(45)
    await town.expectNothingLost(45)
    // Who knows the address of a poll can take it over: the logs do not know it.
    const id = /poll\/([^/?]+)/.exec((await polled).url())![1]!
    expect([...town.vds.lines, ...town.home.lines].filter((line) => line.includes(id))).toEqual([])
  } finally {
    await town.dispose()
  }
})
