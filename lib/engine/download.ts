/** What an address of the web leads to, as `import` takes it. */
import { Certificates } from '../image/registry/certificates.js'
import { HttpClient, type HttpResponse } from '../image/registry/http.js'
import { DrydockError } from '../kernel/errors.js'
import { STRANGERS_REFUSED } from '../network/strangers.js'

/**
 * What `http://` and `https://` lead to, without credentials, when its head is there. Redirects are followed, but from TLS to none. Fails in the words that registries
 * have for it.
 */
export async function download(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const certificates = new Certificates([])
  const http = new HttpClient({ signal, guard: STRANGERS_REFUSED, tls: (host) => certificates.for(host, { checked: true }) })
  try {
    const response = await http.request({ method: 'GET', url: new URL(url) })
    if (response.status !== 200) {
      throw new DrydockError(`Get "${url}": the server answered ${response.status} ${response.statusText}`.trim(), { status: 500 })
    }
    if (url.startsWith('https:') && response.url.protocol !== 'https:') {
      throw new DrydockError(`${url} leads to ${response.url}, which anybody on the way can change: refused`, { status: 400 })
    }
    return bodyOf(response, http)
  } catch (error) {
    http.close()
    throw error
  }
}

async function* bodyOf(response: HttpResponse, http: HttpClient): AsyncGenerator<Uint8Array> {
  try {
    yield* response.chunks()
  } finally {
    http.close()
  }
}

/** Bytes that went by, for who shows them. */
export async function* counted(source: AsyncIterable<Uint8Array>, tell: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.byteLength
    tell(bytes)
    yield chunk
  }
}
