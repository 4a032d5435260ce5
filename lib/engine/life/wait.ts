/** Who waits for a container's end. */
import type { WaitCondition, Waited } from '../types.js'
import { whenever } from '../whenever.js'
import type { Container, Ending } from './container.js'

/** Registered when it returns. Who gives up, by `signal`, is forgotten. */
export function wait(container: Container, condition: WaitCondition, signal?: AbortSignal): { readonly end: Promise<Waited> } {
  const end = new Promise<Waited>((resolve, reject) => {
    const leave = () => {
      forget()
      reject(signal?.reason)
    }
    const forget = whenEnding(container, condition, (ending) => {
      signal?.removeEventListener('abort', leave)
      // Who waits for the removal of what could not even be started hears of that from the start alone: docker's command line would say it twice.
      resolve(waited(condition === 'removed' ? { exitCode: ending.exitCode } : ending))
    })
    if (signal?.aborted) leave()
    else signal?.addEventListener('abort', leave, { once: true })
  })
  return { end }
}

/** The answer takes it back. */
function whenEnding(container: Container, condition: WaitCondition, act: (ending: Ending) => void): () => void {
  if (condition === 'removed') return whenever(container.removed, () => act(container.ending))
  const over = condition === 'not-running' && !container.run && container.status !== 'restarting'
  if (!over) return container.onExit(act)
  act(container.ending)
  return () => undefined
}

const waited = ({ exitCode, error }: Ending): Waited => ({
  StatusCode: exitCode,
  ...(error !== undefined && { Error: { Message: error } }),
})
