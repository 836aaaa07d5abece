import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { saveFile } from './saveFile'

beforeEach(() => vi.useFakeTimers())

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

it('downloads the file under its name, leaves no link, and lets the file go later', () => {
  const clicked: (readonly [name: string, address: string])[] = []
  const revoked = vi.spyOn(URL, 'revokeObjectURL')
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    clicked.push([this.download, this.href])
  })
  saveFile('Bread.md', new Blob(['# Bread']))
  expect(clicked).toEqual([['Bread.md', expect.stringMatching(/^blob:/)]])
  expect(document.querySelector('a[download]')).toBeNull()
  expect(revoked).not.toHaveBeenCalled()
  vi.runAllTimers()
  expect(revoked).toHaveBeenCalledWith(clicked[0]?.[1])
})
