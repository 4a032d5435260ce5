/** What is to be done when something comes that may be long in coming, unless nobody wants it any more by then. */

const waiting = new WeakMap<Promise<unknown>, Set<() => void>>()

/**
 * Once, when it comes; the answer takes it back. A promise keeps whatever waits for it until it resolves: who looks at a container each second for a year would leave
 * as much behind with each look.
 */
export function whenever(event: Promise<unknown>, act: () => void): () => void {
  const own = () => act()
  let all = waiting.get(event)
  if (!all) {
    const acts = new Set<() => void>()
    all = acts
    waiting.set(event, acts)
    void event.then(() => {
      waiting.delete(event)
      for (const one of acts) one()
    })
  }
  all.add(own)
  return () => void all.delete(own)
}
