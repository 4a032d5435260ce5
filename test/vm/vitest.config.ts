import { defineConfig } from 'vitest/config'

/** Only what test/vm/inside.ts starts: without the machines there is nothing to do here. */
export default defineConfig({
  test: {
    include: ['test/vm/article.ts'],
    pool: 'forks',
    // Emulated, and on a machine that others may use as well.
    testTimeout: 20 * 60_000,
    hookTimeout: 30 * 60_000,
    retry: 0,
    bail: 1,
    env: { FORCE_COLOR: '0', DRYDOCK_ENGINE: 'none' },
  },
})
