/**
 * A stream on which nothing comes any more. Who only reads is not told by TCP that the other side cannot be reached (a wifi that was changed, a router that has
 * forgotten): without this the page would show what was last, and call it now.
 */

/** Milliseconds: four signs of life of the server's (stream.ts). */
const SILENT = 60_000
const LOOKS = 5000

/** Closes a stream that has been silent for too long, and says so. `kinds`: what comes on it besides signs of life. */
export function onSilence(source: EventSource, kinds: readonly string[], silent: () => void): void {
  let last = Date.now()
  for (const kind of ['open', 'error', 'alive', ...kinds]) {
    source.addEventListener(kind, () => {
      last = Date.now()
    })
  }
  const timer = setInterval(() => {
    if (source.readyState === EventSource.CLOSED) return clearInterval(timer)
    if (Date.now() - last < SILENT) return
    clearInterval(timer)
    source.close()
    silent()
  }, LOOKS)
}
