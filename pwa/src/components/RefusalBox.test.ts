import { expect, it } from 'vitest'
import { created } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import { useConnection } from '../stores/connection'
import NoticeBar from './NoticeBar.vue'

it('says that the PC does not know this device, and lets people try and pair again', async () => {
  const outside = new TestServices()
  const connection = useConnection()
  const bar = show(NoticeBar)
  outside.handlers.onRefused('device_unknown')
  await until(() => bar.text() !== '')
  expect(bar.text()).toContain('does not know this device')
  expect(bar.get('a').attributes('href')).toBe('/pair')
  await bar.get('button').trigger('click')
  expect([outside.starts, connection.refusal, bar.text()]).toEqual([1, null, ''])
})

it('says that chats which are kept here go when it is paired again, where there are any', async () => {
  const outside = new TestServices()
  await outside.begin()
  outside.connect(1)
  const bar = show(NoticeBar)
  outside.handlers.onRefused('device_unknown')
  await until(() => bar.text() !== '')
  expect(bar.text()).not.toContain('save them first')
  outside.say({ type: 'events', events: [created(1)], upto: 1 })
  await until(() => bar.text().includes('save them first'))
  expect(bar.findAll('a').map((one) => one.attributes('href'))).toEqual(['/settings', '/pair'])
})

it('has nothing to press where only an update helps', async () => {
  const outside = new TestServices()
  useConnection()
  const bar = show(NoticeBar)
  outside.handlers.onRefused('unsupported_version')
  await until(() => bar.text() !== '')
  expect([bar.find('p').exists(), bar.find('button').exists(), bar.find('a').exists()]).toEqual([true, false, false])
})
