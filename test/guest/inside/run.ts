/** Runs one file of tests in the guest and writes `passed failed skipped` to the file that $DRYDOCK_COUNTS names. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Suite, startTests, type Task, type Test } from '@vitest/runner'
import { endHostSpawner } from '../../../lib/bottle.js'
import { hostSnapshot, lastingDifferences } from '../../../lib/kernel/snapshot.js'
import { SLOWNESS } from './vitest.js'

const PATIENCE = 30_000 * SLOWNESS

const [file = ''] = process.argv.slice(2)
const counts = { passed: 0, failed: 0, skipped: 0 }
const before = await hostSnapshot()
const sequence = { seed: 0, hooks: 'stack', setupFiles: 'list' } as const

const files = await startTests([resolve(file)], {
  importFile: (path) => import(pathToFileURL(path).href),
  onAfterRunTask: tell,
  config: {
    root: process.cwd(),
    setupFiles: [],
    name: undefined,
    passWithNoTests: false,
    testNamePattern: undefined,
    allowOnly: false,
    sequence,
    chaiConfig: undefined,
    maxConcurrency: 1,
    testTimeout: PATIENCE,
    hookTimeout: PATIENCE,
    retry: 0,
    includeTaskLocation: false,
    tags: [],
    tagsFilter: undefined,
    strictTags: false,
  },
})

for (const found of files) visit(found)
await endHostSpawner()
const left = await lastingDifferences(before)
if (left.length > 0) {
  counts.failed++
  console.log(`  FAIL  the host is as before:\n${left.map((line) => `        ${line}`).join('\n')}`)
}
writeFileSync(process.env.DRYDOCK_COUNTS ?? '/dev/stdout', `${counts.passed} ${counts.failed} ${counts.skipped}\n`)
process.exit(counts.failed === 0 ? 0 : 1)

function visit(task: Task): void {
  if (task.type === 'suite') {
    // A hook that fails, or a file that cannot be loaded, fails no test.
    if (task.result?.state === 'fail' && task.result.errors?.length) complain(task)
    for (const child of task.tasks) visit(child)
  } else if (task.result?.state === 'pass') counts.passed++
  else if (task.result?.state === 'fail') counts.failed++
  else counts.skipped++
}

function tell(test: Test): void {
  if (test.result?.state === 'fail') complain(test, false)
  else console.log(`  ok  ${nameOf(test)} (${((test.result?.duration ?? 0) / 1000).toFixed(1)} s)`)
}

function complain(task: Test | Suite, count = true): void {
  if (count) counts.failed++
  console.log(`  FAIL  ${nameOf(task)}`)
  for (const error of task.result?.errors ?? []) {
    const { message, diff, stack } = error as { message: string; diff?: string; stack?: string }
    console.log([message, diff, stack].filter(Boolean).join('\n').replace(/^/gm, '        '))
  }
}

function nameOf(task: Test | Suite): string {
  const names: string[] = []
  for (let at: Task | undefined = task; at && at !== at.file; at = at.suite) names.unshift(at.name)
  return names.join(' > ') || file
}
