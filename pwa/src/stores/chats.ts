import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { add, say, sayAgain, unsent, withdraw } from '../chat/commands'
import { type ChatsState, nothing, type Pending } from '../chat/model'
import { reduce } from '../chat/reducer'
import { tidyTitle } from '../chat/title'
import { activityOf, chatList, cutOf, hasChat, turnsOf } from '../chat/view'
import { type Command, type FromChats, type SendMessage, VERSION } from '../protocol/generated'
import { useConnection } from './connection'
import { useNotices } from './notices'
import { services } from './services'

export const useChats = defineStore('chats', () => {
  const { makeId, now, nextFrame } = services()
  const connection = useConnection()
  const notices = useNotices()

  /** The truth; the refs below show it, running answers at most once a frame. */
  let state: ChatsState = nothing
  let framed = false
  /** Messages whose answer is to be stopped as soon as it begins. */
  const stopWanted = new Set<string>()

  const chats = shallowRef(state.chats)
  const pending = shallowRef(state.pending)
  const live = shallowRef(state.live)
  const head = shallowRef(state.head)
  const after = shallowRef(state.after)
  const model = shallowRef(state.model)

  function publish(): void {
    framed = false
    chats.value = state.chats
    pending.value = state.pending
    live.value = state.live
    head.value = state.head
    after.value = state.after
    model.value = state.model
  }

  function publishSoon(): void {
    if (framed) return
    framed = true
    nextFrame(() => {
      if (framed) publish()
    })
  }

  connection.listen({
    hello: () => ({ type: 'hello', version: VERSION, after: state.after }),
    onMessage: take,
    onWelcomed: () => {
      for (const command of unsent(state)) connection.send(command)
    },
  })

  function take(message: FromChats): void {
    const { state: next, resync, refused } = reduce(state, message)
    state = next
    if (message.type === 'delta' || message.type === 'draft') publishSoon()
    else publish()
    if (message.type === 'events') stopWhatWasWanted()
    if (refused && refused.code !== 'answer_unknown') notices.show(refused.code)
    if (resync) connection.resync()
  }

  function perform(commands: Command[]): void {
    state = add(state, commands, now())
    publish()
    for (const command of commands) connection.send(command)
  }

  /** Says something in a chat, or in a new one; gives the chat's id. */
  function send(chat: string | null, text: string): string {
    const id = chat ?? makeId()
    perform(say(makeId, id, text, !hasChat(state, id)))
    return id
  }

  function sendRefusedAgain(message: string): void {
    const refused = saying(message, 'refused')
    if (!refused) return
    state = withdraw(state, refused.id)
    if (hasChat(state, refused.chat)) perform([sayAgain(makeId, refused)])
    else send(refused.chat, refused.text)
  }

  function saying(message: string, how: Pending['state']): SendMessage | null {
    for (const one of state.pending) {
      if (one.state !== how || one.command.type !== 'send_message') continue
      if (one.command.message === message) return one.command
    }
    return null
  }

  function regenerate(chat: string, message: string): void {
    perform([{ type: 'regenerate', id: makeId(), chat, message }])
  }

  function rename(chat: string, title: string): void {
    const tidy = tidyTitle(title)
    if (tidy) perform([{ type: 'rename_chat', id: makeId(), chat, title: tidy }])
  }

  function remove(chat: string): void {
    perform([{ type: 'delete_chat', id: makeId(), chat }])
  }

  /**
   * Stops the answer that runs in a chat, or the one that is about to. What waits for a PC that is
   * away is taken back instead: gives its text.
   */
  function stop(chat: string): string | null {
    const last = turnsOf(state, chat).at(-1)
    if (!last) return null
    if (last.state === 'waiting' && !connection.isConnected) return takeBack(last.id, 'waiting')
    if (last.reply?.state === 'running') stopAnswer(last.reply.id)
    else if (!last.reply) stopWanted.add(last.id)
    return null
  }

  /** Takes back a message that is not on the PC; gives its text. */
  function takeBack(message: string, how: 'waiting' | 'refused'): string | null {
    const command = saying(message, how)
    if (!command) return null
    state = withdraw(state, command.id)
    publish()
    return command.text
  }

  function stopAnswer(answer: string): void {
    const asked = state.pending.some(
      ({ command }) => command.type === 'stop_answer' && command.answer === answer,
    )
    if (!asked) perform([{ type: 'stop_answer', id: makeId(), answer }])
  }

  function stopWhatWasWanted(): void {
    if (stopWanted.size === 0) return
    for (const chat of state.chats.values()) {
      const last = chat.turns.at(-1)
      if (last?.reply && stopWanted.delete(last.id) && last.reply.state === 'running') {
        stopAnswer(last.reply.id)
      }
    }
  }

  /** Another person, or nobody: nothing of this one stays. */
  function reset(): void {
    state = nothing
    stopWanted.clear()
    publish()
  }

  const confirmed = () => ({ chats: chats.value, pending: pending.value })

  return {
    list: computed(() => chatList(confirmed())),
    model,
    /** Whether all that the PC had at its last welcome is here. */
    isComplete: computed(() => head.value !== null && after.value >= head.value),
    has: (chat: string) => hasChat(confirmed(), chat),
    turns: (chat: string) => turnsOf(confirmed(), chat),
    cut: (chat: string) => cutOf(confirmed(), chat),
    activity: (chat: string) => activityOf(turnsOf(confirmed(), chat)),
    liveText: (answer: string) => live.value.get(answer)?.text ?? '',
    send,
    sendRefusedAgain,
    takeBack,
    regenerate,
    rename,
    remove,
    stop,
    reset,
  }
})
