import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Every file in a process of its own: a test that ends badly takes its sockets, and with them its containers, along.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    retry: 0,
    globalSetup: ['test/support/leftovers.ts'],
    env: { FORCE_COLOR: '0' },
  },
})
