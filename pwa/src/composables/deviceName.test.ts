import { expect, it } from 'vitest'
import { deviceName } from './deviceName'

it('is what a person would say', () => {
  expect(deviceName({ platform: 'Linux x86_64', userAgentData: { platform: 'Linux' } })).toBe('Linux')
  expect(deviceName({ platform: 'MacIntel' })).toBe('macOS')
  expect(deviceName({ platform: 'Win32' })).toBe('Windows')
  expect(deviceName({ platform: 'iPhone' })).toBe('iPhone')
  expect(deviceName({})).toBe('')
  expect(deviceName({ platform: 'x'.repeat(100) })).toHaveLength(64)
})
