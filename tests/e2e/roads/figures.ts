/** What was measured: a table that people read, and a file that is kept. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { percentile } from '../bench/figures.ts'
import { ROOT, run } from './places.ts'

const FOLDER = join(ROOT, '.cache/results')
const FILE = join(FOLDER, 'roads.json')

/** A line of a table: what each column says. */
export type Row = Record<string, string | number>

interface Kept {
  run: number
  tables: Record<string, Record<string, Row>>
}

/** How often a test does the same: HEARTH_ROADS_ROUNDS, or what is enough to find it broken. */
export function rounds(usual: number): number {
  return Number(process.env.HEARTH_ROADS_ROUNDS ?? usual)
}

/** Writes a line of a table, in the place of an earlier one of the same run with this title. */
export function keep(table: string, title: string, row: Row): void {
  const kept = read()
  kept.tables[table] = { ...kept.tables[table], [title]: row }
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(FILE, `${JSON.stringify(kept, null, 2)}\n`)
}

/** Shows a table as far as it has come. */
export function show(table: string): void {
  const rows = Object.entries(read().tables[table] ?? {})
  if (rows.length === 0) return
  const head = ['', ...Object.keys(rows[0]![1])]
  const cells = [head, ...rows.map(([title, row]) => [title, ...Object.values(row).map(String)])]
  const widths = head.map((_, at) => Math.max(...cells.map((line) => (line[at] ?? '').length)))
  const lines = cells.map((line) => line.map((cell, at) => cell.padEnd(widths[at]!)).join('  '))
  console.log([`${table}:`, ...lines].join('\n'))
}

/** The median and the largest of some times in ms. */
export function spread(name: string, times: readonly number[]): Row {
  return {
    [`${name}, median ms`]: Math.round(percentile(times, 50)),
    [`${name}, most ms`]: Math.round(Math.max(...times)),
  }
}

function read(): Kept {
  const none = { run: run(), tables: {} }
  try {
    const kept = JSON.parse(readFileSync(FILE, 'utf8')) as Kept
    return kept.run === run() ? kept : none
  } catch {
    return none // nothing was measured yet
  }
}
