import { expect, test } from '@playwright/test'
import { freePort, Hearth } from './hearth.ts'
import { Person } from './person.ts'
import { holdVds, introduced, isElsewhere, onThisPc, withoutLan } from './road.ts'
import { Tap } from './tap.ts'

test('the VDS side hears no word of the chat', async ({ context }) => {
  const port = await freePort()
  const tap = await Tap.open(port)
  const url = `http://localhost:${tap.port}`
  const hearth = await Hearth.start({
    port,
    settings: { HEARTH_ORIGIN: url, HEARTH_SIGNALING: url, ...withoutLan },
  })
  try {
    const release = await holdVds(context)
    const person = await Person.arrive(context, hearth, url)
    await person.register('anna')
    await onThisPc(person)
    release()
    await person.ask('What is the capital of France?')
    expect(await person.answer()).toContain('Paris')
    // The rest by the introduction of the VDS, which is nearest to what is said.
    await isElsewhere(context)
    await person.page.reload()
    await introduced(person)
    await person.ask('Name a quokka that lives in Zanzibar.')
    const said = (await person.answer()).slice(0, 25)
    await person.page.reload()
    await introduced(person)
    await expect(person.answers.last()).toContainText(said)

    // It did listen: the account, the sockets and the session descriptions went by.
    expect(tap.text).toContain('anna')
    expect(tap.text).toContain('authenticate')
    expect(tap.text).toContain('a=fingerprint:sha-256')
    expect(tap.frames).toBeGreaterThan(6)
    for (const word of ['Zanzibar', 'quokka', 'capital of France', 'Paris', said]) {
      expect(tap.text.includes(word), `the VDS heard '${word}'`).toBe(false)
      expect(hearth.logs().includes(word), `a log holds '${word}'`).toBe(false)
    }
  } finally {
    await hearth.dispose()
    await tap.close()
  }
})
