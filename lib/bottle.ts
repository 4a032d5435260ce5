/**
 * A bottle: a private host (a ship in a bottle) for lessons, tests and the two-host exercise. One is root inside, has an empty
 * network with a loopback, and may break everything; outside nothing changes, and when it ends the kernel removes it all.
 *
 * It is made by a plan like any other: namespaces, a root file system, an execve. What it executes is the shim again, as the
 * spawner and PID 1 of the bottle, on a socket that the plan has bound before: every connection to it is a shim inside.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type BottleCgroup, bottleCgroup, thawInside } from './bottle/cgroup.js'
import { freshDirectories, shownPaths } from './bottle/furniture.js'
import { LISTENER, prepare, putBack } from './bottle/outside.js'
import { hostPidOf } from './bottle/pids.js'
import type { Rack } from './bottle/rack.js'
import { enterRoot, layeredRoot, ownDirectories, readOnlyDirectories, topDirectories } from './bottle/root.js'
import { openTerminal, type Terminal, type TerminalSize } from './bottle/terminal.js'
import { type Capability, capbset_drop, set_pdeathsig } from './kernel/calls/credentials.js'
import { dup3 } from './kernel/calls/files.js'
import { clone3, execveat, type Namespace, pidfd_open, sethostname, setns } from './kernel/calls/process.js'
import { DrydockError } from './kernel/errors.js'
import { loopbackUp } from './kernel/netlink/loopback.js'
import { runDirectory } from './kernel/places.js'
import { Shim } from './kernel/shim.js'
import { Spawner } from './kernel/spawner.js'
import { inPhase, ref, type Step } from './kernel/step.js'
import { lostParent } from './primitives/cgroups/index.js'
import { type IdmapPlan, idmap, planIdmap } from './primitives/idmap.js'
import { runHelpers } from './primitives/idmap-helpers.js'

export interface BottleOptions {
  /** The name of the private host: its hostname, and part of the names of what it leaves in /run while it lives. */
  readonly name?: string
  /** Make a user namespace even as root. An ordinary user always gets one. */
  readonly userNamespace?: boolean
  /** Stand in this rack, and share its user namespace with the other bottles in it. */
  readonly rack?: Rack
  /** Directories that are empty inside, each a tmpfs of its own, by path. `mode` is 0o755 by default. */
  readonly fresh?: readonly { readonly path: string; readonly mode?: number }[]
  /** Directories in which root inside may make files, also where the host's belongs to somebody who is nobody in a user namespace. */
  readonly writable?: readonly string[]
  /** Paths of the host to be seen inside, read-only, where something of the bottle's own would hide them. */
  readonly shown?: readonly string[]
}

/** How often a bottle is made anew when another one's end came in between. */
const ATTEMPTS = 5

/**
 * What root in a bottle does not get, because it reaches past every namespace: kernel modules, raw hardware, the machine's
 * clock and power. capabilities(7).
 */
export const WITHHELD: readonly Capability[] = [
  'sys_module',
  'sys_rawio',
  'sys_boot',
  'sys_time',
  'mac_override',
  'mac_admin',
  'audit_control',
]

const NAMESPACES: readonly Namespace[] = ['mnt', 'pid', 'uts', 'ipc', 'net']

let spawner: Promise<Spawner> | undefined

/** The spawner on the host from which this process has its bottles. */
export function hostSpawner(): Promise<Spawner> {
  spawner ??= Spawner.start()
  return spawner
}

/** End that spawner; the next bottle starts another. For whoever proves that nothing of a lesson is left. */
export async function endHostSpawner(): Promise<void> {
  const started = spawner
  spawner = undefined
  await (await started)?.close()
}

export class Bottle {
  readonly name: string
  readonly kind = 'bottle'
  /** False when root inside is root outside too. */
  readonly rootless: boolean
  /** Process id of the bottle's PID 1 on the host. */
  readonly pid: number
  /** How ids are mapped, when they are. */
  readonly idmap: IdmapPlan | undefined
  /** The bottle's part of the cgroup tree, or why it has none. */
  readonly cgroup: BottleCgroup
  /** Every connection to this socket is a shim inside. */
  readonly socket: string
  /** Top directories that could not be layered: they are the host's own, read-only, and what should stand in them is not there. */
  readonly readOnly: readonly string[]
  readonly #outer: Shim
  /** What puts the host back; the outer shim's to do, and done by another when that one was killed. */
  readonly #undo: readonly Step[]
  #lost = false
  readonly #shims = new Set<Shim>()
  readonly #pids = new Map<number, number>()

  private constructor(parts: {
    name: string
    idmap: IdmapPlan | undefined
    cgroup: BottleCgroup
    outer: Shim
    undo: readonly Step[]
    socket: string
    readOnly: readonly string[]
  }) {
    this.name = parts.name
    this.idmap = parts.idmap
    this.rootless = parts.idmap !== undefined
    this.cgroup = parts.cgroup
    this.#outer = parts.outer
    this.#undo = parts.undo
    // Nobody waits for it, but its end must not look like a crash of ours.
    parts.outer.on('ended', (error) => {
      this.#lost = error !== undefined
    })
    this.socket = parts.socket
    this.readOnly = parts.readOnly
    this.pid = parts.outer.childPid as number
  }

  /** Make one. Fails with a sentence that says what this machine does not allow. */
  static async open(options: BottleOptions = {}): Promise<Bottle> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await Bottle.#make(options)
      } catch (error) {
        // The last bottle of somebody else took the cgroup directory above away in that moment.
        if (!lostParent(error) || attempt === ATTEMPTS) throw error
      }
    }
  }

  static async #make(options: BottleOptions): Promise<Bottle> {
    const { name = 'drydock', rack } = options
    const rootless = rack !== undefined || options.userNamespace === true || process.geteuid?.() !== 0
    const map = rootless && !rack ? planIdmap() : undefined
    if (map?.problem) throw new DrydockError(`a bottle cannot be made: ${map.problem}`)
    const id = `bottle-${name}-${process.pid}-${randomBytes(3).toString('hex')}`
    const directory = join(runDirectory(), id)
    const outer = await (rack ?? (await hostSpawner())).shim()
    try {
      const cgroup = bottleCgroup(id)
      const place = { directory, root: join(directory, 'root'), socket: join(directory, 'spawner.sock') }
      const prepared = [...prepare(place), ...cgroup.prepare]
      await outer.run([...prepared, clone3([...NAMESPACES, ...cloneExtra(map !== undefined, cgroup)], cgroupOption(cgroup))])
      await mapIds(outer, map)
      await outer.run([...(map ? becomeSteps(map) : []), ...cgroup.confine])
      const readOnly = await makeRoot(outer, place.root, rootless, cgroup, options)
      await outer.run([...cgroup.settle, ...settle(name, rootless)])
      const undo = prepared.flatMap((step) => step.undo ?? []).reverse()
      return new Bottle({ name, idmap: rack?.idmap ?? map, cgroup, outer, undo, socket: place.socket, readOnly })
    } catch (error) {
      await outer.rollback()
      throw error
    }
  }

  /** Resolves when nothing of it runs any more, whoever ended it. */
  get ended(): Promise<void> {
    return this.#outer.ended
  }

  /** A fresh shim inside. Ended with the bottle at the latest. */
  async shim(): Promise<Shim> {
    const shim = await Shim.connect(this.socket)
    this.#shims.add(shim)
    shim.once('ended', () => this.#shims.delete(shim))
    return shim
  }

  /** The host's view of a path inside. */
  hostPath(path: string): string {
    return `/proc/${this.pid}/root${path}`
  }

  /** Process id on the host of a process of this bottle; undefined when it is gone. */
  hostPid(pid: number): number | undefined {
    return hostPidOf(this.pid, pid, this.#pids)
  }

  /** A terminal inside: a pty, and a shim in this bottle whose children have it as their stdio. */
  terminal(size: TerminalSize): Promise<Terminal> {
    const namespaces: Namespace[] = [
      ...(this.rootless ? (['user'] as const) : []),
      ...NAMESPACES,
      ...(this.cgroup.namespace ? (['cgroup'] as const) : []),
    ]
    const enter = [
      pidfd_open(this.pid, { keep: 'bottle', why: 'a name for the bottle’s first process that cannot come to mean another' }),
      setns(ref('bottle'), namespaces, { why: 'into all its namespaces at once; for pid it counts from the next child on' }),
    ]
    return openTerminal(size, [...this.cgroup.join, ...enter], this.idmap ? becomeSteps(this.idmap) : withhold())
  }

  /** End everything inside and put back what was changed outside. Safe to call twice. */
  async close(): Promise<void> {
    thawInside(this.cgroup)
    // First those inside, so that they undo what they did while they still can.
    await Promise.all([...this.#shims].map((shim) => shim.rollback()))
    await this.#outer.rollback()
    if (!this.#lost) return
    this.#lost = false
    await putBack(this.pid, this.#undo)
  }
}

const unphased = ({ phase: _, ...step }: Step): Step => step

const withhold = (): Step[] =>
  WITHHELD.map((capability) => capbset_drop(capability, { allow: ['EINVAL'], why: 'it would reach past every namespace' }))

function cloneExtra(userNamespace: boolean, cgroup: BottleCgroup): Namespace[] {
  const extra: Namespace[] = []
  if (userNamespace) extra.push('user')
  if (cgroup.namespaceAtBirth) extra.push('cgroup')
  return extra
}

const cgroupOption = (cgroup: BottleCgroup) => (cgroup.bornInside ? { cgroup: cgroup.bornInside } : {})

async function mapIds(outer: Shim, map: IdmapPlan | undefined): Promise<void> {
  if (!map) return
  await outer.run(idmap(map).steps.filter(({ phase }) => phase === 'admit'))
  await runHelpers(map, outer.childPid as number, 'the bottle')
}

const becomeSteps = (map: IdmapPlan): Step[] => idmap(map).steps.filter(({ phase }) => phase === 'become')

/** The root file system; a directory that cannot be layered is shown read-only instead. The names of those. */
async function makeRoot(
  outer: Shim,
  root: string,
  rootless: boolean,
  cgroup: BottleCgroup,
  { fresh = [], writable = [], shown = [] }: BottleOptions,
): Promise<readonly string[]> {
  const tops = topDirectories()
  const results = await outer.run(layeredRoot(root, tops, rootless, [...fresh.map(({ path }) => path), ...writable]))
  const refused = results.filter(({ status, step }) => status === 'allowed' && step.call === 'mount').map(({ step }) => targetName(step))
  await outer.run([
    ...readOnlyDirectories(root, refused),
    ...ownDirectories(root),
    ...freshDirectories(root, fresh, refused),
    ...shownPaths(root, fresh, shown),
    ...cgroup.mounts(root),
    ...enterRoot(root),
  ])
  return refused
}

/** The last component of a mount step's target. */
function targetName(step: Step): string {
  const target = step.args[1]
  const path = target?.kind === 'text' ? String(target.parts[0]) : ''
  return path.slice(path.lastIndexOf('/') + 1)
}

function settle(name: string, rootless: boolean): Step[] {
  return inPhase('exec', 'container', [
    ...loopbackUp(),
    sethostname(name),
    ...(rootless ? [] : withhold()),
    set_pdeathsig('kill', { why: 'when the shim outside is killed, the bottle goes too' }),
    dup3(ref('listener'), LISTENER, { why: 'the socket goes along into the new program' }),
    execveat(ref('shim'), ['shim', '--spawner-fd', String(LISTENER)]),
  ]).map(unphased)
}
