/** The images that the registry is filled with, and how each is made of the packages of this machine's own distribution. */
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'
import { appletsOf } from '../image/host/busybox.js'
import { readElf } from '../image/host/elf.js'
import { buildUserland } from '../image/host/index.js'
import type { ContainerConfig } from '../image/types.js'
import { DrydockError } from '../kernel/errors.js'
import { findCommand, installHint } from '../tutor/packages.js'
import { closureOf, type Distribution, otherReleases, unpackPackages } from './apt.js'
import { archiveTree } from './layer.js'

export interface Workshop {
  readonly distribution: Distribution
  readonly mirror: string
  /** A directory for what is made on the way; what is in `packages` below it is kept. */
  readonly work: string
}

export interface Made {
  /** A tar archive in the work directory. */
  readonly archive: string
  readonly tag: string
  readonly config: ContainerConfig
  /** For `docker history`: of what it was made. */
  readonly by: string
}

export interface Recipe {
  /** The repository: Docker's own short names are those of `library`. */
  readonly name: string
  readonly what: string
  /** Tags, one of which means that it is there. */
  readonly tags: (distribution: Distribution) => readonly string[]
  make(workshop: Workshop): Promise<Made>
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const CONFIG: ContainerConfig = { Env: [PATH], Cmd: ['/bin/sh'], WorkingDir: '/' }

export const RECIPES: readonly Recipe[] = [
  {
    name: 'library/busybox',
    what: 'one program that is two hundred, and no apt',
    tags: () => ['latest'],
    make: busybox,
  },
  {
    name: 'library/lifeboat',
    what: 'busybox, and rpm for its package manager: another family',
    tags: () => ['latest'],
    make: lifeboat,
  },
  {
    name: 'library/debian',
    what: 'another release than this machine’s',
    tags: ({ codename }) => ['trixie', 'bookworm', 'bullseye', 'noble', 'jammy', 'focal'].filter((one) => one !== codename),
    make: otherRelease,
  },
]

async function busybox({ work }: Workshop): Promise<Made> {
  const { tree, place } = room(work, 'busybox')
  await unpackPackages(['busybox-static'], join(work, 'packages'), place)
  const osRelease = { ID: 'busybox', PRETTY_NAME: `BusyBox, as in ${await versionOf('busybox-static')}` }
  buildUserland(tree, { name: 'BusyBox', osRelease, programs: ['busybox', ...applets(place)], directories: programsOf(place) })
  return finish(work, 'busybox', { tag: 'latest', config: CONFIG, by: 'busybox-static' })
}

/**
 * Applets that would stand in the way of the real program, or make the system look like one of another family. The shell too: busybox's own takes its
 * applets before any program in PATH, whether they have a name in the tree or not.
 */
const NOT_OF_BUSYBOX = new Set(['rpm', 'rpm2cpio', 'dpkg', 'dpkg-deb', 'sh', 'ash'])

const RPM_PROGRAMS = ['rpm', 'rpmkeys', 'rpmdb', 'rpm2cpio'] as const

async function lifeboat({ work }: Workshop): Promise<Made> {
  const { tree, place } = room(work, 'lifeboat')
  const needed = (await closureOf('rpm')).filter((name) => /^(lib|rpm|zlib)/.test(name))
  await unpackPackages([...needed, 'busybox-static', 'dash', 'bash'], join(work, 'packages'), place)
  const names = applets(place).filter((name) => !NOT_OF_BUSYBOX.has(name))
  const osRelease = {
    ID: 'lifeboat',
    ID_LIKE: 'rpm',
    PRETTY_NAME: 'Lifeboat Linux (of Debian’s busybox and rpm)',
  }
  buildUserland(tree, { name: 'Lifeboat Linux', osRelease, programs: ['busybox', ...names], directories: programsOf(place) })
  for (const [program, name] of [['dash', 'sh'], ['bash', 'bash'], ...RPM_PROGRAMS.map((one) => [one, one])] as const) {
    const found = programsOf(place)
      .map((directory) => join(directory, program))
      .find((path) => existsSync(path))
    // Debian’s rpm asks bash where its database is. And rpm2cpio is a program in one release and a script in another.
    if (found) takeAlong(found, `usr/bin/${name}`, place, tree)
  }
  cpSync(join(place, 'usr/lib/rpm'), join(tree, 'usr/lib/rpm'), { recursive: true, verbatimSymlinks: true })
  mkdirSync(join(tree, 'var/lib/rpm'), { recursive: true })
  return finish(work, 'lifeboat', { tag: 'latest', config: CONFIG, by: 'busybox-static dash bash rpm' })
}

/** A program of the unpacked packages with every library that it needs, each under the path that the linker knows. */
function takeAlong(source: string, target: string, place: string, tree: string): void {
  const into = join(tree, target)
  if (existsSync(into)) return
  mkdirSync(dirname(into), { recursive: true })
  copyFileSync(realpathSync(source), into)
  chmodSync(into, 0o755)
  const elf = readElf(source)
  const libraries = librariesOf(place)
  for (const name of elf?.needed ?? []) {
    const found = libraries.get(name)
    if (found === undefined) throw new DrydockError(`${basename(source)} needs ${name}, which is in none of the packages`)
    takeAlong(found, `usr/lib/${name}`, place, tree)
  }
  if (elf?.interpreter) {
    const name = basename(elf.interpreter)
    const found = libraries.get(name)
    const directory = elf.interpreter.split('/')[1] as string
    if (found) takeAlong(found, `usr/${directory}/${name}`, place, tree)
    if (!existsSync(join(tree, directory))) symlinkSync(`usr/${directory}`, join(tree, directory))
  }
}

/** Where Debian has libraries: a directory for each kind of machine. */
function librariesOf(place: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const directory of ['lib', 'usr/lib', 'lib64', 'usr/lib64']) {
    for (const at of [directory, ...directoriesIn(join(place, directory)).map((name) => join(directory, name))]) {
      const path = join(place, at)
      if (!existsSync(path)) continue
      for (const name of readdirSync(path)) if (/\.so(\.|$)/.test(name) && !found.has(name)) found.set(name, join(path, name))
    }
  }
  return found
}

const directoriesIn = (path: string) =>
  existsSync(path)
    ? readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
        .map(({ name }) => name)
    : []

const programsOf = (place: string) =>
  ['usr/bin', 'bin', 'usr/sbin', 'sbin'].map((path) => join(place, path)).filter((path) => existsSync(path))

function applets(place: string): string[] {
  const program = programsOf(place)
    .map((directory) => join(directory, 'busybox'))
    .find((path) => existsSync(path))
  return program === undefined ? [] : appletsOf(program)
}

/** mmdebstrap where it is there, debootstrap else: both make a system of Debian’s out of a mirror’s packages. */
async function otherRelease({ distribution, mirror, work }: Workshop): Promise<Made> {
  const [mmdebstrap, debootstrap] = [findCommand('mmdebstrap'), findCommand('debootstrap')]
  if (!mmdebstrap && !debootstrap) throw new DrydockError(`mmdebstrap is not installed: ${installHint(['mmdebstrap'])}`)
  let problem = `the mirror of this machine has no release but its own (${distribution.codename})`
  for await (const release of otherReleases(distribution, mirror, work)) {
    const failure = mmdebstrap
      ? await byMmdebstrap(mmdebstrap, release, mirror, work)
      : await byDebootstrap(debootstrap as string, release, mirror, work)
    if (failure === undefined) {
      const config = { ...CONFIG, Cmd: ['/bin/bash'] }
      return {
        archive: archiveIn(work, 'debian'),
        tag: release,
        config,
        by: `${mmdebstrap ? 'mmdebstrap' : 'debootstrap'} --variant=minbase ${release}`,
      }
    }
    problem = failure
  }
  throw new DrydockError(problem)
}

/** Translations and manuals, which nobody reads in a container: a third of the size. */
const LEFT_OUT = ['/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*', '/usr/share/doc/*'] as const

const REPRODUCIBLE = { env: { LC_ALL: 'C', SOURCE_DATE_EPOCH: '0' }, reject: false } as const

async function byMmdebstrap(program: string, release: string, mirror: string, work: string): Promise<string | undefined> {
  const excluded = [...LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`), '--dpkgopt=path-include=/usr/share/doc/*/copyright']
  const options = ['--variant=minbase', '--format=tar', '--skip=output/dev', ...excluded]
  const { exitCode, stderr } = await execa(program, [...options, release, archiveIn(work, 'debian'), mirror], REPRODUCIBLE)
  return exitCode === 0 ? undefined : `mmdebstrap cannot make ${release}: ${lastError(stderr)}`
}

async function byDebootstrap(program: string, release: string, mirror: string, work: string): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return `debootstrap takes root; for others there is mmdebstrap: ${installHint(['mmdebstrap'])}`
  const tree = join(work, 'debian')
  rmSync(tree, { recursive: true, force: true })
  const { exitCode, stdout, stderr } = await execa(program, ['--variant=minbase', release, tree, mirror], REPRODUCIBLE)
  if (exitCode !== 0) return `debootstrap cannot make ${release}: ${lastError(`${stdout}\n${stderr}`)}`
  for (const path of ['dev', 'var/cache/apt/archives', 'var/lib/apt/lists']) {
    for (const name of readdirSync(join(tree, path))) rmSync(join(tree, path, name), { recursive: true, force: true })
  }
  const { exitCode: packed, stderr: said } = await execa(
    'tar',
    ['--sort=name', '--numeric-owner', '-cf', archiveIn(work, 'debian'), '-C', tree, '.'],
    REPRODUCIBLE,
  )
  rmSync(tree, { recursive: true, force: true })
  return packed === 0 ? undefined : `tar cannot pack ${release}: ${said.trim()}`
}

function lastError(text: string): string {
  const lines = text.trim().split('\n')
  return (lines.filter((line) => /^(E:|Err:|error)/i.test(line)).at(-1) ?? lines.at(-1) ?? 'it has said nothing').trim()
}

const archiveIn = (work: string, name: string) => join(work, `${name}.tar`)

/** Two empty directories: for what is in packages, and for the system that is made of some of it. */
function room(work: string, name: string): { place: string; tree: string } {
  const [place, tree] = [join(work, `${name}.packages`), join(work, name)]
  for (const path of [place, tree]) rmSync(path, { recursive: true, force: true })
  return { place, tree }
}

async function finish(work: string, name: string, made: Omit<Made, 'archive'>): Promise<Made> {
  await archiveTree(join(work, name), archiveIn(work, name))
  for (const path of [name, `${name}.packages`]) rmSync(join(work, path), { recursive: true, force: true })
  return { ...made, archive: archiveIn(work, name) }
}

async function versionOf(name: string): Promise<string> {
  const { stdout } = await execa('apt-cache', ['show', '--no-all-versions', name], { reject: false, env: { LC_ALL: 'C' } })
  return `${name} ${/^Version: (.*)$/m.exec(stdout)?.[1] ?? ''}`.trim()
}
