/** What an address of the web leads to, as `import` takes it. */
import { Readable } from 'node:stream'
import { DrydockError } from '../kernel/errors.js'

/** What `http://` and `https://` lead to, without credentials. Redirects are followed, but from TLS to none. */
export async function download(url: string, signal: AbortSignal): Promise<Readable> {
  let response: Response
  try {
    response = await fetch(url, { signal })
  } catch (cause) {
    signal.throwIfAborted()
    const inner = (cause as { cause?: NodeJS.ErrnoException }).cause
    throw new DrydockError(`Get "${url}": ${inner?.code ?? inner?.message ?? (cause as Error).message}`, { cause, status: 500 })
  }
  if (!response.ok || !response.body) {
    await response.body?.cancel()
    throw new DrydockError(`Get "${url}": the server answered ${response.status} ${response.statusText}`.trim(), { status: 500 })
  }
  if (url.startsWith('https:') && !response.url.startsWith('https:')) {
    await response.body.cancel()
    throw new DrydockError(`${url} leads to ${response.url}, which anybody on the way can change: refused`, { status: 400 })
  }
  return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])
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
