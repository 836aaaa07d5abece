import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { VueWrapper } from '@vue/test-utils'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { TEXT_CHARS } from '../protocol/generated'
import ComposerBox from './ComposerBox.vue'

let composer: VueWrapper

beforeEach(() => {
  new TestServices()
  composer = show(ComposerBox, { activity: 'idle' })
})
afterEach(() => composer.unmount())

const field = () => composer.get('textarea')

describe('the composer', () => {
  it('is a field named Message', () => {
    expect(field().attributes('aria-label')).toBe('Message')
  })

  it('sends with Enter and is empty again', async () => {
    await field().setValue('  Hello\nthere ')
    await field().trigger('keydown', { key: 'Enter' })
    expect(composer.emitted('send')).toEqual([['Hello\nthere']])
    expect(field().element.value).toBe('')
  })

  it('sends with the button', async () => {
    await field().setValue('Hello')
    await composer.get('form').trigger('submit')
    expect(composer.emitted('send')).toEqual([['Hello']])
  })

  for (const [what, keys] of [
    ['Shift+Enter', { key: 'Enter', shiftKey: true }],
    ['Enter of an input method', { key: 'Enter', isComposing: true }],
    ['Enter of an old input method', { key: 'Enter', keyCode: 229 }],
    ['another key', { key: 'a' }],
  ] as const) {
    it(`does not send with ${what}`, async () => {
      await field().setValue('Hello')
      await field().trigger('keydown', keys)
      expect(composer.emitted('send')).toBeUndefined()
    })
  }

  it('does not send nothing', async () => {
    await field().setValue(' \n ')
    await field().trigger('keydown', { key: 'Enter' })
    expect(composer.emitted('send')).toBeUndefined()
    expect(composer.get('button').attributes('disabled')).toBeDefined()
  })

  it('says by how much a text is too long, in characters as the wire counts', async () => {
    await field().setValue('🔥'.repeat(TEXT_CHARS))
    expect(composer.text()).toBe('')
    await field().setValue('🔥'.repeat(TEXT_CHARS + 2))
    expect(composer.text()).toContain('too long by 2 characters')
    await field().trigger('keydown', { key: 'Enter' })
    expect(composer.emitted('send')).toBeUndefined()
  })

  it('says what is wrong with a text that came back', async () => {
    await composer.setProps({ complaint: 'Too long for the model.' })
    expect(composer.text()).toBe('Too long for the model.')
    expect(field().attributes('aria-invalid')).toBe('true')
  })

  it('has Stop in place of Send while an answer runs, until something is written', async () => {
    const names = () => composer.findAll('button').map((one) => one.attributes('aria-label'))
    expect(names()).toEqual(['Send'])
    await composer.setProps({ activity: 'answering' })
    expect(names()).toEqual(['Stop'])
    await composer.get('button').trigger('click')
    expect(composer.emitted('stop')).toHaveLength(1)
    await field().setValue('Next')
    expect(names()).toEqual(['Stop', 'Send'])
  })

  it('sends what is written while an answer runs', async () => {
    await composer.setProps({ activity: 'answering' })
    await field().setValue('Next')
    await field().trigger('keydown', { key: 'Enter' })
    expect(composer.emitted('send')).toEqual([['Next']])
    expect(composer.emitted('stop')).toBeUndefined()
  })
})
