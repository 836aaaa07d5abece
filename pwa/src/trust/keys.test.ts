import { expect, it } from 'vitest'
import { withoutEd25519 } from '../../tests/support/trust'
import { makeDeviceKey, sign, verify } from './keys'

const data = new TextEncoder().encode('what is signed')

it('makes an Ed25519 key where there is one, whose secret part nobody can read', async () => {
  const key = await makeDeviceKey()
  expect(key.publicKey).toHaveLength(32)
  expect(key.privateKey.extractable).toBe(false)
  await expect(crypto.subtle.exportKey('pkcs8', key.privateKey)).rejects.toThrow()
  expect(await verify(key.publicKey, await sign(key, data), data)).toBe(true)
})

it('makes a P-256 key where there is no Ed25519, as unreadable', async () => {
  const key = await makeDeviceKey(withoutEd25519)
  expect(key.publicKey).toHaveLength(65)
  expect(key.publicKey[0]).toBe(4)
  expect(key.privateKey.extractable).toBe(false)
  const signature = await sign(key, data)
  expect(signature).toHaveLength(64)
  expect(await verify(key.publicKey, signature, data)).toBe(true)
  expect(await verify((await makeDeviceKey()).publicKey, signature, data)).toBe(false)
})

it('does not make a weaker key because something else went wrong', async () => {
  const broken = {
    generateKey: (algorithm: unknown) =>
      algorithm === 'Ed25519'
        ? Promise.reject(new DOMException('', 'OperationError'))
        : crypto.subtle.generateKey(algorithm as EcKeyGenParams, false, ['sign']),
    exportKey: crypto.subtle.exportKey.bind(crypto.subtle),
  } as unknown as SubtleCrypto
  await expect(makeDeviceKey(broken)).rejects.toThrow(DOMException)
})
