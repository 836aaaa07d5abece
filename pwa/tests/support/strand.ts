import type { ChatHead } from '../../src/protocol/generated'
import { useChats } from '../../src/stores/chats'
import { begun, chat, created, ended, id, welcomeOf, written } from './messages'
import { inUse, type TestServices } from './services'
import { until } from './until'

const head = { chat, title: 'Rain', folder: null, changed_ms: 10 }

/** The device has a message and its answer, of which the PC's older backup has the chat alone. */
export async function strand(outside: TestServices): Promise<void> {
  await have(outside)
  await restore(outside, 1, [head])
}

/** The device has a chat with a message and its answer, and so has the PC. */
export async function have(outside: TestServices): Promise<void> {
  outside.connect(4)
  outside.say({ type: 'events', events: [created(1, 'Rain'), written(2), begun(3), ended(4, 'Yes.')], upto: 4 })
  await until(() => useChats().isComplete)
}

/** The PC is back at a backup that has the first `common` events of that, with these chats, and goes on. */
export async function restore(
  outside: TestServices,
  common: number,
  chats: readonly ChatHead[],
): Promise<void> {
  outside.standing(inUse(2))
  outside.say(welcomeOf(common, { log: id(901), after: common, before: common + 1, common }))
  outside.handlers.onWelcomed()
  outside.say({ type: 'chat_list', chats: [...chats] })
  outside.say({ type: 'events', events: [created(common + 1, 'Later', id(70))], upto: common + 1 })
  await until(() => useChats().stranded > 0)
}
