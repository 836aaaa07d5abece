/** Draws the dark modules of a QR code as one SVG path, a unit each. Light is what is not drawn. */
export function qrPath(modules: readonly (readonly boolean[])[]): string {
  return modules.map((row, y) => rowPath(row, y)).join('')
}

/** A rectangle for each run of dark modules: neighbours drawn apart would show a seam. */
function rowPath(row: readonly boolean[], y: number): string {
  let path = ''
  for (let x = 0; x < row.length; x++) {
    if (!row[x]) continue
    const start = x
    while (row[x + 1]) x++
    path += `M${String(start)} ${String(y)}h${String(x + 1 - start)}v1H${String(start)}z`
  }
  return path
}
