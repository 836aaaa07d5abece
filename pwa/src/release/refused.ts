/** Why a release is not taken. Each has a sentence in `i18n/locales`, under `update.reason`. */
export const reasons = [
  /** The server has no `release.json`. */
  'unsigned',
  /** It is not a manifest of ours. */
  'unreadable',
  /** The signature is not by the key that is named beside it. */
  'forged',
  /** Well signed, by another key than the pinned one. */
  'other_key',
  /** Signed before the release that is in use. */
  'older',
  /** A file is missing, or is not the one that was signed. */
  'changed_file',
  /** The service worker that the server gives is not the one that was signed. */
  'changed_worker',
  /** This browser has no Ed25519. */
  'unsupported',
] as const

export type Reason = (typeof reasons)[number]

export class Refused extends Error {
  override readonly name = 'Refused'

  constructor(
    readonly reason: Reason,
    /** The file or the key that it is about. */
    readonly subject = '',
  ) {
    super(subject ? `${reason}: ${subject}` : reason)
  }
}
