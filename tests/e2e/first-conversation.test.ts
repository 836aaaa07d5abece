import { expect, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { Person } from './person.ts'
import { words } from './words.ts'

test.describe('the first conversation', () => {
  let hearth: Hearth

  test.beforeAll(async () => {
    hearth = await Hearth.start()
  })
  test.afterAll(async () => {
    await hearth.dispose()
  })

  test('register, ask, and find the answer and what was typed again after a reload', async ({ context }) => {
    const person = await Person.arrive(context, hearth)
    await person.register('anna')
    await person.ask('What is the capital of France?')
    expect(await person.answer()).toContain('Paris')
    await person.composer.fill('And of Spain')

    await person.page.reload()
    await person.connected()
    await expect(person.page.getByRole('article', { name: 'You' })).toContainText('capital')
    await expect(person.answers.last()).toContainText('Paris')
    await expect(person.composer).toHaveValue('And of Spain')
    await person.page.getByRole('button', { name: 'New chat' }).click()
    await expect(person.composer).toHaveValue('')
  })

  test('an answer streams, stop ends it where it is, and another can be asked for', async ({
    context,
  }) => {
    const person = await Person.arrive(context, hearth)
    await person.register('boris')
    await watchAnswers(person)
    await person.ask('Write a very long story about a lighthouse keeper and the sea.')
    await expect(person.answers.last()).toHaveAttribute('aria-busy', 'true')
    // The story is long: a short answer may be complete before the screen was drawn five times.
    await expect.poll(() => updatesSeen(person)).toBeGreaterThanOrEqual(5)
    await person.stop()
    const kept = await person.answer()
    expect(kept).toMatch(/\w+ \w+ \w+/)
    await expect(person.answers.last()).toContainText(words.end.stopped!)

    await person.page.getByRole('button', { name: 'Regenerate' }).click()
    await expect(person.answers.last()).toHaveAttribute('aria-busy', 'true')
    await person.stop()
    await person.answer()
    await expect(person.answers).toHaveCount(1)
  })

  test('a chat is renamed and deleted, and stays so after a reload', async ({ context }) => {
    const person = await Person.arrive(context, hearth)
    await person.register('vera')
    await person.ask('Say hello.')
    await person.answer()
    const chats = person.page.getByRole('complementary')
    await person.page.getByRole('button', { name: 'Actions for Say hello.' }).click()
    await person.page.getByRole('menuitem', { name: 'Rename' }).click()
    await person.page.getByRole('textbox', { name: 'Title' }).fill('Greetings')
    await person.page.getByRole('textbox', { name: 'Title' }).press('Enter')
    await expect(chats).toContainText('Greetings')
    await person.page.reload()
    await person.connected()
    await expect(chats).toContainText('Greetings')
    await person.page.getByRole('button', { name: 'Actions for Greetings' }).click()
    await person.page.getByRole('menuitem', { name: 'Delete' }).click()
    await person.page.getByRole('dialog').getByRole('button', { name: 'Delete chat' }).click()
    await expect(chats).not.toContainText('Greetings')
    await person.page.reload()
    await person.connected()
    await expect(chats).not.toContainText('Greetings')
  })
})

/** Counts how often the text of the last answer changes on the screen. */
async function watchAnswers({ page }: Person): Promise<void> {
  await page.evaluate(() => {
    const seen = new Set<string>()
    Object.assign(window, { seen })
    new MutationObserver(() => {
      const answers = document.querySelectorAll('article[aria-label="Hearth"]')
      const text = answers[answers.length - 1]?.textContent
      if (text) seen.add(text)
    }).observe(document.body, { childList: true, subtree: true, characterData: true })
  })
}

async function updatesSeen({ page }: Person): Promise<number> {
  return page.evaluate(() => (window as unknown as { seen: Set<string> }).seen.size)
}
