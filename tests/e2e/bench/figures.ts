/** Figures of a bench, and a drawing of their spread. */

export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)
  return sorted[Math.max(at, 0)] ?? NaN
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** A line of figures and a bar for each of ten equal ranges. */
export function histogram(title: string, values: readonly number[]): string {
  const least = Math.min(...values)
  const width = (Math.max(...values) - least) / 10 || 1
  const counts = Array.from({ length: 10 }, () => 0)
  for (const value of values) counts[Math.min(9, Math.floor((value - least) / width))]! += 1
  const most = Math.max(...counts)
  const rows = counts.map((count, row) => {
    const from = (least + row * width).toFixed(0).padStart(7)
    return `${from} ${'█'.repeat(Math.round((count / most) * 40))}${count ? ` ${count}` : ''}`
  })
  const spread = [5, 50, 95].map((p) => `p${p} ${percentile(values, p).toFixed(1)}`).join(', ')
  return [`${title} (n=${values.length}): ${spread}`, ...rows].join('\n')
}
