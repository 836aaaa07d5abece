import { kill } from 'node:process'
import { expect, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { Person } from './person.ts'

test('the PC’s part is killed in the middle of an answer', async ({ context }) => {
  const hearth = await Hearth.start()
  try {
    const person = await Person.arrive(context, hearth)
    await person.register('anna')
    await person.ask('Say hello.')
    const first = await person.answer()
    await person.ask('Write a very long story about a lighthouse keeper and the sea.')
    await expect(person.answers.last()).toContainText(/\w+ \w+ \w+/)
    const [before] = hearth.processes('gpu_peer')
    kill(before!, 'SIGKILL')

    // Nobody touches the page: the part is started again and the app finds it by itself, sometimes
    // sooner than a look at the badge would see that it was gone.
    const others = () => hearth.processes('gpu_peer').filter((process) => process !== before)
    await expect.poll(others).toHaveLength(1)
    await expect(person.answers.last()).toContainText(/cut off|interrupted/i)
    await person.connected()
    await expect(person.page.getByRole('article', { name: 'You' })).toHaveCount(2)
    await expect(person.answers).toHaveCount(2)
    await expect(person.answers.first()).toHaveText(first, { useInnerText: true })
    await expect(person.answers.last()).toHaveAttribute('aria-busy', 'false')

    await person.page.getByRole('button', { name: 'Regenerate' }).click()
    await expect(person.answers.last()).toHaveAttribute('aria-busy', 'true')
    await person.stop()
    await person.answer()
  } finally {
    await hearth.dispose()
  }
})

test('the page opens with the server stopped', async ({ context }) => {
  const hearth = await Hearth.start()
  try {
    const person = await Person.arrive(context, hearth)
    await person.register('anna')
    await person.ask('Say hello.')
    await person.answer()
    await person.page.evaluate(() => navigator.serviceWorker.ready)
    const took = await hearth.stop()
    expect(took).toBeLessThan(5)
    expect(hearth.processes('gpu_peer')).toEqual([])
    expect(hearth.processes('signaling')).toEqual([])

    for (const route of ['/', '/settings', '/login']) {
      const again = await context.newPage()
      await again.goto(`${hearth.url}${route}`)
      await expect(again.getByRole('heading').or(again.getByRole('textbox')).first()).toBeVisible()
      await again.close()
    }
  } finally {
    await hearth.dispose()
  }
})

test('a restart of everything brings the person back without logging in', async ({ context }) => {
  const hearth = await Hearth.start()
  let second: Hearth | undefined
  try {
    const person = await Person.arrive(context, hearth)
    await person.register('anna')
    await person.ask('Say hello.')
    const answer = await person.answer()
    await hearth.stop()
    await expect(person.badge).not.toContainText('Connected')
    second = await Hearth.start({ port: hearth.port, settings: { HEARTH_DATA: hearth.data } })
    await person.connected()
    await expect(person.answers.last()).toHaveText(answer, { useInnerText: true })
  } finally {
    await second?.stop()
    await hearth.dispose()
  }
})
