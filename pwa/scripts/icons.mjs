// Draws the PNG icons from icons/icon.svg, once; what it writes is committed.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'

const folder = fileURLToPath(new URL('../public/icons/', import.meta.url))
const svg = await readFile(`${folder}icon.svg`, 'utf8')
const paper = '#f8f3ea'

/** `part` is how much of the picture's width the mark takes; a mask may cut a tenth off each side. */
const pictures = [
  { name: 'icon-192.png', size: 192, part: 1, ground: 'transparent' },
  { name: 'icon-512.png', size: 512, part: 1, ground: 'transparent' },
  { name: 'maskable-512.png', size: 512, part: 0.6, ground: paper },
  { name: 'apple-touch-icon.png', size: 180, part: 0.68, ground: paper },
]

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
for (const { name, size, part, ground } of pictures) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  await page.setContent(
    `<style>body{margin:0;height:100vh;display:grid;place-items:center;background:${ground}}
     svg{width:${String(part * 100)}vw}</style>${svg}`,
  )
  await page.screenshot({ path: `${folder}${name}`, omitBackground: true })
  await page.close()
}
await browser.close()
