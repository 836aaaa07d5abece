import { mount } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { TestServices } from '../../tests/support/services'
import type { Event, SettingName } from '../protocol/generated'
import type { useChats } from '../stores/chats'
import { useSettings } from '../stores/settings'
import { useChoices, useFollowedChoices } from './choices'

let outside: TestServices
let settings: ReturnType<typeof useSettings>
let chats: ReturnType<typeof useChats>
let choices: ReturnType<typeof useChoices>

beforeEach(async () => {
  outside = new TestServices()
  settings = useSettings()
  chats = await outside.begin()
  outside.connect()
  const app = mount({
    setup() {
      useFollowedChoices()
      choices = useChoices()
      return () => null
    },
  })
  return () => {
    app.unmount()
    // What is still on its way would bring the stores of this test into the next.
    chats.reset()
  }
})

function hear(seq: number, name: SettingName, value: string | null): void {
  const event: Event = { type: 'setting_changed', seq, at_ms: seq, name, value }
  outside.say({ type: 'events', events: [event], upto: seq })
}

const shown = () => [settings.theme, settings.language]

it('what is chosen here is for all devices', async () => {
  choices.chooseTheme('dark')
  choices.chooseLanguage('ru')
  expect(shown()).toEqual(['dark', 'ru'])
  await outside.said('change_setting')
  expect(chats.settings).toEqual({ appearance: 'dark', language: 'ru' })
})

it('what is chosen on another is taken over, and what a newer app knows is passed over', () => {
  hear(1, 'appearance', 'light')
  hear(2, 'language', 'ru')
  expect(shown()).toEqual(['light', 'ru'])
  hear(3, 'appearance', 'sepia')
  hear(4, 'language', 'xx')
  expect(shown()).toEqual(['light', 'ru'])
})

it('the theme of the system is chosen like another, so that no device stays with an older choice', async () => {
  hear(1, 'appearance', 'dark')
  hear(2, 'appearance', 'system')
  expect(shown()[0]).toBe('system')
  hear(3, 'appearance', 'dark')
  choices.chooseTheme('system')
  expect(await outside.said('change_setting')).toMatchObject({ name: 'appearance', value: 'system' })
})

it('what is left to each device stays on each as it is', () => {
  hear(1, 'appearance', 'dark')
  hear(2, 'appearance', null)
  expect([shown()[0], chats.settings.appearance]).toEqual(['dark', undefined])
})

it('a device of its own neither tells nor follows, until it shares again', () => {
  choices.share(false)
  choices.chooseTheme('dark')
  hear(1, 'appearance', 'light')
  expect([shown()[0], chats.settings]).toEqual(['dark', { appearance: 'light' }])
  choices.share(true)
  expect([shown()[0], chats.settings.appearance]).toEqual(['dark', 'dark'])
})
