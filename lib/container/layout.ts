/**
 * Where a container's files are, below one data root:
 *
 *     containers/ID/config.json        what it is, and was asked to be
 *     containers/ID/exit.json          how it ended, written by its shim
 *     containers/ID/life.json          what an engine remembers of its life: notes.ts
 *     containers/ID/health.json        how well it is, if it is asked: lib/engine/health
 *     containers/ID/hosts, hostname, resolv.conf       mounted over the image's
 *     containers/ID/ID-json.log        what it printed, when it is kept
 *     containers/ID/local-logs/container.log    the same, of the driver `local`
 *     overlay/ID/diff                  what it has changed: the upper layer
 *     overlay/ID/work, merged          overlayfs's own, and where the root is put together (in the container's mounts alone)
 *     names/NAME                       holds the id
 *
 * and where its life is while it runs, in the run directory: ID.sock, to attach and to control (native/PROTOCOL.md).
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import { runDirectory } from '../kernel/places.js'
import { makeForRoot } from '../primitives/own-ids.js'
import { shortId } from './spec.js'

export interface Layout {
  readonly directory: string
  readonly config: string
  readonly exit: string
  readonly life: string
  readonly health: string
  readonly log: string
  readonly localLog: string
  readonly hosts: string
  readonly hostname: string
  readonly resolvConf: string
  readonly overlay: string
  readonly upper: string
  readonly work: string
  readonly merged: string
  readonly name: string
  readonly socket: string
}

export function layoutOf(dataRoot: string, id: string, name: string): Layout {
  const directory = join(dataRoot, 'containers', id)
  const overlay = join(dataRoot, 'overlay', id)
  return {
    directory,
    config: join(directory, 'config.json'),
    exit: join(directory, 'exit.json'),
    life: join(directory, 'life.json'),
    health: join(directory, 'health.json'),
    log: join(directory, `${id}-json.log`),
    localLog: join(directory, 'local-logs', 'container.log'),
    hosts: join(directory, 'hosts'),
    hostname: join(directory, 'hostname'),
    resolvConf: join(directory, 'resolv.conf'),
    overlay,
    upper: join(overlay, 'diff'),
    work: join(overlay, 'work'),
    merged: join(overlay, 'merged'),
    name: join(dataRoot, 'names', name),
    // A socket's path is short (unix(7)): the twelve digits that people use are enough for what runs at one time.
    socket: join(runDirectory(), `${shortId(id)}.sock`),
  }
}

/** What overlayfs needs to join a container's own layer with those of its image, below `overlay`, which is there. */
export function makeOverlay({ upper, work, merged }: Pick<Layout, 'upper' | 'work' | 'merged'>): void {
  makeForRoot(upper, 0o755)
  makeForRoot(work, 0o700)
  mkdirSync(merged, { mode: 0o700 })
}

/** The directories that all containers share. Only their owner looks into them: layers and volumes hold setuid files of somebody else's making (CVE-2021-41091). */
export function ensureDataRoot(dataRoot: string): void {
  try {
    for (const name of ['containers', 'overlay', 'names', 'volumes']) mkdirSync(join(dataRoot, name), { recursive: true, mode: 0o710 })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    throw new DrydockError(
      `${dataRoot}, where containers are kept, cannot be made (${code}): set DRYDOCK_DATA_ROOT to a directory of your own`,
      { cause },
    )
  }
}
