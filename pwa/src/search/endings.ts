/** Other forms of a word that is searched for: its beginning with another common ending. */

const russian =
  'а я о е и ы у ю й ь ов ев ей ой ий ый ая яя ое ее ые ие ую юю ам ям ом ем ах ях ами ями ' +
  'его ого ему ому им ым их ых ими ыми ия ию ии ием иям иях иями ' +
  'ть л ла ло ли ешь ет ем ете ют ут ишь ит им ите ят ат'
const english = 'e s es ed ing er ers ly'
const endings = new Set([...russian.split(' '), ...english.split(' ')])
const shortestWord = 5
const shortestStem = 3
const longestEnding = 4

/** What is left of a word without its longest ending; itself where it has none. */
export function stem(word: string): string {
  if (word.length < shortestWord) return word
  for (let length = Math.min(longestEnding, word.length - shortestStem); length > 0; length--) {
    if (endings.has(word.slice(-length))) return word.slice(0, -length)
  }
  return word
}

/** Whether a word that begins with `beginning` is that with one ending, or none. */
export function isForm(word: string, beginning: string): boolean {
  return word.length === beginning.length || endings.has(word.slice(beginning.length))
}
