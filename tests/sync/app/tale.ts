/** Messages as a person reads them in the tale of one seed. */
import { inflateSync } from 'node:zlib'
import type { Command, Event, FromHome, ToHome } from '../../../pwa/src/protocol/generated'

const utf8 = new TextDecoder()

/** What a page of history holds. */
export function unpack(packed: string): Event[] {
  return JSON.parse(utf8.decode(inflateSync(Buffer.from(packed, 'base64')))) as Event[]
}

/** The end of an id, which is enough to know it again in one seed. */
export function short(id: string): string {
  return id.slice(-4)
}

export function command(one: Command): string {
  const of = 'chat' in one ? ` in ${short(one.chat)}` : ''
  const what = 'message' in one ? ` ${short(one.message)}` : 'answer' in one ? ` ${short(one.answer)}` : ''
  return `${one.type}${what}${of} (${short(one.id)})`
}

function event(one: Event): string {
  const what = 'answer' in one ? `:${short(one.answer)}` : 'message' in one ? `:${short(one.message)}` : ''
  const of = 'chat' in one ? `@${short(one.chat)}` : ''
  return `${one.seq}.${one.type}${what}${of}`
}

export function message(one: FromHome | ToHome): string {
  switch (one.type) {
    case 'events':
      return `events up to ${one.upto}: ${one.events.map(event).join(' ')}`
    case 'history':
      return `history ${one.first} to ${one.last}: ${unpack(one.packed).map(event).join(' ')}`
    case 'chat_history': {
      const how = one.complete ? 'complete' : 'to be continued'
      return `history of ${short(one.chat)}, ${how}: ${unpack(one.packed).map(event).join(' ')}`
    }
    case 'chat_list':
      return `chats ${one.chats.map(({ chat }) => short(chat)).join(' ')}`
    case 'welcome':
      return `welcome: ${one.before} to ${one.after} of ${short(one.log)}, head ${one.head}`
    case 'hello': {
      const drafts = one.drafts?.map(({ answer, index }) => `${short(answer)}:${index}`) ?? []
      return `hello: ${one.before} to ${one.after} of ${one.log ? short(one.log) : '-'}, drafts ${drafts.join(' ')}`
    }
    case 'draft':
    case 'delta':
      return `${one.type} ${one.index} of ${short(one.answer)}: ${one.text.length} characters`
    case 'acknowledged':
      return `acknowledged ${short(one.id)} at ${one.seq}`
    case 'error':
      return `error ${one.code} for ${one.re ? short(one.re) : '-'}`
    default:
      return 'id' in one && 'type' in one ? command(one as Command) : one.type
  }
}
