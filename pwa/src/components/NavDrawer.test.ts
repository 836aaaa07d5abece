import { flushPromises } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import NavDrawer from './NavDrawer.vue'

it('closes on every way that is taken, to what is shown already too', async () => {
  await new TestServices().begin('drawer')
  const drawer = show(NavDrawer, { open: false })
  await drawer.vm.$router.push('/settings')
  await drawer.setProps({ open: true })
  const before = drawer.emitted('update:open')?.length ?? 0
  await drawer.vm.$router.push('/settings')
  await flushPromises()
  expect(drawer.emitted('update:open')?.slice(before)).toEqual([[false]])
  drawer.unmount()
})
