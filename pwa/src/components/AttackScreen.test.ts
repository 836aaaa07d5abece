import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import AttackScreen from './AttackScreen.vue'

it.each(['en', 'ru'] as const)('says what happened and what to do, with no way on (%s)', (language) => {
  const screen = show(AttackScreen, {}, language)
  expect(screen.get('[role="alert"] h1').text()).not.toBe('')
  expect(screen.findAll('li')).toHaveLength(3)
  expect(screen.text()).toContain(location.host)
  expect(screen.text()).not.toContain('attack.')
  expect(screen.findAll('button, a, input')).toEqual([])
})
