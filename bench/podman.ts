/** podman in directories of its own; its cgroups are below the peers' parent. It has no daemon. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { busyboxArchive } from '../test/support/engines/image.js'
import { PEERS } from '../test/support/peers-cgroups.js'
import type { Bench } from './bench.js'
import { PLACE } from './isolated.js'
import { findCommand } from './tools.js'

const at = (name: string) => join(PLACE, 'podman', name)

const DIRECTORIES = ['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp')]
/** Nobody's systemd is asked, and nothing is written to the machine's journal. crun is what podman takes where it is installed. */
const SETTINGS = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'none', '--runtime', 'crun', '--storage-driver', 'overlay']

const podman = (...words: string[]): readonly string[] => [findCommand('podman') as string, ...DIRECTORIES, ...SETTINGS, ...words]

/** The command line of `podman run`; undefined, with a note of what it said, where podman cannot run a container. */
export async function podmanRun(bench: Bench): Promise<((...words: string[]) => readonly string[]) | undefined> {
  const run = (...words: string[]) => podman('run', '--cgroup-parent', `/${PEERS}`, ...words)
  try {
    const archive = join(PLACE, 'busybox.tar')
    writeFileSync(archive, busyboxArchive())
    for (const [file, ...args] of [podman('load', '-q', '-i', archive), run('--rm', '--network', 'none', 'busybox', 'true')]) {
      await execa(file as string, args, { stdin: 'ignore' })
    }
    bench.version('podman', (await execa('podman', ['--version'])).stdout.replace(/^.*version /, ''))
    return run
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr || (error as Error).message)
    bench.note(`podman cannot run a container on this machine, and is left out: ${said.trim().split('\n').at(-1)}`)
    return undefined
  }
}
