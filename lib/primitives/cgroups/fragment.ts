/** The steps that make a container's cgroups and put it in them. */
import { bpf_prog_attach_cgroup_device, bpf_prog_load_cgroup_device } from '../../kernel/calls/bpf.js'
import { close, mkdir, open, rmdir, rmdir_tree, write } from '../../kernel/calls/files.js'
import { type Fragment, inPhase, type Ref, ref, type Step } from '../../kernel/step.js'
import { type CgroupHost, CONTROLLERS_V2, type Hierarchy, hierarchyOf } from './detect.js'
import { type DeviceRule, deviceProgram } from './devices.js'
import { type CgroupLimits, type CgroupSpec, checkLimits, type FileValue, pathComponents } from './spec.js'
import { cpusetV1, translateV1 } from './v1.js'
import { translateV2 } from './v2.js'

/** One directory of a container's cgroups. */
export interface CgroupDirectory {
  readonly version: 1 | 2
  readonly name: string
  readonly controllers: readonly string[]
  readonly path: string
}

/** A container's place in every hierarchy. */
export type Cgroup = readonly CgroupDirectory[]

export interface CgroupsFragment extends Fragment {
  /** A sentence for each limit that is not enforced here. */
  readonly warnings: readonly string[]
  readonly cgroup: Cgroup
  /** Every directory that the steps make, ours and those above it, from the top down: for the ledger. */
  readonly made: readonly string[]
  /** For `namespaces({ …, ...clone })`: where the child is born on v2, and whether its cgroup namespace can begin there. */
  readonly clone: { readonly into?: Ref; readonly cgroupAtBirth?: boolean }
  /** The file whose line `oom_kill N` tells whether the kernel killed for want of memory; for the monitor. */
  readonly oomPath?: string
}

/** Descriptor of the file that is being written; every write reuses the slot. */
const FILE = ref('cgroup.file')
const DONE = 'Nothing more is written here.'

/**
 * Directories, limits and descriptors by the host in `prepare`; membership at birth on v2, and on v1 by the container in `confine`
 * through descriptors that it inherited: whoever moves another process waits milliseconds for it, whoever writes 0 moves itself.
 */
export function cgroups(spec: CgroupSpec, host: CgroupHost): CgroupsFragment {
  checkLimits(spec, host)
  const components = pathComponents(spec.path)
  const name = components.at(-1) as string
  const parents = [...host.parents, ...components.slice(0, -1)]
  const { values, warnings } = assign(spec, host)
  const steps: Step[] = []
  const made: string[] = []
  for (const hierarchy of host.hierarchies) {
    const place = { hierarchy, parents, name, keep: spec.keepParents === true }
    steps.push(...inPhase('prepare', 'host', makeDirectories(place, made)))
    const own = values.filter(({ hierarchy: one }) => one === hierarchy)
    const path = pathOf(hierarchy, parents, name)
    steps.push(...inPhase('prepare', 'host', writeValues(path, own)))
    steps.push(...join(hierarchy, path))
  }
  const v2 = host.hierarchies.find(({ version }) => version === 2)
  if (v2 && takesProgram(spec, host)) {
    steps.push(...inPhase('prepare', 'host', deviceSteps(pathOf(v2, parents, name), spec.devices as readonly DeviceRule[])))
  }
  const cgroup = host.hierarchies.map((hierarchy) => ({ ...identity(hierarchy), path: pathOf(hierarchy, parents, name) }))
  const memory = hierarchyOf(cgroup, 'memory')
  return {
    primitive: 'cgroups',
    title: titleOf(spec, host),
    steps,
    warnings,
    cgroup,
    made,
    clone: v2 ? { into: ref(joinName(v2)), cgroupAtBirth: host.hierarchies.every(({ version }) => version === 2) } : {},
    ...(memory && { oomPath: `${memory.path}/${memory.version === 2 ? 'memory.events' : 'memory.oom_control'}` }),
  }
}

/** A sentence for each limit that would not be enforced on this host. */
export const notEnforced = (limits: CgroupLimits, host: CgroupHost): readonly string[] => assign(limits, host).warnings

/** Steps that put a further process into a container's cgroups (exec), at birth on v2 and by itself on v1. */
export function joinCgroups(cgroup: Cgroup): Fragment & Pick<CgroupsFragment, 'clone'> {
  const v2 = cgroup.find(({ version }) => version === 2)
  return {
    primitive: 'cgroups',
    title: `Join the cgroup ${cgroup[0]?.path.split('/').at(-1) ?? ''}`.trim(),
    steps: cgroup.flatMap((directory) => join(directory, directory.path)),
    clone: v2 ? { into: ref(joinName(v2)) } : {},
  }
}

/** The directories of an existing (or future) cgroup of ours, without making anything. */
export function cgroupAt(path: string, host: CgroupHost): Cgroup {
  const components = pathComponents(path)
  const parents = [...host.parents, ...components.slice(0, -1)]
  return host.hierarchies.map((hierarchy) => ({ ...identity(hierarchy), path: pathOf(hierarchy, parents, components.at(-1) as string) }))
}

const identity = ({ version, name, controllers }: Hierarchy) => ({ version, name, controllers })
const pathOf = ({ base }: Hierarchy, parents: readonly string[], name: string) => [base, ...parents, name].join('/')
const joinName = ({ name }: Pick<Hierarchy, 'name'>) => `cgroup.${name}`

interface Assigned extends FileValue {
  readonly hierarchy: Hierarchy
}

/** Each limit to the hierarchy that can enforce it, of either version; a warning for each that none can. */
function assign(spec: CgroupLimits, host: CgroupHost): { values: Assigned[]; warnings: string[] } {
  const values: Assigned[] = []
  const warnings = new Set<string>()
  const translations = { 1: translateV1(spec, known(host, 1)), 2: translateV2(spec, known(host, 2)) }
  for (const [version, translation] of Object.entries(translations)) {
    for (const value of translation.values) {
      const hierarchy = hierarchyOf(host.hierarchies, value.controller)
      if (hierarchy === undefined) warnings.add(whyNot(value.controller, spec, host))
      else if (hierarchy.version === Number(version)) values.push({ ...value, hierarchy })
    }
    for (const { controller, sentence } of translation.warnings) {
      const hierarchy = hierarchyOf(host.hierarchies, controller)
      if (hierarchy === undefined) warnings.add(whyNot(controller, spec, host))
      else if (hierarchy.version === Number(version)) warnings.add(sentence)
    }
  }
  for (const hierarchy of host.hierarchies) {
    if (hierarchy.cpuset) values.push(...cpusetV1(spec, hierarchy.cpuset).map((value) => ({ ...value, hierarchy })))
  }
  warnings.delete('')
  return { values, warnings: [...warnings] }
}

function known(host: CgroupHost, version: 1 | 2): (file: string) => boolean {
  return (file) => host.hierarchies.some((hierarchy) => hierarchy.version === version && hierarchy.files.has(file))
}

const NOUNS: Record<string, string> = { pids: 'processes', cpu: 'processor time', cpuset: 'processors', io: 'input and output' }

/** Why a controller's limits are not enforced; empty for devices where a program takes the place of the controller. */
function whyNot(controller: string, spec: CgroupLimits, host: CgroupHost): string {
  if (controller === 'devices') return takesProgram(spec, host) ? '' : whyNoDevices(host)
  const name = controller === 'blkio' ? 'io' : controller
  return `the limit of ${NOUNS[name] ?? name} is not enforced: there is no ${name} controller that drydock may use here`
}

/** v2 has no devices controller; where programs may be loaded, one does the same. */
function takesProgram(spec: CgroupLimits, host: CgroupHost): boolean {
  const wanted = spec.devices !== undefined && spec.devices !== 'all' && !hierarchyOf(host.hierarchies, 'devices')
  return wanted && host.devicePrograms && host.hierarchies.some(({ version }) => version === 2)
}

function whyNoDevices(host: CgroupHost): string {
  const v2 = host.hierarchies.some(({ version }) => version === 2)
  return v2
    ? 'device access is not limited: on cgroup v2 that is an eBPF program, and only root of the first user namespace may load one'
    : 'device access is not limited: there is no devices controller that drydock may use here'
}

interface Place {
  readonly hierarchy: Hierarchy
  readonly parents: readonly string[]
  readonly name: string
  readonly keep: boolean
}

/** mkdir from the top down, each directory prepared so that the next one can work; undone from the bottom up. */
function makeDirectories({ hierarchy, parents, name, keep }: Place, made: string[]): Step[] {
  const steps: Step[] = []
  const removals: Step[] = []
  let above = hierarchy.base
  let known: readonly string[] = hierarchy.enabled
  for (const parent of parents) {
    steps.push(...handDown(hierarchy, above, known, above === hierarchy.base))
    above = `${above}/${parent}`
    made.push(above)
    known = []
    // Whoever is the last below it removes it: for all others the answer is EBUSY. Undone too by whoever made it and came no further.
    const removal = keep ? [] : [rmdir(above, { allow: ['EBUSY', 'ENOTEMPTY', 'ENOENT'] })]
    const why = `Drydock’s part of the ${hierarchy.name} tree; usually it is there already.`
    steps.push(mkdir(above, 0o755, { allow: ['EEXIST'], why, ...(removal.length > 0 && { undo: removal }) }))
    removals.push(...removal)
    if (hierarchy.cpuset) steps.push(...writeValues(above, cpusetV1({}, hierarchy.cpuset)))
  }
  steps.push(...handDown(hierarchy, above, known, above === hierarchy.base))
  const path = `${above}/${name}`
  made.push(path)
  const why =
    hierarchy.version === 2 ? 'A cgroup is a directory: the kernel fills it with files.' : `The same for the ${hierarchy.name} tree.`
  // The shim runs them from the end: first the cgroup itself, with what its processes made in it, then those above it.
  steps.push(mkdir(path, 0o755, { undo: [...removals, rmdir_tree(path)], why }))
  return steps
}

/** v2: a cgroup has only those controllers that the one above it gives to its children. */
function handDown(hierarchy: Hierarchy, directory: string, known: readonly string[], isBase: boolean): Step[] {
  if (hierarchy.version === 1) return []
  const wanted = CONTROLLERS_V2.filter((name) => hierarchy.controllers.includes(name) && !known.includes(name))
  if (wanted.length === 0) return []
  const signed = (sign: '+' | '-') => wanted.map((name) => `${sign}${name}`).join(' ')
  const file = `${directory}/cgroup.subtree_control`
  const why = `From here on cgroups below ${directory} have ${wanted.join(', ')}.`
  // What the host's own directory did not give before, it does not give afterwards, unless another one needs it now (EBUSY).
  const undo = isBase ? [close(FILE), write(FILE, signed('-'), { allow: ['EBUSY'] }), open(file, ['wronly'], { keep: FILE.ref })] : []
  return [
    open(file, ['wronly'], { keep: FILE.ref, why }),
    write(FILE, signed('+'), undo.length > 0 ? { why, undo } : { why }),
    close(FILE, { why: DONE }),
  ]
}

/** open, write, close: values for the same file in one go. */
function writeValues(directory: string, values: readonly FileValue[]): Step[] {
  const steps: Step[] = []
  values.forEach(({ file, value, why }, index) => {
    const first = values[index - 1]?.file !== file
    const last = values[index + 1]?.file !== file
    if (first) steps.push(open(`${directory}/${file}`, ['wronly'], { keep: FILE.ref, why: `A limit is a file: ${file}.` }))
    steps.push(write(FILE, value, { why }))
    if (last) steps.push(close(FILE, { why: DONE }))
  })
  return steps
}

function join(hierarchy: Pick<Hierarchy, 'version' | 'name'>, path: string): Step[] {
  const keep = joinName(hierarchy)
  if (hierarchy.version === 2) {
    const why = 'The clone takes this descriptor: the process is born in the cgroup.'
    return inPhase('prepare', 'host', [open(path, ['path', 'directory'], { keep, why })])
  }
  return [
    ...inPhase('prepare', 'host', [
      open(`${path}/tasks`, ['wronly'], { keep, why: 'The container inherits this open file, and with it the host’s right to write it.' }),
    ]),
    ...inPhase('confine', 'container', [
      write(ref(keep), '0', { why: `0 means the writer: it moves itself under the limits of ${hierarchy.name}.` }),
    ]),
  ]
}

function deviceSteps(path: string, rules: readonly DeviceRule[]): Step[] {
  const [directory, program] = [ref('cgroup.directory'), ref('cgroup.program')]
  return [
    open(path, ['rdonly', 'directory'], { keep: directory.ref, why: 'A device program is attached to a directory of the v2 tree.' }),
    bpf_prog_load_cgroup_device(deviceProgram(rules), {
      keep: program.ref,
      why: 'Version 2 has no file of device rules: a small program answers yes or no at each open and mknod.',
    }),
    bpf_prog_attach_cgroup_device(directory, program, { why: 'From now on it is asked for every process in this cgroup and below it.' }),
    close(program, { why: 'The cgroup keeps the program, until it is removed.' }),
    close(directory, { why: DONE }),
  ]
}

function titleOf({ path, memory, pids, cpus }: CgroupSpec, host: CgroupHost): string {
  const limits = [memory && `memory ${memory}`, pids && `pids ${pids}`, cpus && `cpus ${cpus}`].filter(Boolean)
  return `Cgroup ${path} (${host.layout})${limits.length > 0 ? `: ${limits.join(', ')}` : ''}`
}
