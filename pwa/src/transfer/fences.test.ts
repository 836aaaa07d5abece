import { expect, it } from 'vitest'
import { openFence } from './fences'

it.each([
  ['text', null],
  ['```js\ncode', '```'],
  ['```js\ncode\n```', null],
  ['```js\r\ncode\r\n```\r', null],
  ['```js\r\ncode', '```'],
  ['````\n```\n', '````'],
  ['```\n````\nafter', null],
  ['~~~\n```\n', '~~~'],
  ['~~~ `a`\n', '~~~'],
  ['```\n``` js\n', '```'],
  ['``` `no` fence', null],
  ['    ```', null],
  ['   ~~~~', '~~~~'],
])('of %j is %j', (text, fence) => {
  expect(openFence(text.split('\n'))).toBe(fence)
})
