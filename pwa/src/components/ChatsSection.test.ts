import { deflateSync } from 'node:zlib'
import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { answer, begun, chat, created, ended, id, message, welcomeOf, written } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { button } from '../../tests/support/page'
import { inUse, TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import { useChats } from '../stores/chats'
import { useNotices } from '../stores/notices'
import ChatsSection from './ChatsSection.vue'

const events = [created(1, 'Rain'), written(2), begun(3), ended(4, 'Yes.')]

let outside: TestServices
let section: VueWrapper

beforeEach(async () => {
  outside = new TestServices()
  await outside.begin()
  section = show(ChatsSection)
  return () => section.unmount()
})

async function connect(): Promise<void> {
  outside.connect(4)
  outside.say({ type: 'events', events, upto: 4 })
  await until(() => useChats().isComplete)
  await flushPromises()
}

/** A person picks a file; the dialog is there when it was read. */
async function pick(name: string, text: string): Promise<void> {
  const input = section.get<HTMLInputElement>('input[type="file"]')
  Object.defineProperty(input.element, 'files', { value: [new File([text], name)], configurable: true })
  await input.trigger('change')
  await until(() => section.find('dialog').exists() && !dialog().includes('Reading'))
}

const dialog = () => section.get('dialog').text()

function exported(turns: number): string {
  const ids = (kind: number) => Array.from({ length: turns }, (_, place) => id(kind + place))
  const said = ids(500)
  const chats = [
    {
      id: id(400),
      title: 'Soup',
      folder: null,
      at_ms: 5,
      turns: said.map((message, place) => ({
        id: message,
        parent: said[place - 1] ?? null,
        at_ms: 6 + place,
        text: `Question ${String(place)}`,
        answers: [{ id: id(600 + place), at_ms: 7 + place, model: 'm', text: 'Answer' }],
      })),
    },
  ]
  return JSON.stringify({ format: 'hearth-chats', version: 1, chats })
}

describe('what is kept', () => {
  it('is all of it', async () => {
    await connect()
    expect(section.text()).toContain('1 chat is on this device, whole.')
    expect(section.find('progress').exists()).toBe(false)
  })

  it('is a part, while the past is coming', async () => {
    outside.standing(inUse())
    outside.say(welcomeOf(100, { after: 100, before: 101 }))
    outside.handlers.onWelcomed()
    outside.say({ type: 'chat_list', chats: [] })
    const packed = deflateSync('[]').toString('base64')
    outside.say({ type: 'history', first: 58, last: 100, packed })
    await until(() => useChats().progress > 0)
    await flushPromises()
    expect(section.text()).toContain('Fetching what was said before: 43%')
    expect(section.get('progress').element.value).toBeCloseTo(0.43)
    expect(section.text()).toContain('Only what is on this device by now is saved.')
  })

  it('is nothing in a private window', async () => {
    outside.database = () => {
      throw new DOMException('', 'SecurityError')
    }
    await outside.begin('another')
    await flushPromises()
    expect(section.text()).toContain('This browser keeps nothing')
  })

  it('is counted with what waits for the PC', async () => {
    await connect()
    useChats().send(chat, 'And now?')
    await flushPromises()
    expect(section.text()).toContain('1 message or change waits for your PC.')
  })
})

describe('an export', () => {
  it('is one file with all chats, which can be read again', async () => {
    await connect()
    await button(section, 'Save all (JSON)').trigger('click')
    await until(() => outside.saved.length > 0)
    const [file] = outside.saved
    expect(file?.name).toMatch(/^Rain\.json$|^hearth-.*\.json$/)
    const read: unknown = JSON.parse(await file!.content.text())
    expect(read).toMatchObject({
      chats: [{ id: chat, title: 'Rain', turns: [{ id: message, answers: [{ id: answer }] }] }],
    })
    await until(() => section.text().includes('Saved: 1 chat.'))
  })

  it('says so where it cannot be made', async () => {
    await connect()
    outside.saved.push = () => {
      throw new Error('full')
    }
    await button(section, 'Save all (JSON)').trigger('click')
    await until(() => section.text().includes('The file could not be made.'))
  })
})

describe('an import', () => {
  it('first says what is in the file, and asks for nothing before it is wanted', async () => {
    await connect()
    await pick('chats.json', exported(2))
    expect(dialog()).toContain('Found in “chats.json”: 1 chat with 2 messages.')
    expect(useChats().list).toHaveLength(1)
  })

  it('gives the PC a new chat, and says what was new', async () => {
    await connect()
    await pick('chats.json', exported(2))
    await button(section, 'Import').trigger('click')
    const sent = await outside.said('import_turns')
    expect(sent).toMatchObject({ chat: id(400), turns: [{ message: id(500) }, { message: id(501) }] })
    expect(dialog()).toContain('Importing…')
    for (const one of outside.sent) {
      if ('id' in one) outside.say({ type: 'acknowledged', id: one.id, seq: 9 })
    }
    await until(() => dialog().includes('Done: 2 new messages.'))
  })

  it('of what is here already asks for nothing', async () => {
    await connect()
    await pick('chats.json', JSON.stringify({
      format: 'hearth-chats',
      version: 1,
      chats: [{ id: chat, title: 'Rain', folder: null, at_ms: 1, turns: [
        { id: message, parent: null, at_ms: 2, text: 'Hello?', answers: [{ id: answer, at_ms: 3, model: 'm', text: 'Yes.' }] },
      ] }],
    }))
    expect(dialog()).toContain('1 chat is here already')
    await button(section, 'Import').trigger('click')
    await until(() => dialog().includes('Done: 0 new messages, 1 was here.'))
    expect(outside.sent.some((one) => one.type === 'import_turns' || one.type === 'create_chat')).toBe(false)
  })

  it('is kept for a PC that is away', async () => {
    await pick('chats.json', exported(1))
    await button(section, 'Import').trigger('click')
    await until(() => dialog().includes('Done: 1 new message.'))
    expect(dialog()).toContain('as soon as that can be reached')
    expect(useChats().list.map(({ title }) => title)).toEqual(['Soup'])
  })

  it('of a chat that was deleted on the PC says so, and brings it back as a new one', async () => {
    await connect()
    await pick('chats.json', exported(2))
    await button(section, 'Import').trigger('click')
    const create = await outside.said('create_chat')
    const turns = await outside.said('import_turns')
    outside.say({ type: 'error', code: 'chat_exists', message: '', re: create.id })
    outside.say({ type: 'error', code: 'chat_unknown', message: '', re: turns.id })
    await until(() => dialog().includes('Done: 0 new messages.'))
    expect(dialog()).toContain('1 chat was deleted on your PC and was left out.')
    expect(useNotices().code).toBeNull()
    outside.sent = []
    await button(section, 'Bring it back').trigger('click')
    const again = await outside.said('import_turns')
    expect(again.chat).not.toBe(id(400))
    expect(again.turns.map(({ text }) => text)).toEqual(['Question 0', 'Question 1'])
    expect(again.turns.every(({ message }) => message !== id(500) && message !== id(501))).toBe(true)
    for (const one of outside.sent) {
      if ('id' in one) outside.say({ type: 'acknowledged', id: one.id, seq: 9 })
    }
    await until(() => dialog().includes('Done: 2 new messages.'))
    expect(dialog()).not.toContain('deleted')
    expect(section.findAll('dialog button').map((one) => one.text())).toEqual(['Close'])
  })

  it('that the PC’s disk has no room for says what was not taken, and why', async () => {
    await connect()
    await pick('chats.json', exported(2))
    await button(section, 'Import').trigger('click')
    const create = await outside.said('create_chat')
    const turns = await outside.said('import_turns')
    outside.say({ type: 'acknowledged', id: create.id, seq: 5 })
    outside.say({ type: 'error', code: 'storage_failed', message: '', re: turns.id })
    await until(() => dialog().includes('Done: 0 new messages.'))
    expect(dialog()).toContain('2 messages were not taken. Your PC could not save this.')
  })

  for (const [text, sentence] of [
    ['Dear diary', 'This is no file that Hearth knows.'],
    ['{"format": "hearth-chats", ', 'The file breaks off'],
    ['{"format":"hearth-chats","version":1,"chats":[]}', 'There is no chat in this file.'],
  ] as const) {
    it(`says in a sentence: ${sentence}`, async () => {
      await pick('x.json', text)
      expect(dialog()).toContain(sentence)
      expect(section.findAll('dialog button').map((one) => one.text())).toEqual(['Close'])
    })
  }
})
