import { expect, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { Person } from './person.ts'

test('two people on one PC never see each other’s chats or rooms', async ({ browser }) => {
  const hearth = await Hearth.start()
  try {
    const meet = async (name: string) => {
      const person = await Person.arrive(await browser.newContext(), hearth)
      const frames: string[] = []
      person.page.on('websocket', (socket) => {
        if (!socket.url().endsWith('/api/signaling')) return // another socket is the PC's own
        socket.on('framereceived', ({ payload }) => frames.push(String(payload)))
      })
      await person.register(name)
      return { person, frames, name }
    }
    const anna = await meet('anna')
    const boris = await meet('boris')
    await anna.person.ask('My secret is a blue elephant. Say hello.')
    await boris.person.ask('My secret is a green giraffe. Say hello.')
    await Promise.all([anna.person.answer(), boris.person.answer()])
    for (const [one, other, secret] of [
      [anna, boris, 'giraffe'],
      [boris, anna, 'elephant'],
    ] as const) {
      await one.person.page.reload()
      await one.person.connected()
      await expect(one.person.page.getByRole('article', { name: 'You' })).toHaveCount(1)
      expect(await one.person.page.locator('body').innerText()).not.toContain(secret)
      await expect.poll(() => rooms(one.frames)).not.toEqual([])
      expect(one.frames.join('\n')).toContain('authenticated')
      expect(one.frames.join('\n')).not.toContain(other.name)
      expect(rooms(one.frames)).not.toEqual(expect.arrayContaining(rooms(other.frames)))
    }
  } finally {
    await hearth.dispose()
  }
})

function rooms(frames: string[]): string[] {
  return frames
    .map((frame) => JSON.parse(frame) as { type: string; rooms?: { id: string }[] })
    .flatMap((message) => message.rooms ?? [])
    .map((room) => room.id)
}
