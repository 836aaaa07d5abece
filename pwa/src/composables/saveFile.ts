/** The address of a file has to last until the browser has begun to read it. */
const keptMs = 60_000

/** Hands a file to the browser's downloads, under this name. */
export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
  setTimeout(() => {
    URL.revokeObjectURL(link.href)
  }, keptMs)
}
