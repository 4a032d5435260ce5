/** The Docker daemon that drydock is measured beside; its cgroups are below the peers' parent. */
import { execa } from 'execa'
import { type Dockerd, startDockerd } from '../test/support/dockerd.js'
import { PEERS, removePeersCgroups } from '../test/support/peers-cgroups.js'

export interface Daemon extends Dockerd {
  /** An image whose only layer is this directory. */
  importImage(name: string, root: string): Promise<void>
}

/** Started in this process's own namespaces, with all of it below `place`. Rejects, with what it said last, when it does not come up. */
export async function startDaemon(place: string, signal: AbortSignal): Promise<Daemon> {
  const daemon = await startDockerd({ place, signal, settings: { 'cgroup-parent': `/${PEERS}` } }).catch((error: unknown) => {
    removePeersCgroups()
    throw error
  })
  return {
    ...daemon,
    get said() {
      return daemon.said
    },
    importImage: (name, root) => importImage(daemon.docker('import', '-', name), root),
    stop: async () => {
      await daemon.stop()
      removePeersCgroups()
    },
  }
}

async function importImage(command: readonly string[], root: string): Promise<void> {
  const [file, ...args] = command
  await execa(file as string, args, { input: await tarOf(root) })
}

async function tarOf(root: string): Promise<Uint8Array> {
  return (await execa('tar', ['--create', '--directory', root, '.'], { encoding: 'buffer' })).stdout
}
