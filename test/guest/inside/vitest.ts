/**
 * What stands for `vitest` in the guest: its own runner and its own expectations, without the compiler and the processes around them,
 * which take half a minute to start under emulation. Only what the tests that run there use.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  type ExpectStatic,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect'

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, suite, test } from '@vitest/runner'

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin)

/** Everything takes longer here: no test's patience is about speed. */
export const SLOWNESS = 20
const [INTERVAL, TIMEOUT] = [50, 1000]

const base = (value: unknown, message?: string) => chai.expect(value, message)
Object.assign(base, chai.expect, (globalThis as Record<symbol, unknown>)[ASYMMETRIC_MATCHERS_OBJECT], { poll })
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null }, base as unknown as ExpectStatic)
Object.assign(globalThis, { [GLOBAL_EXPECT]: base })

export const expect = Object.assign(base, {
  getState: () => getState(base as unknown as ExpectStatic),
  setState: (state: object) => setState(state, base as unknown as ExpectStatic),
}) as unknown as ExpectStatic

/** `expect.poll(look).toEqual(…)`: the last failure when the time is over. */
function poll(look: () => unknown, options: { interval?: number; timeout?: number; message?: string } = {}) {
  const until = performance.now() + (options.timeout ?? TIMEOUT) * SLOWNESS
  const chain = (path: readonly string[]): unknown =>
    new Proxy(() => undefined, {
      get: (_, key) => (typeof key === 'string' && key !== 'then' ? chain([...path, key]) : undefined),
      async apply(_, __, args: unknown[]) {
        for (;;) {
          try {
            let assertion = base(await look(), options.message) as unknown as Record<string, unknown>
            for (const key of path.slice(0, -1)) assertion = assertion[key] as Record<string, unknown>
            return (assertion[path.at(-1) as string] as (...args: unknown[]) => unknown)(...args)
          } catch (error) {
            if (performance.now() > until) throw error
          }
          await new Promise((resolve) => setTimeout(resolve, options.interval ?? INTERVAL))
        }
      },
    })
  return chain([])
}
