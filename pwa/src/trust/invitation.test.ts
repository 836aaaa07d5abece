import { describe, expect, it } from 'vitest'
import { seeded } from '../../tests/support/trustRun'
import { toCharacters } from './crockford'
import { readFragment, readLink, readTyped } from './invitation'

const random = seeded(20)
const homeId = '0123456789abcdef0123456789abcdef'
const secret = '7ZRA0W4K7ZRA0W41'

function anySecret(): string {
  return toCharacters(Uint8Array.from({ length: 10 }, () => random(256))).replaceAll('-', '')
}

function anyHome(): string {
  return Array.from({ length: 32 }, () => random(16).toString(16)).join('')
}

/** As people write it: any case, look-alikes, and something between any two characters. */
function untidy(text: string): string {
  const looks: Record<string, string[]> = { 0: ['0', 'O', 'o'], 1: ['1', 'I', 'l', 'L'] }
  const between = ['', '', '', '-', ' ', ' - ', '\n']
  return [...text]
    .map((one) => {
      const alike = looks[one]?.[random(looks[one].length)] ?? one
      return (random(2) ? alike : alike.toLowerCase()) + between[random(between.length)]!
    })
    .join('')
}

describe('a link', () => {
  it('says which home and which secret, whatever they are', () => {
    for (let round = 0; round < 300; round++) {
      const made = { secret: anySecret(), homeId: random(2) ? anyHome() : null }
      const fragment = `#${made.homeId === null ? '' : `${made.homeId}.`}${made.secret}`
      expect(readFragment(fragment), fragment).toEqual(made)
      expect(readLink(`https://hearth.example/pair${fragment}`)).toEqual(made)
      expect(readTyped(`  http://localhost:8080/pair${fragment}\n`)).toEqual(made)
      expect(readLink(`HTTPS://HEARTH.EXAMPLE/PAIR${fragment.toUpperCase()}`)).toEqual(made)
    }
  })

  it('without one character, or with one more, is none', () => {
    const whole = `#${homeId}.${secret}`
    for (let at = 0; at < whole.length; at++) {
      const short = whole.slice(0, at) + whole.slice(at + 1)
      // Without the dot, a home and a secret are only something long.
      expect(readFragment(short), short).toBeNull()
    }
    expect(readFragment(`${whole}0`)).toBeNull()
  })

  const others = [
    '',
    secret,
    homeId,
    `#${homeId}.${secret}`,
    'WIFI:T:WPA;S:home;P:secret;;',
    'https://hearth.example/',
    'https://hearth.example/pair',
    'https://hearth.example/pair#',
    `https://hearth.example/chat#${homeId}.${secret}`,
    `https://hearth.example/x/pair#${homeId}.${secret}`,
    `https://hearth.example/pair?x#${homeId}.${secret}`,
    `https://hearth.example/pair#${homeId}.${homeId}.${secret}`,
    `https://hearth.example/pair#g${homeId.slice(1)}.${secret}`,
    `https://hearth.example/pair#${homeId}.U${secret.slice(1)}`,
    `javascript:/pair#${homeId}.${secret}`,
    `see https://hearth.example/pair#${homeId}.${secret}`,
  ]
  for (const text of others) {
    it(`is not ${JSON.stringify(text)}`, () => {
      expect(readLink(text)).toBeNull()
    })
  }
})

describe('a typed code', () => {
  it('is read however untidy', () => {
    for (let round = 0; round < 300; round++) {
      const made = anySecret()
      const typed = untidy(made)
      expect(readTyped(typed), typed).toEqual({ secret: made, homeId: null })
    }
  })

  it('is not made of other alphabets, which look the same', () => {
    expect(readTyped('7ZRA-0W4K-7ZRA-0W4К')).toBeNull()
    expect(readTyped('7ZRA-0W4K-7ZRA-0W4ı')).toBeNull()
  })

  it('is not a link to somewhere else', () => {
    expect(readTyped(`https://other.example/#${secret}`)).toBeNull()
  })
})
