/**
 * A web page can make its reader's browser send requests to any port that the reader reaches, this one too: starting a privileged container
 * would be one of them. Docker's daemon leaves that to whoever opens a port. Here a browser is let in over TCP only with a client certificate that
 * was checked, which no page can show on its own; and a unix socket no browser can reach.
 */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { DrydockError } from '../kernel/errors.js'

const local = new WeakSet<object>()

/** To be called for a connection over a unix socket. */
export function isLocal(socket: object): void {
  local.add(socket)
}

/** `Origin` comes with what another page sends; after DNS was rebound, a page is at home here and only the browser's own name tells. */
export function refuseBrowser({ headers, socket }: IncomingMessage): void {
  if (local.has(socket) || (socket as TLSSocket).authorized) return
  const mark = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined || /^Mozilla\//.test(headers['user-agent'] ?? '')
  if (!mark) return
  throw new DrydockError('this is a browser: over TCP it is answered only with a TLS client certificate, since any web page could ask', {
    status: 403,
  })
}
