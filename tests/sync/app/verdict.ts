/** What must hold once the dust has settled. Each breach is one sentence. */
import { chatList } from '../../../pwa/src/chat/view'
import type { Command, Event } from '../../../pwa/src/protocol/generated'
import { breachesOfAnswers } from './answers'
import type { Device, Tab } from './device'
import { isSaid, type Said } from './disk'
import { listOf, type PlainChats, settingsOf } from './oracle'
import type { Dump } from './pc'
import { wordOf } from './people'
import { command as tell } from './tale'
import { mayBeThere, type Truth } from './truth'

export function* breachesOfTheLog(dump: Dump, chats: PlainChats, truth: Truth): Generator<string> {
  const { events } = dump
  let last = 0
  for (const event of events) {
    if (event.seq <= last) yield `The number ${event.seq} follows ${last}.`
    last = event.seq
  }
  if (last > dump.head) yield `The newest event is ${last}, and the head ${dump.head}.`
  if (dump.open.length > 0) yield `These answers never ended: ${dump.open.join()}.`
  if (!isEqual(settingsOf(events), dump.settings)) yield 'The settings are not what the log says.'
  const listed = new Map(dump.chats.map(({ chat, changed_ms: changedMs, ...head }) => [chat, { ...head, changedMs }]))
  yield* compareHeads(listed, chats, (what) => `In the PC's list: ${what}`)
  if (!isEqual([...listed.keys()], listOf(chats))) yield "The PC's list is not in order."
  const deleted = deletedIn(events)
  for (const event of events) {
    if (event.type !== 'chat_deleted' && 'chat' in event && deleted.has(event.chat)) {
      yield `The log has ${event.type} ${event.seq} of a deleted chat.`
    }
  }
  for (const word of dump.found) yield `The word ${word} of a deleted chat is in the PC's files.`
  yield* breachesOfAnswers(dump, truth)
  for (const act of truth.acts.values()) {
    const { command, acknowledged, refused, isExcused } = act
    if (!acknowledged && !refused && !isExcused) yield `Nothing was ever said of ${tell(command)}.`
    const wasDeleted = 'chat' in command && deleted.has(command.chat)
    for (const [what, count] of effectsOf(command, events)) {
      if (count > 1) yield `${tell(command)} is there ${count} times: ${what}.`
      if (acknowledged && !wasDeleted && count !== 1) yield `${tell(command)} was acknowledged and is not there: ${what}.`
      if (refused && !acknowledged && !mayBeThere(act) && count !== 0 && !isShared(command, truth)) {
        yield `${tell(command)} was refused (${refused}) and is there: ${what}.`
      }
    }
  }
}

/** Two can delete one chat, and what is brought from elsewhere has the same ids whoever brings it. */
function isShared(command: Command, { acts }: Truth): boolean {
  const { type } = command
  if (type !== 'create_chat' && type !== 'import_turns' && type !== 'delete_chat') return false
  return [...acts.values()].some(
    ({ command: other }) => other !== command && other.type === type && other.chat === command.chat,
  )
}

/** What a command leaves in the log, and how often it is there. */
function* effectsOf(command: Command, events: readonly Event[]): Generator<[string, number]> {
  const count = (is: (event: Event) => boolean) => events.filter(is).length
  switch (command.type) {
    case 'create_chat':
      return yield ['chat', count((one) => one.type === 'chat_created' && one.chat === command.chat)]
    case 'delete_chat':
      return yield ['deletion', count((one) => one.type === 'chat_deleted' && one.chat === command.chat)]
    case 'rename_chat':
      return yield ['title', count((one) => one.type === 'chat_renamed' && one.title === command.title)]
    case 'move_chat':
      if (command.folder !== null) {
        yield ['folder', count((one) => one.type === 'chat_moved' && one.folder === command.folder)]
      }
      return
    case 'send_message':
    case 'edit_message':
      return yield ['message', count((one) => one.type === 'message_written' && one.message === command.message)]
    case 'change_setting':
      if (command.value !== null) {
        yield ['setting', count((one) => one.type === 'setting_changed' && one.value === command.value)]
      }
      return
    case 'import_turns':
      for (const { message, answer } of command.turns) {
        yield ['message', count((one) => one.type === 'message_written' && one.message === message)]
        if (!answer) continue
        yield ['answer', count((one) => one.type === 'answer_begun' && one.answer === answer.answer)]
        yield ["answer's end", count((one) => one.type === 'answer_ended' && one.answer === answer.answer)]
      }
  }
}

export async function* breachesOfDisk(
  device: Device,
  dump: Dump,
  chats: PlainChats,
): AsyncGenerator<string> {
  const { meta, heads, events, outbox, stranded } = await device.disk.contents()
  const say = (what: string) => `On the disk of ${device.name}: ${what}`
  if (!meta) return yield say('there is no replica.')
  if (meta.log !== dump.log || meta.after !== dump.head || meta.before !== 1) {
    yield say(`it has ${meta.before} to ${meta.after} of ${meta.log}, not 1 to ${dump.head} of ${dump.log}.`)
  }
  for (const { command, state } of outbox) {
    if (state !== 'refused') yield say(`${tell(command)} is still in the outbox, ${state}.`)
  }
  // That a chat is gone need not be kept by whoever has nothing of it.
  const isKept = ({ type }: Event) => type !== 'chat_deleted'
  yield* compareEvents(events.filter(isKept), dump.events.filter(isKept), say)
  yield* compareHeads(new Map(heads.map((head) => [head.id, head])), chats, say)
  const gone = deletedIn(dump.events)
  const left = [...dump.events, ...stranded.flatMap(({ events }) => events)].filter(isSaid)
  const there = new Set(left.map(wordsOf))
  for (const one of device.disk.said) {
    if (!gone.has(one.chat) && !there.has(wordsOf(one))) yield say(`${one.type} ${one.seq} of ${one.chat} is lost.`)
  }
  const text = JSON.stringify([heads, events])
  for (const chat of gone) {
    if (text.includes(wordOf(chat))) yield say(`there is something of the deleted chat ${chat}.`)
  }
}

/** What was said, wherever it is now. */
function wordsOf(one: Said): string {
  return JSON.stringify([one.type === 'message_written' ? one.message : one.answer, one.text])
}

export function* breachesOfTab(tab: Tab, dump: Dump, chats: PlainChats): Generator<string> {
  const { state } = tab.engine
  const say = (what: string) => `${tab.name}: ${what}`
  if (state.log !== dump.log || state.after !== dump.head || state.before !== 1) {
    yield say(`it has ${state.before} to ${state.after} of ${state.log}, not 1 to ${dump.head} of ${dump.log}.`)
  }
  if (!isEqual(state.settings, dump.settings)) yield say(`the settings are ${show(state.settings)}.`)
  if (state.live.size > 0) yield say('an answer is still shown as running.')
  for (const { command, state: how } of state.pending) {
    if (how !== 'refused') yield say(`${tell(command)} is still pending, ${how}.`)
  }
  yield* compareHeads(state.heads, chats, say)
  // Of what was refused a chat can be left that is nowhere else.
  const list = chatList(state).flatMap(({ id }) => (chats.has(id) ? [id] : []))
  if (!isEqual(list, listOf(chats))) yield say('the list is not in order.')
  for (const [id, chat] of state.chats) {
    const plain = chats.get(id)
    if (!plain) {
      if (chat.turns.length > 0) yield say(`it shows turns of the chat ${id}, which is not there.`)
      continue
    }
    const turns = chat.turns.map(({ id: turn, parent, text, reply }) => ({
      id: turn,
      parent,
      text,
      reply: reply && { id: reply.id, state: reply.state, text: reply.text },
    }))
    if (!isEqual(turns, plain.turns)) yield say(`the turns of ${id} are ${show(turns)}, not ${show(plain.turns)}.`)
  }
}

function* compareEvents(mine: readonly Event[], pcs: readonly Event[], say: (what: string) => string): Generator<string> {
  const there = new Map(pcs.map((event) => [event.seq, event]))
  const here = new Map(mine.map((event) => [event.seq, event]))
  if (here.size !== mine.length) yield say('a number is there twice.')
  for (const [seq, event] of here) {
    const other = there.get(seq)
    if (!other) yield say(`${event.type} ${seq} is not on the PC.`)
    else if (!isEqual(event, other)) yield say(`${event.type} ${seq} is not what it is on the PC.`)
  }
  for (const [seq, event] of there) if (!here.has(seq)) yield say(`${event.type} ${seq} is missing.`)
}

function* compareHeads(
  heads: ReadonlyMap<string, { title: string; folder: string | null; changedMs: number }>,
  chats: PlainChats,
  say: (what: string) => string,
): Generator<string> {
  for (const [id, head] of heads) {
    const chat = chats.get(id)
    if (!chat) yield say(`the chat ${id} is in the list and not on the PC.`)
    else if (head.title !== chat.title || head.folder !== chat.folder) {
      yield say(`the chat ${id} is ${show([head.title, head.folder])}, not ${show([chat.title, chat.folder])}.`)
    } else if (head.changedMs !== chat.changedMs) {
      yield say(`the chat ${id} changed at ${head.changedMs}, not at ${chat.changedMs}.`)
    }
  }
  for (const id of chats.keys()) if (!heads.has(id)) yield say(`the chat ${id} is not in the list.`)
}

export function deletedIn(events: readonly Event[]): Set<string> {
  return new Set(events.flatMap((event) => (event.type === 'chat_deleted' ? [event.chat] : [])))
}

function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false
  const [mine, theirs] = [one as Record<string, unknown>, other as Record<string, unknown>]
  const keys = new Set([...Object.keys(mine), ...Object.keys(theirs)])
  return [...keys].every((key) => isEqual(mine[key], theirs[key]))
}

function show(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 400 ? `${text.slice(0, 400)}...` : text
}
