/** A container in a bottle with a root file system and stdio of its own, in which the probe tells what it sees. */
import type { Bottle } from '../../lib/bottle.js'
import { plan } from '../../lib/container/plan.js'
import { open } from '../../lib/kernel/calls/files.js'
import { clone, execve, execveat } from '../../lib/kernel/calls/process.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { type Fragment, host, inPhase, ref } from '../../lib/kernel/step.js'
import { type IdmapSpec, idmap } from '../../lib/primitives/idmap.js'
import { type NamespacesSpec, namespaces } from '../../lib/primitives/namespaces.js'
import { privileges, workplace } from '../../lib/primitives/process.js'
import { MASKED_PATHS, presentPaths, type RootfsSpec, rootfs } from '../../lib/primitives/rootfs/index.js'
import { type Stdio, stdio } from '../../lib/primitives/stdio.js'

/** Run a script by the bottle's own shell and return what it printed; throws when it fails. */
export async function inside(bottle: Bottle, script: string): Promise<string> {
  const shim = await bottle.shim()
  const ends = stdio({ kind: 'pipes', stdin: false })
  const said = hear(shim)
  await shim.monitor(ends.monitor)
  const { prepare, rest } = split(ends)
  await shim.run([
    ...host(prepare),
    clone('pid'),
    ...rest,
    execve('/bin/sh', ['sh', '-ec', script], ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']),
  ])
  const { code } = await shim.exited
  await shim.ended
  if (code !== 0) throw new Error(`the script ended with ${code}: ${said[1]}${said[2]}`)
  return said[1]
}

function split({ steps }: Stdio) {
  return { prepare: steps.filter(({ phase }) => phase === 'prepare'), rest: steps.filter(({ phase }) => phase !== 'prepare') }
}

/** What a shim's client hears, by stream. */
export function hear(shim: Shim): { 1: string; 2: string } {
  const said = { 1: '', 2: '' }
  shim.on('output', (stream, bytes) => {
    said[stream] += bytes
  })
  return said
}

export interface Contained {
  readonly root: RootfsSpec
  /** Chooses overlay's options as for this kernel. */
  readonly kernel?: string
  readonly ends?: Stdio
  /** A user namespace of the container's own. */
  readonly map?: IdmapSpec
  readonly user?: number
  readonly fragments?: readonly Fragment[]
  /** Beyond the usual five new ones. */
  readonly namespaces?: Partial<NamespacesSpec>
}

/** The steps but for the execve. */
function fragments(spec: Contained): Fragment[] {
  const masks = { maskedPaths: presentPaths(MASKED_PATHS), ...spec.root }
  return [
    ...(spec.fragments ?? []),
    namespaces({ mnt: 'new', pid: 'new', uts: 'new', ipc: 'new', net: 'new', ...spec.namespaces, ...(spec.map && { user: 'new' }) }),
    ...(spec.map ? [idmap(spec.map)] : []),
    rootfs(masks, spec.kernel),
    ...(spec.ends ? [spec.ends] : []),
    ...(spec.user === undefined ? [] : [privileges({ uid: spec.user, gid: spec.user, groups: [] })]),
  ]
}

/** A container whose process has made all steps and waits: for looking at it from outside. Its pid on the host. */
export async function waiting(bottle: Bottle, spec: Contained): Promise<{ shim: Shim; pid: number }> {
  const shim = await bottle.shim()
  await shim.run(plan(fragments(spec)))
  return { shim, pid: bottle.hostPid(shim.childPid as number) as number }
}

/** A container that runs a program of its root. */
export async function running(bottle: Bottle, spec: Contained, argv: readonly string[]) {
  const shim = await bottle.shim()
  const said = hear(shim)
  const ends = spec.ends ?? stdio({ kind: 'pipes', stdin: false })
  await shim.monitor(ends.monitor)
  const program = inPhase('exec', 'container', [execve(argv[0] as string, argv, ['PATH=/bin'])])
  await shim.run(plan([...fragments({ ...spec, ends }), workplace({}), { primitive: 'program', title: 'Program', steps: program }]))
  return { shim, said }
}

/** The probe in the container: its JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the probe's object has fifty members, each checked by what it must equal
export async function probed(bottle: Bottle, spec: Contained, paths: readonly string[] = []): Promise<any> {
  const shim = await bottle.shim()
  const said = hear(shim)
  const ends = spec.ends ?? stdio({ kind: 'pipes', stdin: false })
  await shim.monitor(ends.monitor)
  const witness: Fragment = {
    primitive: 'probe',
    title: 'The probe',
    steps: [
      // By descriptor: the program is not in the container's root.
      ...inPhase('prepare', 'host', [open('/proc/self/exe', ['path'], { keep: 'witness' })]),
      ...inPhase('exec', 'container', [
        execveat(ref('witness'), ['witness', '--probe', ...paths.flatMap((path) => ['--path', path])], ['PATH=/bin']),
      ]),
    ],
  }
  await shim.run(plan([...fragments({ ...spec, ends }), workplace({}), witness]))
  const { code } = await shim.exited
  await shim.ended
  if (code !== 0) throw new Error(`the probe ended with ${code}: ${said[1]}${said[2]}`)
  return JSON.parse(said[1])
}
