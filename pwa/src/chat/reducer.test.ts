import { describe, expect, it } from 'vitest'
import {
  answer,
  begun,
  chat,
  created,
  deleted,
  ended,
  id,
  seeded,
  written,
} from '../../tests/support/messages'
import type { Command, Event } from '../protocol/generated'
import { add } from './commands'
import { type ChatsState, nothing as empty } from './model'
import { emptyChat } from './fold'
import { reduce, type Taken } from './reducer'
import { liveText } from './view'

/** The chat is open, so that its turns are there. */
const nothing: ChatsState = { ...empty, chats: new Map([[chat, emptyChat(chat)]]) }

function events(...list: Event[]): Taken {
  return { type: 'events', events: list, upto: list.at(-1)?.seq ?? 0 }
}

function delta(index: number, text: string, of = answer): Taken {
  return { type: 'delta', chat, answer: of, index, text }
}

function draft(index: number, text: string): Taken {
  return { type: 'draft', chat, answer, index, text }
}

function after(...messages: Taken[]): ChatsState {
  return messages.reduce((state, one) => reduce(state, one).state, nothing)
}

const running = after(events(created(1), written(2), begun(3)))
const turn = (state: ChatsState) => state.chats.get(chat)?.turns[0]
const live = (state: ChatsState) => state.live.get(answer)

describe('events', () => {
  it('build a chat', () => {
    const state = reduce(running, events(ended(4, 'Hi.'))).state
    expect(state.heads.get(chat)?.title).toBe('A chat')
    expect(turn(state)).toMatchObject({ text: 'Hello?', state: 'sent' })
    expect(turn(state)?.reply).toMatchObject({ state: 'stop', text: 'Hi.' })
    expect(state.live.size).toBe(0)
    expect(state.after).toBe(4)
  })

  it('change nothing when they come again', () => {
    const again = reduce(running, events(created(1, 'Other'), written(2, 'Other'), begun(3))).state
    expect(again).toBe(running)
  })

  it('leave the chats that they do not touch as they were', () => {
    const other = id(9)
    const state = reduce(running, events(created(4, 'Other', other))).state
    expect(state.chats.get(chat)).toBe(running.chats.get(chat))
  })

  it('do not change what was handed out before', () => {
    const before = running.chats.get(chat)
    reduce(running, events(written(4, 'More', id(8))))
    expect(before?.turns).toHaveLength(1)
  })

  it('reach as far as the page says, beyond a deleted chat', () => {
    const state = reduce(running, { type: 'events', events: [], upto: 40 }).state
    expect(state.after).toBe(40)
  })

  it('forget a deleted chat and its running answer', () => {
    const gone = { type: 'chat_deleted', seq: 4, at_ms: 40, chat } as const
    const state = reduce(running, events(gone)).state
    expect(state.chats.size).toBe(0)
    expect(reduce(state, delta(0, 'late')).resync).toBeUndefined()
  })

  it('let a later answer replace an earlier, and no late word of the earlier matter', () => {
    const second = id(4)
    let state = reduce(running, events(ended(4, 'First.'), begun(5, second))).state
    expect(turn(state)?.reply).toMatchObject({ id: second, state: 'running' })
    state = reduce(state, delta(0, 'x')).state
    state = reduce(state, events(ended(6, 'First, again.'))).state
    expect(turn(state)?.reply).toMatchObject({ id: second, state: 'running' })
  })

  it('of one log end the same, however it is cut into pages and repeated', () => {
    const log = [
      created(1),
      written(2),
      begun(3),
      ended(4, 'One.'),
      begun(5, id(5)),
      ended(6, 'Two.', { answer: id(5), reason: 'stopped' }),
      { type: 'chat_renamed', seq: 8, at_ms: 80, chat, title: 'Renamed' } as const,
      written(9, 'Next', id(6)),
      begun(10, id(7), id(6)),
    ]
    const whole = after(events(...log))
    for (let seed = 1; seed <= 300; seed++) {
      const random = seeded(seed)
      let state = nothing
      let from = 0
      while (from < log.length) {
        const to = Math.min(log.length, from + 1 + Math.floor(random() * 4))
        const page = log.slice(Math.max(0, from - Math.floor(random() * 3)), to)
        if (random() < 0.3) page.reverse()
        state = reduce(state, { type: 'events', events: page, upto: log[to - 1]!.seq }).state
        from = to
      }
      expect(state, `seed ${String(seed)}`).toEqual(whole)
    }
  })
})

describe('a running answer', () => {
  it('grows by its deltas', () => {
    const state = [delta(0, 'Hel'), delta(1, 'lo')].reduce((s, m) => reduce(s, m).state, running)
    expect(live(state)).toEqual({ chat, text: 'Hello', next: 2, continues: null })
  })

  it('leaves the messages as they were, so that nothing else is drawn again', () => {
    expect(reduce(running, delta(0, 'x')).state.chats).toBe(running.chats)
  })

  it('takes no delta twice', () => {
    const once = reduce(running, delta(0, 'x')).state
    expect(reduce(once, delta(0, 'x')).state).toBe(once)
  })

  it('asks again when one is missing, and adds nothing', () => {
    const { state, resync } = reduce(running, delta(1, 'x'))
    expect(resync).toBe(true)
    expect(state).toBe(running)
  })

  it('goes on from a draft', () => {
    const state = reduce(reduce(running, draft(7, 'Hello')).state, delta(7, ' you')).state
    expect(live(state)).toEqual({ chat, text: 'Hello you', next: 8, continues: null })
  })

  it('does not run again for a draft that another road brings after its end', () => {
    const over = reduce(running, events(ended(4, 'Hello'))).state
    expect(reduce(over, draft(1, 'Hel')).state).toBe(over)
  })

  it('does not go back to a draft that is behind', () => {
    const ahead = reduce(running, draft(7, 'Hello you')).state
    expect(reduce(ahead, draft(3, 'Hello')).state).toBe(ahead)
  })

  it('never shows anything but a beginning of the answer, through any cuts', () => {
    const pieces = ['It ', 'is ', 'a ', 'long ', 'story ', 'about ', 'a ', 'fire.']
    const text = (count: number) => pieces.slice(0, count).join('')
    for (let seed = 1; seed <= 300; seed++) {
      const random = seeded(seed)
      let state = running
      for (let index = 0; index < pieces.length; index++) {
        if (random() < 0.25) continue
        const reduced = reduce(state, delta(index, pieces[index]!))
        state = reduced.state
        // A resync says hello again, and the PC answers with a draft.
        if (reduced.resync) state = reduce(state, draft(index + 1, text(index + 1))).state
        expect(live(state)?.text, `seed ${String(seed)}`).toBe(text(live(state)!.next))
      }
      state = reduce(state, events(ended(4, text(8)))).state
      expect(turn(state)?.reply?.text).toBe(text(8))
    }
  })
})

const unsent = ({ pending }: ChatsState) =>
  pending.filter((one) => one.state === 'waiting').map((one) => one.command)

describe('a command', () => {
  const send: Command = { type: 'send_message', id: id(20), chat, message: id(21), text: 'Well?' }
  const rename: Command = { type: 'rename_chat', id: id(22), chat, title: 'New' }
  const waiting = add(running, [send, rename], 5_000)

  it('is sent again until it is acknowledged, in order', () => {
    expect(unsent(waiting)).toEqual([send, rename])
    const state = reduce(waiting, { type: 'acknowledged', id: send.id, seq: 4 }).state
    expect(unsent(state)).toEqual([rename])
  })

  it('stays until its event is here', () => {
    const known = reduce(waiting, { type: 'acknowledged', id: send.id, seq: 4 }).state
    expect(known.pending).toHaveLength(2)
    expect(reduce(known, events(written(4, 'Well?', id(21)))).state.pending).toHaveLength(1)
  })

  it('goes at once where the event came first', () => {
    const seen = reduce(waiting, events(written(4, 'Well?', id(21)))).state
    const state = reduce(seen, { type: 'acknowledged', id: send.id, seq: 4 }).state
    expect(state.pending.map(({ command }) => command)).toEqual([rename])
  })

  it('that was refused is said, and undone', () => {
    const refusal = { type: 'error', code: 'chat_unknown', message: '', re: rename.id } as const
    const { state, refused } = reduce(waiting, refusal)
    expect(refused).toBe(refusal)
    expect(unsent(state)).toEqual([send])
  })

  it('that was refused keeps what a person wrote', () => {
    const refusal = { type: 'error', code: 'engine_busy', message: '', re: send.id } as const
    const { state, refused } = reduce(waiting, refusal)
    expect(refused).toBeUndefined()
    expect(state.pending[0]).toMatchObject({ command: send, state: 'refused', code: 'engine_busy' })
    expect(unsent(state)).toEqual([rename])
  })
})

describe('a welcome', () => {
  const log = id(90)
  const welcome = (more: object = {}): Taken => {
    const about = { version: 1, common: 0, settings: [], model: 'm', heartbeat_s: 2 }
    return { type: 'welcome', ...about, log, head: 7, after: 0, before: 1, ...more }
  }

  it('says what is still to come', () => {
    expect(after(welcome()).head).toBe(7)
    expect(after(welcome())).toMatchObject({ head: 7, model: 'm', after: 0 })
  })

  it('that goes on from what is here drops nothing', () => {
    const known = after(welcome(), events(created(1), written(2)))
    const again = reduce(known, welcome({ head: 9, after: 2 })).state
    expect(again.heads).toBe(known.heads)
    expect(again).toMatchObject({ head: 9, after: 2, before: 1 })
    // Another road was welcomed before the last events came.
    expect(reduce(known, welcome({ after: 1 })).state.chats).toBe(known.chats)
  })

  it('that goes on from more than is here, since another road had it begin anew, asks again', () => {
    const known = after(welcome({ head: 9, after: 9, before: 10 }), events(written(10)))
    for (const what of [{ after: 4 }, { after: 11, before: 4 }, { log: id(91), after: 4 }]) {
      expect(reduce(known, welcome({ head: 12, ...what }))).toEqual({ state: known, resync: true })
    }
    expect(reduce(known, welcome({ head: 12, after: 10, before: 10 })).resync).toBeUndefined()
  })

  it('of another log drops what was confirmed, and never what was not', () => {
    const send: Command = { type: 'send_message', id: id(20), chat, message: id(21), text: 'Well?' }
    let known = after(welcome(), events(created(1), written(2)))
    known = add(known, [send], 5_000)
    known = reduce(known, { type: 'acknowledged', id: send.id, seq: 9 }).state
    const { state } = reduce(known, welcome({ log: id(91), head: 3, after: 3, before: 4 }))
    expect(state.heads.size).toBe(0)
    expect(state.chats.get(chat)?.turns).toEqual([])
    // What the old log had, this one may lack.
    expect(unsent(state)).toEqual([send])
  })

  it('takes the settings of the PC in place of those that were here', () => {
    const settings = [{ name: 'language', value: 'ru' }]
    const known = after(welcome({ settings }))
    expect(known.settings).toEqual({ language: 'ru' })
    expect(reduce(known, welcome()).state.settings).toEqual({})
    // Another road's, which knows less than came meanwhile.
    const later = after(welcome({ head: 1, settings }), events(created(1), written(2)))
    expect(reduce(later, welcome({ head: 1 })).state.settings).toEqual({ language: 'ru' })
  })
})

describe('a device that begins anew', () => {
  const log = id(90)
  const head = { chat, title: 'A chat', folder: 'Work', changed_ms: 20 }
  const about = { version: 1, common: 0, settings: [], model: 'm', heartbeat_s: 2 }
  const anew = after({ type: 'welcome', ...about, log, head: 5, after: 5, before: 6 })
  const list: Taken = { type: 'chat_list', chats: [head] }
  const past: Taken = { type: 'history', first: 3, last: 5, events: [begun(3), ended(4, 'Hi.')] }
  const oldest: Taken = { type: 'history', first: 1, last: 2, events: [created(1), written(2)] }

  it('has the list of chats before what was said in them', () => {
    const state = reduce(anew, list).state
    expect(state.isListing).toBe(true)
    expect([...state.heads.values()]).toEqual([
      { id: chat, title: 'A chat', folder: 'Work', changedMs: 20 },
    ])
    expect(reduce(state, past).state.isListing).toBe(false)
  })

  it('has the same in the end, whether live or the past came first', () => {
    const live = events(written(6, 'More', id(8)))
    const one = [list, past, oldest, live].reduce((s, m) => reduce(s, m).state, anew)
    const other = [list, live, past, oldest].reduce((s, m) => reduce(s, m).state, anew)
    expect(other).toEqual(one)
    expect(one).toMatchObject({ after: 6, before: 1 })
    expect(one.chats.get(chat)?.turns.map(({ text, reply }) => [text, reply?.text])).toEqual([
      ['Hello?', 'Hi.'],
      ['More', undefined],
    ])
  })

  it('asks again where a page is missing between, and takes nothing from beyond it', () => {
    const state = reduce(anew, list).state
    expect(reduce(state, oldest)).toEqual({ state, resync: true })
    const newer: Taken = { type: 'history', first: 8, last: 9, events: [] }
    expect(reduce(state, newer)).toEqual({ state, resync: true })
  })

  it('goes on in pages to the newest', () => {
    let state = [list, past].reduce((s, m) => reduce(s, m).state, anew)
    state = reduce(state, { type: 'history', first: 6, last: 8, events: [written(7, 'x', id(8))] }).state
    expect(state).toMatchObject({ after: 8, before: 3 })
    expect(state.heads.get(chat)?.changedMs).toBe(70)
  })

  it('takes nothing of a chat that is gone, over whichever road it comes late', () => {
    let state = [list, events(deleted(6))].reduce((s, m) => reduce(s, m).state, anew)
    const reduced = reduce(state, past)
    state = reduced.state
    expect(reduced.events).toEqual([])
    expect([state.before, state.chats.size, state.heads.size]).toEqual([3, 0, 0])
  })
})

describe('a continued answer', () => {
  const more = id(30)
  const goingOn = { ...begun(5, more), continues: answer } as Event
  const cut = reduce(running, events(ended(4, 'Once upon', { reason: 'cut' }))).state

  it('begins with the text of the one that it continues', () => {
    let state = reduce(cut, events(goingOn)).state
    expect(liveText(state, more)).toBe('Once upon')
    state = reduce(state, delta(0, ' a time', more)).state
    expect(liveText(state, more)).toBe('Once upon a time')
  })

  it('has all of its text in a draft', () => {
    const whole: Taken = { type: 'draft', chat, answer: more, index: 3, text: 'Once upon a' }
    let state = [events(goingOn), whole].reduce((s, m) => reduce(s, m).state, cut)
    expect(liveText(state, more)).toBe('Once upon a')
    state = reduce(state, delta(3, ' time', more)).state
    expect(liveText(state, more)).toBe('Once upon a time')
  })

  it('has its beginning when the chat is opened later', () => {
    const closed = [events(created(1), written(2), begun(3), ended(4, 'Once upon'), goingOn), delta(0, '!', more)]
      .reduce<ChatsState>((s, m) => reduce(s, m).state, empty)
    const opened = { ...closed, chats: nothing.chats }
    const page: Taken = {
      type: 'chat_history',
      chat,
      events: [created(1), written(2), begun(3), ended(4, 'Once upon'), goingOn],
      complete: true,
    }
    expect(liveText(reduce(opened, page).state, more)).toBe('Once upon!')
  })
})
