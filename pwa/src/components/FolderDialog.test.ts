import type { VueWrapper } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import FolderDialog from './FolderDialog.vue'

function dialog(folder: string | null, folders = ['Garden', 'Work']): VueWrapper {
  new TestServices()
  return show(FolderDialog, { folders, folder })
}

const choices = (shown: VueWrapper) =>
  shown.findAll('label.choice').map((label) => {
    const radio = label.get('input').element
    return `${label.text()}${radio.checked ? ' ✓' : ''}`
  })

async function choose(shown: VueWrapper, name: string): Promise<void> {
  await shown.findAll('label.choice').find((label) => label.text() === name)!.get('input').setValue()
}

it('shows where the chat is, among all folders', () => {
  expect(choices(dialog('Work'))).toEqual(['No folder', 'Garden', 'Work ✓', 'New folder'])
  expect(choices(dialog(null))).toEqual(['No folder ✓', 'Garden', 'Work', 'New folder'])
})

it('moves to another folder, and out of all', async () => {
  const shown = dialog('Work')
  await choose(shown, 'Garden')
  await shown.get('form').trigger('submit')
  await choose(shown, 'No folder')
  await shown.get('form').trigger('submit')
  expect(shown.emitted('move')).toEqual([['Garden'], [null]])
})

it('moves to a new one, once that has a name', async () => {
  const shown = dialog(null, [])
  expect(choices(shown)).toEqual(['No folder', 'New folder ✓'])
  await shown.get('form').trigger('submit')
  expect(shown.emitted('move')).toBeUndefined()
  await shown.get('input[maxlength]').setValue('  Recipes ')
  await shown.get('form').trigger('submit')
  expect(shown.emitted('move')).toEqual([['Recipes']])
})

it('tells a folder by its place, whatever its name is', async () => {
  const shown = dialog(null, ['none', 'new'])
  await choose(shown, 'new')
  await shown.get('form').trigger('submit')
  expect(shown.emitted('move')).toEqual([['new']])
})

it('does nothing where the chat is to stay', async () => {
  const shown = dialog('Work')
  await shown.get('form').trigger('submit')
  expect(shown.emitted('move')).toBeUndefined()
})
