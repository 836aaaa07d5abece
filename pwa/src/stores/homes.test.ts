import { beforeEach, expect, it } from 'vitest'
import { TestServices } from '../../tests/support/services'
import { ticket } from '../../tests/support/ticket'
import { fixed } from '../../tests/support/trust'
import { createPinia, setActivePinia } from 'pinia'
import { useHomes } from './homes'

const attic = fixed('attic')
const cellar = fixed('cellar')
let outside: TestServices

beforeEach(() => {
  outside = new TestServices()
})

/** As after a reload: the same browser, and nothing remembered. */
async function visited() {
  setActivePinia(createPinia())
  const homes = useHomes()
  await homes.load()
  return homes
}

it('knows nothing before it has looked, and then that there is no home', async () => {
  const homes = useHomes()
  expect(homes.state).toBe('unknown')
  await homes.load()
  expect([homes.state, homes.home]).toEqual(['unpaired', null])
})

it('is paired from visit to visit, and asks the browser to keep it', async () => {
  await useHomes().pin(attic, 'attic')
  expect([useHomes().state, outside.asksToKeep]).toEqual(['paired', 1])
  const homes = await visited()
  expect([homes.state, homes.home?.publicKey, homes.home?.name]).toEqual(['paired', attic, 'attic'])
})

it('is with the home that was paired last', async () => {
  await useHomes().pin(attic, 'attic')
  outside.clock.pass(1)
  await useHomes().pin(cellar, 'cellar')
  expect((await visited()).home?.publicKey).toEqual(cellar)
})

it('learns of what another tab has paired', async () => {
  const homes = await visited()
  const other = createPinia()
  await useHomes(other).pin(attic, '')
  expect(homes.state).toBe('unpaired')
  await homes.load()
  expect(homes.state).toBe('paired')
})

it('does not forget what was paired while it looked', async () => {
  const homes = useHomes()
  const looking = homes.load()
  await homes.pin(attic, '')
  await looking
  expect(homes.state).toBe('paired')
})

it('forgets every home when the person asks', async () => {
  await useHomes().pin(attic, '')
  await useHomes().pin(cellar, '')
  await useHomes().forget()
  expect([useHomes().state, useHomes().home]).toEqual(['unpaired', null])
  expect((await visited()).state).toBe('unpaired')
})

it('says so where this browser keeps nothing, and looks again', async () => {
  const { database } = outside
  outside.database = () => {
    throw new DOMException('denied', 'SecurityError')
  }
  const homes = await visited()
  expect(homes.state).toBe('unkept')
  await homes.pin(attic, '')
  expect([homes.state, homes.home, outside.asksToKeep]).toEqual(['unkept', null, 0])
  outside.database = database
  await homes.load()
  expect(homes.state).toBe('unpaired')
})

it('keeps the ticket that the home gave last, from visit to visit', async () => {
  await useHomes().keepTicket(ticket)
  await useHomes().pin(attic, 'attic')
  await useHomes().keepTicket(ticket)
  expect((await visited()).home?.lan).toEqual(ticket)
  await useHomes().keepTicket(null)
  expect((await visited()).home?.lan).toBeNull()
})
