/** What the machines ask to have looked at; WebCrypto answers later, so they do not ask it. */
import { type Bytes, equal } from './bytes'
import { verify } from './keys'
import { keyId, mac } from './transcript'

export type Check =
  | { kind: 'signature'; key: Bytes; signature: Bytes; data: Bytes }
  | { kind: 'mac'; secret: Bytes; mac: Bytes; data: Bytes }
  | { kind: 'id'; key: Bytes; id: string }

/** Whether all of it is right. */
export async function areRight(checks: readonly Check[]): Promise<boolean> {
  const verdicts = await Promise.all(checks.map(isRight))
  return verdicts.every(Boolean)
}

async function isRight(check: Check): Promise<boolean> {
  switch (check.kind) {
    case 'signature':
      return verify(check.key, check.signature, check.data)
    case 'mac':
      return equal(await mac(check.secret, check.data), check.mac)
    case 'id':
      return (await keyId(check.key)) === check.id
  }
}
