/** A full container as one plan: five namespaces, cgroups, its own root, masks, name, filter, privileges, execve. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PlannedStep, plan } from '../../lib/container/plan.js'
import { setdomainname, sethostname, setsid } from '../../lib/kernel/calls/process.js'
import { loopbackUp } from '../../lib/kernel/netlink/loopback.js'
import { inPhase } from '../../lib/kernel/step.js'
import { availableCapabilities, dockerSets, lastCapability, resolveCapabilities } from '../../lib/primitives/capabilities.js'
import { cgroups, DEFAULT_DEVICES, detectCgroups } from '../../lib/primitives/cgroups/index.js'
import { namespaces } from '../../lib/primitives/namespaces.js'
import { process as programOf } from '../../lib/primitives/process.js'
import { MASKED_PATHS, presentPaths, rootfs } from '../../lib/primitives/rootfs/index.js'
import { seccomp } from '../../lib/primitives/seccomp/index.js'

const { findCommand } = createRequire(import.meta.url)('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

/** A root file system of busybox alone, in a temporary directory; `remove` takes it away. */
export function busyboxRoot(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'drydock-root-'))
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc', 'tmp']) mkdirSync(join(path, name))
  cpSync(findCommand('busybox') as string, join(path, 'bin/busybox'))
  for (const name of ['sh', 'true', 'cat', 'id', 'sleep']) symlinkSync('busybox', join(path, 'bin', name))
  return { path, remove: () => rmSync(path, { recursive: true }) }
}

export interface FullOptions {
  readonly root: string
  readonly name: string
  readonly argv: readonly string[]
}

/** What a plan needs to know of this machine. */
const readMachine = () => ({
  cgroups: detectCgroups(),
  available: availableCapabilities(),
  last: lastCapability(),
  masks: presentPaths(MASKED_PATHS),
})

/** The steps of it, on this machine, for root. Docker's defaults. */
export function fullPlan({ root, name, argv }: FullOptions): PlannedStep[] {
  const machine = readMachine()
  const limits = { memory: 64 * 1024 * 1024, pids: 100, cpus: 1, devices: DEFAULT_DEVICES }
  const confined = cgroups({ path: name, ...limits }, machine.cgroups)
  const { capabilities: bounding } = resolveCapabilities(machine)
  const filter = seccomp({ profile: 'default', capabilities: bounding, noNewPrivileges: false })
  return plan([
    confined,
    namespaces({ mnt: 'new', pid: 'new', uts: 'new', ipc: 'new', net: 'new', cgroup: 'new', ...confined.clone }),
    { primitive: 'network', title: 'Loopback', steps: inPhase('network', 'container', loopbackUp()) },
    rootfs({ root, maskedPaths: machine.masks }),
    { primitive: 'name', title: 'Name', steps: inPhase('name', 'container', [sethostname(name), setdomainname('example')]) },
    { primitive: 'terminal', title: 'Session', steps: inPhase('terminal', 'container', [setsid()]) },
    programOf({
      argv,
      env: ['PATH=/bin', `HOSTNAME=${name}`],
      groups: [],
      capabilities: dockerSets(bounding, 0),
      lastCap: machine.last,
      filter,
    }),
  ])
}
