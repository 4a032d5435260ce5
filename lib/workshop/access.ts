/**
 * Who is answered. On the loopback every user of this machine; elsewhere who has the token. Never a page of another site: one that a browser was led to by a
 * name which was made to mean this machine (DNS rebinding) is known by that name, one that sends requests here by `Origin` and `Sec-Fetch-Site` (Fetch, 3.2;
 * Fetch Metadata, 2.4), and none can read what a request that slips through is answered, since nothing is shared by CORS.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { DrydockError } from '../kernel/errors.js'

/** On every answer. The page has no script, style, picture or connection from elsewhere, stands in no frame, and is kept nowhere. */
export const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

export interface Door {
  /** Other names by which this machine may be called, in lower case. */
  readonly names: readonly string[]
  /** Absent: everybody who reaches it is let in. */
  readonly token?: string
}

/** 128 bits. */
export const makeToken = (): string => randomBytes(16).toString('hex')

/** Throws 421 when the request is for somebody else: a browser was told that this is evil.example. */
export function checkHost({ headers, socket }: IncomingMessage, { names }: Door): void {
  const { host } = headers
  const called = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host ?? '')?.[1]?.toLowerCase()
  if (called !== undefined && (names.includes(called) || ownNames(socket.localAddress).includes(called))) return
  const shown = called === undefined ? 'nothing that is a host' : JSON.stringify(called)
  throw new DrydockError(
    `this workshop is not called ${shown}: use the address that was printed when it started, or start it with --name and that name`,
    { status: 421 },
  )
}

/** The address that the request has come to, as it stands in an address of the web. */
function ownNames(address = ''): readonly string[] {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (/^127\./.test(plain) || plain === '::1') return [...LOOPBACK_NAMES, plain]
  return [isIP(plain) === 6 ? `[${plain.replace(/%.*$/, '')}]` : plain]
}

/** Throws 403 for what a page of another site has sent. It may lead here by a link, which shows it nothing. */
export function checkSite({ headers, method }: IncomingMessage): void {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  const follows = method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  const foreign = (origin !== undefined && origin !== `http://${host}`) || ((site === 'cross-site' || site === 'same-site') && !follows)
  if (foreign) throw new DrydockError('a page of another site has sent this, and is not answered', { status: 403 })
}

/** Cookies are told apart by host and not by port: two workshops of one machine have two names (RFC 6265, 8.5). */
const cookieName = ({ socket }: IncomingMessage): string => `drydock-workshop-${socket.localPort}`

/** Keeps the token where scripts do not see it, and where no other site's request takes it along. */
export const cookieFor = (request: IncomingMessage, token: string): string =>
  `${cookieName(request)}=${token}; Path=/; HttpOnly; SameSite=Strict`

/** Throws 401 without the cookie. */
export function checkToken(request: IncomingMessage, { token }: Door): void {
  if (token === undefined) return
  const name = `${cookieName(request)}=`
  const given = (request.headers.cookie ?? '').split(/; */).find((one) => one.startsWith(name))
  if (given !== undefined && isToken(given.slice(name.length), token)) return
  throw new DrydockError('this page is for who has its token: open the address that was printed when the workshop started', { status: 401 })
}

/** Compared in a time that says nothing about where they differ. */
export function isToken(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}
