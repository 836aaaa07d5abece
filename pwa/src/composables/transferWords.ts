import type { Words } from '../transfer/words'

/** What says a message in the person's language. */
export type Say = (key: string, named?: Record<string, unknown>, plural?: number) => string

/** What stands in an exported or imported text for things that are no text. */
export function transferWords(say: Say): Words {
  const word = (name: string) => say(`transfer.${name}`)
  return {
    person: word('person'),
    assistant: word('assistant'),
    untitled: word('untitled'),
    image: word('image'),
    audio: word('audio'),
    video: word('video'),
    file: word('file'),
    leftOut: (n) => say('transfer.leftOut', { n }, n),
  }
}
