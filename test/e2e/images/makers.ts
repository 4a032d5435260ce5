/** Images of the same three layers, each by another maker, pushed to the registry. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DATA_ROOT, type Machine, PLACE } from './machines.js'
import { drydocksLayers } from './stores.js'

export const TREE = join(PLACE, 'tree')
/**
 * The first layer by GNU tar, with fractions of seconds and attributes: once with sparse files as such, of which Docker cannot say again what it
 * was given (tar-split); and in its older form, without attributes.
 */
export const POSIX_TAR = join(PLACE, 'posix.tar')
export const FULL_TAR = join(PLACE, 'full.tar')
export const GNU_TAR = join(PLACE, 'gnu.tar')

export async function makeTree(machine: Machine): Promise<void> {
  mkdirSync(machine.host.path(TREE))
  await machine.python('stage', '1', TREE)
  await machine.shell(
    `posix="--format=posix --pax-option=delete=atime,delete=ctime --xattrs --xattrs-include=*"
     set -f
     tar $posix --sparse --sort=name -C $1 -cf $2 .
     tar $posix --sort=name -C $1 -cf $3 .
     tar --format=gnu --sort=name -C $1 -cf $4 .`,
    TREE,
    POSIX_TAR,
    FULL_TAR,
    GNU_TAR,
  )
}

const CHANGES = [
  'ENTRYPOINT ["/bin/busybox"]',
  'CMD ["true"]',
  'ENV PLACE="dry dock" EMPTY=',
  'LABEL a.label="of two words" other=1',
  'EXPOSE 80 53/udp',
  'USER root',
  'WORKDIR /tmp/work',
].flatMap((instruction) => ['--change', instruction])

/** As Docker names an overlay's directories: those below with colons between, the topmost first. */
interface Overlay {
  readonly LowerDir: string
  readonly UpperDir: string
  readonly WorkDir: string
}

export async function byDocker(machine: Machine, name: string): Promise<void> {
  await machine.docker('import', ...CHANGES, FULL_TAR, `${name}:layer1`)
  for (const number of [2, 3]) await committed(machine, name, number)
  await machine.docker('tag', `${name}:layer3`, name)
}

/** The layers are put together as Docker does for a container, and changed where the container would. */
async function committed(machine: Machine, name: string, number: number): Promise<void> {
  const container = (await machine.docker('create', '--network', 'none', `${name}:layer${number - 1}`)).trim()
  const inspected = await machine.docker('inspect', '--format', '{{json .GraphDriver.Data}}', container)
  await change(machine, JSON.parse(inspected) as Overlay, number)
  await machine.docker('commit', container, `${name}:layer${number}`)
  await machine.docker('rm', container)
}

async function change(machine: Machine, { LowerDir, UpperDir, WorkDir }: Overlay, number: number): Promise<void> {
  const merged = join(PLACE, 'merged')
  await machine.shell(
    'mkdir -p $1; mount -t overlay -o "lowerdir=$2,upperdir=$3,workdir=$4" overlay $1',
    ...[merged, LowerDir, UpperDir, WorkDir],
  )
  try {
    await machine.python('stage', String(number), merged)
  } finally {
    await machine.run('umount', merged)
  }
}

/** The same by drydock; the container has run, and ended. */
export async function byDrydock(machine: Machine, name: string): Promise<void> {
  await machine.drydock(['import', ...CHANGES, FULL_TAR, `${name}:layer1`])
  for (const number of [2, 3]) {
    const below = `${name}:layer${number - 1}`
    const container = `layer${number}`
    await machine.drydock(['run', '--network', 'none', '--name', container, below])
    const id = (await machine.drydock(['inspect', '--format', '{{.Id}}', container])).trim()
    const overlay = join(DATA_ROOT, 'overlay', id)
    const lower = [...(await drydocksLayers(machine, below)).values()].reverse()
    await change(machine, { LowerDir: lower.join(':'), UpperDir: join(overlay, 'diff'), WorkDir: join(overlay, 'work') }, number)
    await machine.drydock(['commit', container, `${name}:layer${number}`])
    await machine.drydock(['rm', container])
  }
  await machine.drydock(['tag', `${name}:layer3`, `${name}:latest`])
}

/** umoci cannot say everything: it is told to leave out what it fails at. */
export async function byUmoci(machine: Machine, layout: string, without: readonly string[]): Promise<void> {
  await machine.run('umoci', 'init', '--layout', layout)
  await machine.run('umoci', 'new', '--image', `${layout}:latest`)
  await machine.run('umoci', 'config', '--image', `${layout}:latest`, '--config.cmd', '/bin/true')
  const bundle = `${layout}-bundle`
  await machine.run('umoci', 'unpack', '--image', `${layout}:latest`, bundle)
  for (const number of [1, 2, 3]) {
    await machine.python('stage', String(number), join(bundle, 'rootfs'), ...without.flatMap((what) => ['--without', what]))
    await machine.run('umoci', 'repack', '--refresh-bundle', '--image', `${layout}:latest`, bundle)
  }
}
