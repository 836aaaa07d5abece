import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import type { Pairing } from '../storage/drafts'
import { services } from './services'

/** What was typed and not yet sent: a message to a chat, to a new one (null), or another wording. */
export const useDrafts = defineStore('drafts', () => {
  const { drafts } = services()
  const texts = shallowReactive(new Map<string, string>())
  let pairing: Pairing | null = null

  /** What was typed before it was known for whom stays, and comes first. */
  function begin({ id, pairedAt }: Pairing): void {
    pairing = { id, pairedAt }
    const early = [...texts]
    for (const [place, text] of drafts.open(pairing)) texts.set(place, text)
    for (const [place, text] of early) write(place, text)
  }

  /** Another person, or nobody: nothing of this one is shown. */
  function end(): void {
    pairing = null
    texts.clear()
  }

  function forget(): void {
    if (pairing) drafts.drop(pairing.id)
    end()
  }

  function write(place: string, text: string): void {
    const before = texts.get(place) ?? ''
    if (text) texts.set(place, text)
    else texts.delete(place)
    if (pairing) drafts.write(pairing, place, text, before)
  }

  /** These chats are gone, and what was typed in them with them. */
  function forgetChats(chats: readonly string[]): void {
    for (const place of [...texts.keys()]) {
      if (chats.some((chat) => place.startsWith(chat))) write(place, '')
    }
  }

  return {
    of: (chat: string | null, message?: string) => texts.get(placeOf(chat, message)) ?? '',
    /** @param message the one that is put into other words */
    write: (text: string, chat: string | null, message?: string) =>
      write(placeOf(chat, message), text),
    begin,
    end,
    forget,
    forgetChats,
  }
})

function placeOf(chat: string | null, message?: string): string {
  const place = chat ?? 'new'
  return message === undefined ? place : `${place}/${message}`
}
