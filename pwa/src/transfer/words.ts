/** What stands in a text for things that are no text, in the language of the person who asks. */
export interface Words {
  /** Who wrote a message, as a heading. */
  readonly person: string
  /** Who answered, where no model is named. */
  readonly assistant: string
  readonly untitled: string
  readonly image: string
  readonly audio: string
  readonly video: string
  readonly file: string
  /** How many characters of a text were left out. */
  readonly leftOut: (characters: number) => string
}

export const english: Words = {
  person: 'You',
  assistant: 'Assistant',
  untitled: 'Untitled',
  image: 'image',
  audio: 'audio',
  video: 'video',
  file: 'file',
  leftOut: (characters) => `${String(characters)} characters are left out here`,
}
