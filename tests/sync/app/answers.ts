/** Whether every message was answered as often as somebody asked for it, one after another, whole. */
import type { AnswerBegun, AnswerEnded } from '../../../pwa/src/protocol/generated'
import type { Dump } from './pc'
import { elsewhere } from './people'
import { mayBeThere, type Truth } from './truth'

export function* breachesOfAnswers(dump: Dump, truth: Truth): Generator<string> {
  yield* breachesOfOrder(dump)
  const begun = dump.events.filter((event) => event.type === 'answer_begun')
  const answered = new Map<string, number>()
  for (const { message, model } of begun) {
    if (model !== elsewhere) answered.set(message, (answered.get(message) ?? 0) + 1)
  }
  const asked = askedFor(new Map(begun.map(({ answer, message }) => [answer, message])), truth)
  for (const event of dump.events) {
    if (event.type !== 'message_written') continue
    const count = answered.get(event.message) ?? 0
    const { surely, perhaps } = asked.get(event.message) ?? { surely: 0, perhaps: 0 }
    if (surely <= count && count <= perhaps) continue
    yield `The message ${event.message} was answered ${count} times and asked for ${surely} to ${perhaps} times.`
  }
}

interface Asked {
  surely: number
  perhaps: number
}

/** How often an answer to each message was asked for. */
function askedFor(messageOf: ReadonlyMap<string, string>, truth: Truth): Map<string, Asked> {
  const asked = new Map<string, Asked>()
  for (const act of truth.acts.values()) {
    const { command, acknowledged } = act
    if (!acknowledged && !mayBeThere(act)) continue
    const isSaid = command.type === 'send_message' || command.type === 'edit_message'
    const message =
      isSaid || command.type === 'regenerate'
        ? command.message
        : command.type === 'continue_answer' && messageOf.get(command.answer)
    if (!message) continue
    const count = asked.get(message) ?? { surely: 0, perhaps: 0 }
    if (acknowledged) count.surely++
    count.perhaps++
    asked.set(message, count)
  }
  return asked
}

/** Each answer begins and ends once; in a chat only one is written at a time. */
function* breachesOfOrder({ events, said }: Dump): Generator<string> {
  const running = new Map<string, string>()
  const begun = new Map<string, AnswerBegun>()
  const texts = new Map<string, string>()
  for (const event of events) {
    if (event.type === 'answer_begun') {
      if (begun.has(event.answer)) yield `The answer ${event.answer} began twice.`
      begun.set(event.answer, event)
      // What is brought from elsewhere comes whole, also beside an answer that is being written.
      if (event.model === elsewhere) continue
      if (running.has(event.chat)) yield `Two answers ran at once in ${event.chat}.`
      running.set(event.chat, event.answer)
    } else if (event.type === 'answer_ended') {
      const { answer, chat } = event
      const beginning = begun.get(answer)
      if (!beginning) yield `The answer ${answer} ended and never began.`
      if (texts.has(answer)) yield `The answer ${answer} ended twice.`
      if (running.get(chat) === answer) running.delete(chat)
      texts.set(answer, event.text)
      const old = texts.get(beginning?.continues ?? '') ?? ''
      if (beginning?.model !== elsewhere) yield* breachesOfText(event, old, said[answer] ?? '')
    }
  }
}

function* breachesOfText(ended: AnswerEnded, old: string, generated: string): Generator<string> {
  const { answer, reason, text } = ended
  const whole = old + generated
  const isWhole = reason === 'stop' || reason === 'length'
  if (isWhole ? text === whole : whole.startsWith(text) && text.startsWith(old)) return
  yield `The answer ${answer} (${reason}) is ${JSON.stringify(text.slice(-80))}, not ${JSON.stringify(whole.slice(-80))}.`
}

/** Whether what an answer says so far has each of its numbered words once, in order. */
export function isCounted(answer: string, text: string): boolean {
  const mine = text.split(' ').filter((word) => word.includes(`:${answer.slice(-4)}:`))
  return mine.every((word, place) => word.endsWith(`:${String(place)}`))
}
