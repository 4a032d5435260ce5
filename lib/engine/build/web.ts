/** What the web has for a build: a file for ADD, a context or a Dockerfile for `remote`. */
import { posix } from 'node:path'
import { Certificates } from '../../image/registry/certificates.js'
import { HttpClient } from '../../image/registry/http.js'
import { DrydockError } from '../../kernel/errors.js'

export const isUrl = (word: string): boolean => /^https?:\/\//.test(word)

/** What docker takes for an address of git: those of git itself, and of the web when they end so. */
export const isGitUrl = (word: string): boolean =>
  /^https?:\/\/.*\.git(?:#.+)?$/.test(word) || /^(?:git:\/\/|github\.com\/|git@)/.test(word)

export interface Fetched {
  /** In small letters, without parameters; '' when nothing is said. */
  readonly type: string
  /** Undefined: not known before. */
  readonly length: number | undefined
  /** What its server calls it, or the address; '' when neither does. */
  readonly name: string
  /** Seconds since 1970; 0 when its server does not say. */
  readonly modified: number
  readonly body: AsyncIterable<Buffer>
}

/** Bytes of what a server says with an error. */
const LONGEST_COMPLAINT = 4096

/** Asks, and uses what comes; the connection ends with the use. Redirects are followed. */
export async function fetched<T>(url: string, signal: AbortSignal, use: (fetched: Fetched) => Promise<T>): Promise<T> {
  const certificates = new Certificates([])
  const http = new HttpClient({ signal, tls: (host) => certificates.for(host, { checked: true }) })
  try {
    if (!URL.canParse(url)) throw new DrydockError(`parse "${url}": invalid URL`, { status: 400 })
    const response = await http.request({ method: 'GET', url: new URL(url) })
    const { headers, status, statusText } = response
    if (status >= 400) {
      const said = (await response.text(LONGEST_COMPLAINT)) ?? ''
      throw new DrydockError(`failed to GET ${url} with status ${status} ${statusText}: ${said.trim()}`, {
        status: status === 404 ? 404 : 500,
      })
    }
    const length = Number(headers['content-length'] ?? Number.NaN)
    const modified = Date.parse(headers['last-modified'] ?? '')
    return await use({
      type: (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '',
      length: Number.isFinite(length) ? length : undefined,
      name: nameIn(new URL(url).pathname, headers['content-disposition']),
      modified: Number.isFinite(modified) ? Math.floor(modified / 1000) : 0,
      body: response.chunks(),
    })
  } finally {
    http.close()
  }
}

function nameIn(path: string, disposition: string | undefined): string {
  if (path !== '' && !path.endsWith('/')) return posix.basename(path)
  const [, quoted, plain] = /;\s*filename\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(disposition ?? '') ?? []
  const name = quoted ?? plain ?? ''
  return name.endsWith('/') ? '' : posix.basename(name)
}
