import { useChats } from '../../src/stores/chats'
import { begun, chat, created, ended, id, welcomeOf, written } from './messages'
import { inUse, type TestServices } from './services'
import { until } from './until'

const head = { chat, title: 'Rain', folder: null, changed_ms: 10 }

/** The device has a message and its answer, of which the PC's older backup has the chat alone. */
export async function strand(outside: TestServices): Promise<void> {
  outside.connect(4)
  outside.say({ type: 'events', events: [created(1, 'Rain'), written(2), begun(3), ended(4, 'Yes.')], upto: 4 })
  await until(() => useChats().isComplete)
  outside.standing(inUse(2))
  outside.say(welcomeOf(1, { log: id(901), after: 1, before: 2, common: 1 }))
  outside.handlers.onWelcomed()
  outside.say({ type: 'chat_list', chats: [head] })
  outside.say({ type: 'events', events: [created(2, 'Later', id(70))], upto: 2 })
  await until(() => useChats().stranded > 0)
}
