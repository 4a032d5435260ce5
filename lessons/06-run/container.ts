/** The container of this lesson: the fragments that the lessons before it have made, side by side, for a small root in a bottle. */
import { randomBytes } from 'node:crypto'
import type { Bottle } from '../../lib/bottle.js'
import { meetBefore } from '../../lib/container/plan.js'
import { buildUserland } from '../../lib/image/host/index.js'
import {
  type Capability,
  cable,
  cgroups,
  dockerSets,
  type Fragment,
  inPhase,
  loopback,
  namespaces,
  type Phase,
  type PlannedStep,
  plan,
  program,
  rootfs,
  type Step,
  seccomp,
  sethostname,
  stdio,
} from '../../lib/index.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import { capabilitiesOf, DEFAULT_CAPABILITIES, lastCapability } from '../../lib/primitives/capabilities.js'
import { DEFAULT_DEVICES } from '../../lib/primitives/cgroups/index.js'
import { MASKED_PATHS, presentPaths } from '../../lib/primitives/rootfs/index.js'
import type { Box } from '../../lib/tutor/lesson.js'
import { missing } from '../../lib/tutor/needs.js'
import { BRIDGE, bridge, LAN } from '../05-network/net.js'

/** Where scenes put the root: a directory of the bottle. */
export const HULL = '/hull'

export const PROGRAMS = ['sh', 'cat', 'grep', 'ls', 'ps', 'sleep', 'true'] as const

export const buildHull = (bottle: Bottle, place = HULL): void =>
  buildUserland(bottle.hostPath(place), { name: 'Drydock Linux', programs: PROGRAMS })

export interface Wanted {
  readonly argv: readonly string[]
  readonly hostname: string
  /** A terminal of this size instead of pipes. */
  readonly terminal?: { readonly rows: number; readonly columns: number }
  /** Without a terminal: a pipe to type into. */
  readonly stdin?: boolean
  /** Without limits, and with no cable. */
  readonly bare?: boolean
}

/** What a scene works with: the plan of a container, and what else there is to say about it. */
export interface Built {
  readonly fragments: readonly Fragment[]
  readonly steps: readonly PlannedStep[]
  /** Steps of the host that come before: the bridge, which all its containers share. */
  readonly beforehand: readonly Step[]
  readonly streams: ReturnType<typeof stdio>
}

/** A whole container, with a cable where this machine has them and limits where it lets us set some. */
export async function build(bottle: Bottle, wanted: Wanted): Promise<Built> {
  const plugged = !wanted.bare && (await missing(['links'])).length === 0
  const limited = !wanted.bare && bottle.cgroup.inside.hierarchies.length > 0
  const { terminal, stdin = false } = wanted
  const streams = stdio(terminal ? { kind: 'terminal', ...terminal } : { kind: 'pipes', stdin })
  const id = randomBytes(32).toString('hex')
  const limits = { memory: 64 * 1024 * 1024, pids: 100, ...(bottle.rootless ? {} : { devices: DEFAULT_DEVICES }) }
  const confined = limited ? cgroups({ path: id.slice(0, 12), keepParents: true, ...limits }, bottle.cgroup.inside) : undefined
  const keep = capabilitiesHere(bottle)
  const fragments: Fragment[] = [
    ...(confined ? [confined] : []),
    namespaces({ mnt: 'new', pid: 'new', uts: 'new', ipc: 'new', net: 'new', cgroup: 'new', ...confined?.clone }),
    plugged
      ? cable({ id, position: 0, bridge: BRIDGE, address: '10.5.0.2/24', gateway: LAN.gateway, mac: '02:42:0a:05:00:02', mtu: 1500 })
      : loopback(),
    rootfs({
      root: HULL,
      rootless: bottle.rootless,
      maskedPaths: presentPaths(MASKED_PATHS),
      ...(confined && { cgroup: { hierarchies: confined.cgroup } }),
    }),
    naming(wanted.hostname),
    streams,
    program({
      argv: wanted.argv,
      env: [`HOSTNAME=${wanted.hostname}`, ...(terminal ? ['TERM=xterm'] : [])],
      capabilities: dockerSets(keep, 0),
      lastCap: lastCapability(),
      filter: seccomp({ profile: 'default', capabilities: keep, noNewPrivileges: false }),
    }),
  ]
  return { fragments, steps: plan(fragments), beforehand: plugged ? bridge() : [], streams }
}

/** The host name, as a fragment. */
export const naming = (hostname: string): Fragment => ({
  primitive: 'name',
  title: `Host name: ${hostname}`,
  steps: inPhase('name', 'container', [sethostname(hostname, { why: 'the name that a prompt shows' })]),
})

/** Those of Docker's fourteen that this bottle has to give. */
export function capabilitiesHere(bottle: Bottle): Capability[] {
  const sets = readStatus(bottle.pid)?.capabilities
  const here = sets ? capabilitiesOf(sets.permitted.bits & sets.bounding.bits) : []
  return DEFAULT_CAPABILITIES.filter((one) => here.includes(one))
}

/** The steps of some phases, in the plan's order. */
export const of = (steps: readonly PlannedStep[], ...phases: readonly Phase[]): PlannedStep[] =>
  steps.filter(({ phase }) => phases.includes(phase))

/** Which lesson has explained a step: by the primitive that it is of, and where several lessons made one, by the call. */
const TAUGHT: Readonly<Record<string, number>> = { namespaces: 1, name: 1, cgroups: 2, rootfs: 4, network: 5, stdio: 6 }

export function lessonOf(primitive: string, { phase, call }: Step): number {
  if (primitive !== 'process') return TAUGHT[primitive] ?? 6
  if (phase === 'exec') return call === 'execve' ? 1 : 6
  return 3
}

/** Every step of some fragments with the lesson that has explained it. */
export const lessonsOf = (fragments: readonly Fragment[]): Map<Step, number> =>
  new Map(fragments.flatMap(({ primitive, steps }) => steps.map((step) => [step, lessonOf(primitive, step)] as const)))

/** All of it in three acts: with the streams told to the shim before the program can use them. The box has its own monitor. */
export async function run(box: Box, { steps, beforehand, streams }: Built, title: string): Promise<void> {
  const [first, rest] = meetBefore('filter', steps)
  await box.together(`${title}: up to its streams`, [...beforehand, ...first])
  await box.shim.monitor(streams.monitor)
  await box.together('The filter, the rights, the program', rest)
}
