/** One request of the HTTP API. Every failure is a `NetError`. */
import { decoder } from '../protocol/decode'
import { type Problem, ProblemShape } from '../protocol/generated'
import type { Shape } from '../protocol/shape'
import { ProblemError, Unreachable } from './errors'

const decodeProblem = decoder<Problem>(ProblemShape)

export interface RequestOptions {
  body?: object
  /** The access token, for what only its bearer may do. */
  token?: string
}

export type Request = (method: string, path: string, options?: RequestOptions) => Promise<string>

export function makeRequest(fetch: typeof globalThis.fetch): Request {
  return async (method, path, { body, token } = {}) => {
    let response: Response
    let text: string
    try {
      response = await fetch(path, {
        method,
        credentials: 'same-origin',
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      text = await response.text()
    } catch {
      throw new Unreachable('The server cannot be reached.')
    }
    if (response.ok) return text
    throw problemOf(text)
  }
}

/** Reads an answer of this shape; anything else was not said by a Hearth server. */
export function reader<Answer>(shape: Shape): (text: string) => Answer {
  const decode = decoder<Answer>(shape)
  return (text) => {
    try {
      return decode(text)
    } catch {
      throw new Unreachable('Something else than Hearth answered.')
    }
  }
}

function problemOf(text: string): ProblemError | Unreachable {
  try {
    const { code, message, retry_after_s } = decodeProblem(text)
    return new ProblemError(code, message, retry_after_s ?? null)
  } catch {
    // A proxy's own page, or a portal's: the server itself was not reached.
    return new Unreachable('Something else than Hearth answered.')
  }
}
