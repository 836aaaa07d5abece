/** Whether an app, in a folder or on a server, is what was signed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Release,
  type ReleaseFile,
  readRelease,
  releaseFile,
} from '../../src/release/manifest'
import { Refused } from '../../src/release/refused'
import { verifyFile, verifySignature } from '../../src/release/verify'
import { codeOf, ReleaseError } from './errors'
import { listFiles, wrongSiblings } from './listing'

export interface Verdict {
  release: Release
  /** One sentence each; none when all is as it was signed. */
  problems: string[]
}

/** @throws ReleaseError there is no signed manifest to hold it against */
export async function verifyFolder(folder: string): Promise<Verdict> {
  const text = await readFile(join(folder, releaseFile), 'utf8').catch(() => {
    throw new ReleaseError(`${folder} has no ${releaseFile}: it is not signed.`)
  })
  const release = await signedRelease(text)
  const found = await listFiles(folder)
  const problems = differences(release.manifest.files, found, 'the manifest')
  for (const path of await wrongSiblings(folder)) {
    problems.push(`${path} is not the compressed form of the file beside it.`)
  }
  return { release, problems }
}

/**
 * Asks for every file as browsers do, in each compressed form; and for a page of the app, which has
 * to be its index.html. What a server has beside that cannot be seen from outside.
 * @throws ReleaseError
 */
export async function verifyServer(address: URL): Promise<Verdict> {
  const release = await signedRelease(new TextDecoder().decode(await get(address, releaseFile)))
  const problems: string[] = []
  const { files } = release.manifest
  const index = files.find(({ path }) => path === 'index.html')
  const asked = files.map((file) => ({ at: file.path, file }))
  if (index) for (const at of ['', 'settings']) asked.push({ at, file: index })
  for (const { at, file } of asked) {
    for (const encoding of ['identity', 'gzip', 'br']) {
      const problem = await compare(address, at, file, encoding)
      if (problem) problems.push(problem)
    }
  }
  return { release, problems }
}

/** What differs between two lists of files; `name` is said of the first. */
export function differences(
  wanted: readonly ReleaseFile[],
  found: readonly ReleaseFile[],
  name: string,
): string[] {
  const [before, after] = [wanted, found].map((files) => new Map(files.map((f) => [f.path, f.sha256])))
  const problems: string[] = []
  for (const path of [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])].sort()) {
    if (!after?.has(path)) problems.push(`${path} is missing.`)
    else if (!before?.has(path)) problems.push(`${path} is not in ${name}.`)
    else if (before.get(path) !== after.get(path)) problems.push(`${path} is not as in ${name}.`)
  }
  return problems
}

async function signedRelease(text: string): Promise<Release> {
  try {
    const release = readRelease(text)
    await verifySignature(release)
    return release
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    throw new ReleaseError(
      error.reason === 'forged'
        ? `The signature of ${releaseFile} is false.`
        : `${releaseFile} cannot be read: it is not a signed manifest.`,
    )
  }
}

async function compare(
  address: URL,
  at: string,
  file: ReleaseFile,
  encoding: string,
): Promise<string | null> {
  try {
    await verifyFile(file, await get(address, at, encoding))
    return null
  } catch (error) {
    if (error instanceof Refused) return `/${at} (${encoding}) is not the signed ${file.path}.`
    if (error instanceof ReleaseError) return error.message
    throw error
  }
}

async function get(address: URL, path: string, encoding = 'identity'): Promise<Uint8Array<ArrayBuffer>> {
  const headers = { accept: 'text/html,*/*', 'accept-encoding': encoding }
  const response = await fetch(new URL(path, address), { headers, redirect: 'error' }).catch(
    (error: unknown) => {
      const { cause } = error as { cause?: unknown }
      throw new ReleaseError(`${address.href} cannot be reached (${codeOf(cause ?? error)}).`)
    },
  )
  if (!response.ok) throw new ReleaseError(`The server has no /${path} (status ${String(response.status)}).`)
  return new Uint8Array(await response.arrayBuffer())
}
