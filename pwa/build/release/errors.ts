/** Something that whoever runs the tool can mend; the message says how. */
export class ReleaseError extends Error {
  override readonly name = 'ReleaseError'
}

/** What the system said, in short. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
