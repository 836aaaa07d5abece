import { expect, test } from '@playwright/test'
import { freePort, Hearth } from './hearth.ts'
import { Person } from './person.ts'
import { Tap } from './tap.ts'

test('the VDS side hears no word of the chat', async ({ context }) => {
  const port = await freePort()
  const tap = await Tap.open(port)
  const url = `http://localhost:${tap.port}`
  const hearth = await Hearth.start({
    port,
    settings: { HEARTH_ORIGIN: url, HEARTH_SIGNALING: url },
  })
  try {
    const person = await Person.arrive(context, url)
    await person.register('anna')
    const question = 'Zanzibar quokka: what is the capital of France?'
    await person.ask(question)
    const answer = await person.answer()
    expect(answer).toContain('Paris')
    await person.page.reload()
    await person.connected()
    await expect(person.answers.last()).toContainText('Paris')

    // It did listen: the account, the sockets and the session descriptions went by.
    expect(tap.text).toContain('anna')
    expect(tap.text).toContain('authenticate')
    expect(tap.text).toContain('a=fingerprint:sha-256')
    expect(tap.frames).toBeGreaterThan(6)
    for (const word of ['Zanzibar', 'quokka', 'capital of France', 'Paris']) {
      expect(tap.text.includes(word), `the VDS heard '${word}'`).toBe(false)
      expect(hearth.logs().includes(word), `a log holds '${word}'`).toBe(false)
    }
  } finally {
    await hearth.dispose()
    await tap.close()
  }
})
