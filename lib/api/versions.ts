/** The version of the Engine API that a request is in: the `/v1.NN` before its path, or the newest when there is none. */
import { DrydockError } from '../kernel/errors.js'

/** What answers are made for: the `NN` of `1.NN`. */
export type ApiVersion = number

export const NEWEST: ApiVersion = 47
/** What is promised; older ones are let in as long as they cost nothing: skopeo 1.9 speaks 1.22. */
export const PROMISED: ApiVersion = 24
const OLDEST: ApiVersion = 12

export const versionText = (version: ApiVersion): string => `1.${version}`

/** The prefix and the rest of a request's target: `/v1.41/info?x` is `1.41` and `/info?x`. */
export function splitTarget(target: string): { readonly version: string | undefined; readonly path: string } {
  const [, version, path] = /^\/v([0-9.]+)(\/.*)$/s.exec(target) ?? []
  return path === undefined ? { version: undefined, path: target } : { version, path }
}

/** Throws docker's sentences for what is too new and too old. */
export function apiVersion(text: string | undefined): ApiVersion {
  if (text === undefined) return NEWEST
  const [major = 0, minor = 0, ...rest] = text.split('.').map(Number)
  if (major > 1 || (major === 1 && (minor > NEWEST || (minor === NEWEST && rest.some((part) => part > 0))))) {
    throw new DrydockError(`client version ${text} is too new. Maximum supported API version is ${versionText(NEWEST)}`, { status: 400 })
  }
  if (major < 1 || minor < OLDEST) {
    const least = versionText(PROMISED)
    throw new DrydockError(
      `client version ${text} is too old. Minimum supported API version is ${least}, please upgrade your client to a newer version`,
      { status: 400 },
    )
  }
  return minor
}
