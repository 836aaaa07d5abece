import { type BrowserContext, expect, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { Person } from './person.ts'

/**
 * Clicks a button, and has the page die in the task of the click, as when a phone or the power puts
 * an end to it: nothing that would come later comes.
 */
async function clickAndDie(person: Person, name: string): Promise<void> {
  const { page } = person
  const button = page.getByRole('button', { name, exact: true })
  const devtools = await page.context().newCDPSession(page)
  const isHeld = new Promise<void>((resolve) => void page.route('**/held', () => resolve()))
  const over = button
    .evaluate((element) => {
      ;(element as HTMLElement).click()
      const hold = (promises: number) => {
        if (promises > 0) return queueMicrotask(() => hold(promises - 1))
        const request = new XMLHttpRequest()
        request.open('GET', '/held', false)
        request.send()
      }
      hold(1000)
    })
    .catch(() => undefined)
  await isHeld
  const crashed = page.waitForEvent('crash')
  devtools.send('Page.crash').catch(() => undefined)
  await crashed
  await over
  await page.close()
}

async function comeBack(context: BrowserContext, hearth: Hearth, url: string): Promise<Person> {
  const person = await Person.arrive(context, hearth)
  await person.page.goto(url)
  return person
}

async function choose(person: Person, action: string): Promise<void> {
  await person.page.getByRole('button', { name: /^Actions for/ }).click()
  await person.page.getByRole('menuitem', { name: action }).click()
}

const chats = (person: Person) => person.page.getByRole('navigation', { name: 'Chats' })

test('what a person does last is kept, however soon the page is gone', async ({ context }) => {
  const hearth = await Hearth.start()
  try {
    let person = await Person.arrive(context, hearth)
    await person.register('anna')
    await person.ask('Say hello.')
    await person.answer()
    const url = person.page.url()
    await person.page.evaluate(() => navigator.serviceWorker.ready)

    await context.setOffline(true)
    await choose(person, 'Rename')
    await person.page.getByRole('textbox', { name: 'Title' }).fill('Greetings')
    await clickAndDie(person, 'Save')
    person = await comeBack(context, hearth, url)
    await expect(chats(person)).toContainText('Greetings')
    await person.composer.fill('And goodbye.')
    await clickAndDie(person, 'Send')
    person = await comeBack(context, hearth, url)
    const said = person.page.getByRole('article', { name: 'You' })
    await expect(said).toContainText(['Say hello.', 'And goodbye.'])
    await expect(person.composer).toHaveValue('')

    await context.setOffline(false)
    await person.connected()
    await expect(person.answers).toHaveCount(2)
    await person.answer()
    await expect(chats(person)).toContainText('Greetings')
    await choose(person, 'Delete')
    await clickAndDie(person, 'Delete chat')
    person = await comeBack(context, hearth, hearth.url)
    await person.connected()
    await expect(chats(person)).not.toContainText('Greetings')
  } finally {
    await hearth.dispose()
  }
})
