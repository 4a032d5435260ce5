/** Tests that need something of the machine skip out loud and name it. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { release } from 'node:os'
import { test } from 'vitest'
import { planIdmap } from '../../lib/primitives/idmap.js'

const { findCommand, installHint } = createRequire(import.meta.url)('../../scripts/packages.cjs') as {
  findCommand(name: string): string | undefined
  installHint(names: string[]): string
}

/**
 * `root`, `ordinary-user`, `user-namespaces`, `cgroup1:NAME`, `cgroup2:NAME`, `kernel>=5.12`, `command:NAME`; `one-id`: whom runAsOrdinaryUser runs something as has no
 * range of ids; `ids`: this user has more than one.
 */
export type Requirement =
  | 'root'
  | 'ordinary-user'
  | 'user-namespaces'
  | 'one-id'
  | 'ids'
  | `cgroup1:${string}`
  | `cgroup2:${string}`
  | `kernel>=${number}.${number}`
  | `command:${string}`

/** What of the requirements this machine lacks, each with the remedy where there is one. */
export function missing(requirements: readonly Requirement[]): string[] {
  return requirements.flatMap((requirement) => {
    const lack = lackOf(requirement)
    return lack === undefined ? [] : [lack]
  })
}

/** `requires('root', 'command:strace')('does so', async () => …)`: a test, or a skip that says why. */
export function requires(...requirements: Requirement[]): typeof test | typeof test.skip {
  const lacks = missing(requirements)
  if (lacks.length === 0) return test
  const skip = (name: string) => {
    console.warn(`skipped: ${name}: ${lacks.join('; ')}`)
    return test.skip(`${name} [needs: ${lacks.join('; ')}]`, () => undefined)
  }
  // The same for a whole table.
  return Object.assign(skip, { each: () => skip, skip }) as unknown as typeof test.skip
}

function lackOf(requirement: Requirement): string | undefined {
  const isRoot = process.geteuid?.() === 0
  if (requirement === 'root') return isRoot ? undefined : 'root'
  if (requirement === 'ordinary-user') return isRoot ? 'an ordinary user' : undefined
  if (requirement === 'user-namespaces')
    return isRoot || readNumber('/proc/sys/user/max_user_namespaces') > 0 ? undefined : 'user namespaces'
  if (requirement === 'one-id')
    return isRoot || planIdmap().method === 'single' ? undefined : 'root, or a user without a range of ids in /etc/subuid'
  if (requirement === 'ids')
    return isRoot || planIdmap().method !== 'single' ? undefined : 'root, or a range of ids in /etc/subuid, and newuidmap'
  if (requirement.startsWith('command:')) {
    const name = requirement.slice('command:'.length)
    return findCommand(name) ? undefined : `${name} (${installHint([name])})`
  }
  if (requirement.startsWith('kernel>=')) {
    const [major = 0, minor = 0] = requirement.slice('kernel>='.length).split('.').map(Number)
    const [ownMajor = 0, ownMinor = 0] = release().split('.').map(Number)
    return ownMajor > major || (ownMajor === major && ownMinor >= minor) ? undefined : `Linux ${major}.${minor}`
  }
  const [version, controller = ''] = requirement.split(':')
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  if (version === 'cgroup1')
    return new RegExp(` - cgroup \\S+ \\S*\\b${controller}\\b`).test(mounts) ? undefined : `cgroup v1 with the ${controller} controller`
  // ID, parent, device, root of the mount, mount point. proc_pid_mountinfo(5).
  const own = /^\d+ \d+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1]
  const controllers = own ? readFileSync(`${own}/cgroup.controllers`, 'utf8').split(/\s+/) : []
  return controllers.includes(controller) ? undefined : `cgroup v2 with the ${controller} controller`
}

function readNumber(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return 0
  }
}
