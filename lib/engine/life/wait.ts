/** Who waits for a container's end. */
import type { WaitCondition, Waited } from '../types.js'
import type { Container, Ending } from './container.js'

/** Registered when it returns. */
export function wait(container: Container, condition: WaitCondition, signal?: AbortSignal): { readonly end: Promise<Waited> } {
  // Who waits for the removal of what could not even be started hears of that from the start alone: docker's command line would say it twice.
  const end = ending(container, condition).then((found) => waited(condition === 'removed' ? { exitCode: found.exitCode } : found))
  return { end: signal ? Promise.race([end, aborted(signal)]) : end }
}

function ending(container: Container, condition: WaitCondition): Promise<Ending> {
  if (condition === 'removed') return container.removed.then(() => container.ending)
  const over = condition === 'not-running' && !container.run && container.status !== 'restarting'
  return over ? Promise.resolve(container.ending) : container.nextExit()
}

const waited = ({ exitCode, error }: Ending): Waited => ({
  StatusCode: exitCode,
  ...(error !== undefined && { Error: { Message: error } }),
})

function aborted(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return promise
}
