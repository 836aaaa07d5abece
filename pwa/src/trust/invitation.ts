/**
 * What the PC shows to whoever is to be paired, as it is scanned, clicked or typed. A link is
 * `https://server/pair#HOME.SECRET`, or without the home; what follows `#` is never sent to a server.
 */
import { fromCharacters, toCharacters } from './crockford'
import { SECRET_BYTES } from './transcript'

/** Five bits each. */
export const secretCharacters = (SECRET_BYTES * 8) / 5

export interface Invitation {
  /** Sixteen Crockford characters, in capitals and without dashes. */
  readonly secret: string
  /** 32 hexadecimal digits; null where only the secret is known. */
  readonly homeId: string | null
}

/** Reads what a QR holds. The server's name in it does not matter: this app asks its own. */
export function readLink(text: string): Invitation | null {
  const fragment = /^(?:https?:\/\/[^/?#\s]+)?\/pair\/?(#\S+)$/i.exec(text.trim())?.[1]
  return fragment === undefined ? null : readFragment(fragment)
}

/** Reads what follows `/pair` in the address, `#` included. */
export function readFragment(fragment: string): Invitation | null {
  const parts = /^#(?:([0-9a-f]{32})\.)?([^.]+)$/i.exec(fragment)
  const secret = readSecret(parts?.[2] ?? '')
  return secret === null ? null : { secret, homeId: parts?.[1]?.toLowerCase() ?? null }
}

/** Reads what a person typed or pasted: the code, or the whole link. */
export function readTyped(text: string): Invitation | null {
  if (isLinkLike(text)) return readLink(text)
  const secret = readSecret(text)
  return secret === null ? null : { secret, homeId: null }
}

/** Whether this is on its way to be a link, and so no code to be put into groups. */
export function isLinkLike(text: string): boolean {
  return /[/#:]/.test(text)
}

function readSecret(text: string): string | null {
  const bytes = fromCharacters(text.replaceAll(/\s/g, ''), SECRET_BYTES)
  return bytes && toCharacters(bytes).replaceAll('-', '')
}
