/** A family and its devices, for tests of what shows them. */
import type { DeviceShown, Household } from '../../src/protocol/generated'

export const deviceId = (name: string): string =>
  Array.from({ length: 32 }, (_, index) => (name.charCodeAt(index % name.length) % 16).toString(16)).join('')

export function device(name: string, person: string, more: Partial<DeviceShown> = {}): DeviceShown {
  return { id: deviceId(name), person, name, paired_ms: 900_000, live: [], ...more }
}

export const live = { road: 'signaled', since_ms: 950_000, code: '7ZRA0W4K' }

export const family: Household = {
  type: 'household',
  person: 'p1',
  device: deviceId('Laptop'),
  people: [
    { id: 'p1', name: 'Anna', role: 'owner' },
    { id: 'p2', name: 'Boris', role: 'member' },
  ],
  devices: [
    device('Laptop', 'p1', { live: [live] }),
    device('Phone', 'p1', { seen_ms: 940_000 }),
    device('Old tablet', 'p1', { revoked: true }),
    device('Work', 'p2'),
  ],
}

/** What a member is told: themselves alone. */
export const membersOwn: Household = {
  type: 'household',
  person: 'p2',
  device: deviceId('Work'),
  people: family.people.slice(1),
  devices: [device('Work', 'p2', { live: [live] }), device('Lost', 'p2', { revoked: true })],
}
