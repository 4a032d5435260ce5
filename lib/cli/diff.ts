/** `drydock diff`: what a container has changed of its image's files. */
import { Command } from 'commander'
import { findContainer } from '../container/index.js'
import { type Change, changes } from '../image/pack/index.js'
import { dataRoot } from '../kernel/places.js'
import { interruptible } from './interrupt.js'
import { parseVerb } from './verb.js'

export async function diff(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock diff')
    .description('Show which files a container has added (A), changed (C) and deleted (D).')
    .argument('<container>')
    .usage('CONTAINER')
  const parsed = parseVerb(command, argv)
  if ('status' in parsed) return parsed.status
  const { record, layout } = findContainer(dataRoot(), parsed.args[0] as string)
  const found = await interruptible((signal) => changes(layout.upper, record.spec.image.layers, { signal }))
  process.stdout.write(
    withoutMountPoints(found)
      .map(({ kind, path }) => `${kind} ${path}\n`)
      .join(''),
  )
  return 0
}

/** Made where an image has none, for what is mounted there: Docker makes them in a layer of its own, which it does not show. */
const MOUNT_POINTS: ReadonlySet<string> = new Set([
  '/dev',
  '/dev/console',
  '/dev/pts',
  '/dev/shm',
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
  '/proc',
  '/sys',
])

/** Neither those nor the directories that are listed because of them alone. */
export function withoutMountPoints(found: readonly Change[]): Change[] {
  const isMountPoint = ({ kind, path }: Change) => kind === 'A' && MOUNT_POINTS.has(path)
  const made = found.filter(isMountPoint).map(({ path }) => path)
  const rest = found.filter((change) => !isMountPoint(change))
  const holds = (path: string, among: readonly string[]) => among.some((one) => one.startsWith(`${path}/`))
  const paths = rest.map(({ path }) => path)
  return rest.filter(({ path, kind }) => kind === 'D' || !holds(path, made) || holds(path, paths))
}
