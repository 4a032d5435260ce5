import { defineConfig } from 'vitest/config'
import { lanePool, numberOfLanes } from './test/support/lane-pool.js'

/** Every file in a process of its own: a test that ends badly takes its sockets, and with them its containers, along. */
const common = {
  pool: 'forks' as const,
  // What surely comes may take its time on a busy machine. A look has less of it than a test, so that it is told what was waited for.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
  retry: 0,
  // Tests of the verbs that work on the data root themselves call them by their plain names; those of the client name their engine.
  env: { FORCE_COLOR: '0', DRYDOCK_ENGINE: 'none' },
}

/** What makes namespaces, mounts, links or cgroups, and compares the host before and after: each in a lane of its own (test/support/lanes.ts). */
const LANES = [
  'test/kernel/**/*.test.ts',
  'test/lessons/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/lib/{tutor,repl,doctor,classroom}/**/*.test.ts',
]

/** And what needs the host itself (its cgroup v2 as it is, its orphans' parent, its network): one file at a time. */
const HOST = ['test/kernel/cgroups.test.ts', 'test/e2e/repl.test.ts', 'test/lib/classroom/registry.test.ts']

export default defineConfig({
  test: {
    retry: 0,
    globalSetup: ['test/support/leftovers.ts'],
    projects: [
      { test: { ...common, name: 'pure', include: ['test/**/*.test.ts'], exclude: LANES, maxWorkers: 2, sequence: { groupOrder: 0 } } },
      {
        test: {
          ...common,
          name: 'lanes',
          include: LANES,
          exclude: HOST,
          pool: lanePool,
          globalSetup: ['test/support/lanes.ts'],
          maxWorkers: Math.max(1, numberOfLanes()),
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...common, name: 'host', include: HOST, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
})
