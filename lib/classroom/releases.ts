/** Another release of this machine's own distribution, as mmdebstrap or debootstrap makes it of a mirror's packages. */
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { DrydockError } from '../kernel/errors.js'
import { findCommand, installHint } from '../tutor/packages.js'
import { otherReleases } from './apt.js'
import { archiveIn, CONFIG, type Made, type Workshop } from './workshop.js'

const NAME = 'release'

/** mmdebstrap where it is there, debootstrap else: both make a system of Debian’s out of a mirror’s packages. */
export async function otherRelease(workshop: Workshop): Promise<Made> {
  const { distribution, mirror, work } = workshop
  const [mmdebstrap, debootstrap] = [findCommand('mmdebstrap'), findCommand('debootstrap')]
  if (!mmdebstrap && !debootstrap) throw new DrydockError(`mmdebstrap is not installed: ${installHint(['mmdebstrap'])}`)
  let problem = `the mirror of this machine has no release but its own (${distribution.codename})`
  for await (const release of otherReleases(distribution, mirror, work)) {
    const failure = mmdebstrap
      ? await byMmdebstrap(mmdebstrap, release, workshop)
      : await byDebootstrap(debootstrap as string, release, workshop)
    if (failure === undefined) {
      const config = { ...CONFIG, Cmd: ['/bin/bash'] }
      return {
        archive: archiveIn(work, NAME),
        tag: release,
        config,
        by: `${mmdebstrap ? 'mmdebstrap' : 'debootstrap'} --variant=minbase ${release}`,
      }
    }
    rmSync(archiveIn(work, NAME), { force: true })
    if (workshop.signal.aborted) break
    problem = failure
  }
  throw new DrydockError(problem)
}

/** Translations and manuals, which nobody reads in a container: a third of the size. */
const LEFT_OUT = ['/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*', '/usr/share/doc/*'] as const

async function byMmdebstrap(program: string, release: string, workshop: Workshop): Promise<string | undefined> {
  const excluded = [...LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`), '--dpkgopt=path-include=/usr/share/doc/*/copyright']
  const options = ['--variant=minbase', '--format=tar', '--skip=output/dev', ...excluded]
  const { exitCode, said } = await confined(program, [...options, release, archiveIn(workshop.work, NAME), workshop.mirror], workshop)
  return exitCode === 0 ? undefined : `mmdebstrap cannot make ${release}: ${lastError(said)}`
}

async function byDebootstrap(program: string, release: string, workshop: Workshop): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return `debootstrap takes root; for others there is mmdebstrap: ${installHint(['mmdebstrap'])}`
  const tree = join(workshop.work, NAME)
  try {
    rmSync(tree, { recursive: true, force: true })
    const { exitCode, said } = await confined(program, ['--variant=minbase', release, tree, workshop.mirror], workshop)
    if (exitCode !== 0) return `debootstrap cannot make ${release}: ${lastError(said)}`
    for (const path of ['dev', 'var/cache/apt/archives', 'var/lib/apt/lists']) {
      for (const name of readdirSync(join(tree, path))) rmSync(join(tree, path, name), { recursive: true, force: true })
    }
    const packed = await execa('tar', ['--sort=name', '--numeric-owner', '-cf', archiveIn(workshop.work, NAME), '-C', tree, '.'], {
      reject: false,
    })
    return packed.exitCode === 0 ? undefined : `tar cannot pack ${release}: ${packed.stderr.trim()}`
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}

function lastError(text: string): string {
  const lines = text.trim().split('\n')
  return (lines.filter((line) => /^(E:|Err:|error)/i.test(line)).at(-1) ?? lines.at(-1) ?? 'it has said nothing').trim()
}

/**
 * Run a program that takes a minute, makes processes and mounts, and fills the place for temporary files. Root's gets a pid and a mount namespace, in
 * which that place is a directory of ours: when it is to end, or when we do, however that went, nothing of it is left. Others' is at least told to end.
 */
async function confined(
  program: string,
  args: readonly string[],
  { work, signal }: Workshop,
): Promise<{ exitCode: number | undefined; said: string }> {
  const scratch = join(work, 'tmp')
  const [setpriv, unshare] = [findCommand('setpriv'), findCommand('unshare')]
  const own = process.geteuid?.() === 0 && unshare !== undefined
  // Its own place must stay in sight, wherever the data root is.
  const cover = work.startsWith('/tmp/') ? '/var/tmp' : '/tmp'
  const bind = ['sh', '-c', `mount --bind "$0" ${cover} && exec "$@"`, scratch]
  const namespaces = own ? [unshare, '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', ...bind] : []
  const deathbed = setpriv === undefined ? [] : [setpriv, '--pdeathsig', own ? 'KILL' : 'TERM', '--']
  const [file = program, ...rest] = [...deathbed, ...namespaces, program, ...args]
  try {
    rmSync(scratch, { recursive: true, force: true })
    mkdirSync(scratch, { recursive: true })
    chmodSync(scratch, 0o1777)
    const env = { LC_ALL: 'C', SOURCE_DATE_EPOCH: '0', ...(own && { TMPDIR: cover }) }
    const { exitCode, all } = await execa(file, rest, {
      env,
      reject: false,
      all: true,
      cancelSignal: signal,
      killSignal: own ? 'SIGKILL' : 'SIGTERM',
    })
    return { exitCode, said: all }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
