/** Two small systems of a few packages' programs, with the libraries that these need, and no maintainer scripts: no root is needed to make them. */
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'
import { appletsOf } from '../image/host/busybox.js'
import { readElf } from '../image/host/elf.js'
import { buildUserland } from '../image/host/index.js'
import { DrydockError } from '../kernel/errors.js'
import { closureOf, unpackPackages } from './apt.js'
import { archiveTree } from './layer.js'
import { archiveIn, CONFIG, type Made, type Workshop } from './workshop.js'

export async function busybox({ work, signal }: Workshop): Promise<Made> {
  const { tree, place } = room(work, 'busybox')
  await unpackPackages(['busybox-static'], join(work, 'packages'), place, signal)
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

export async function lifeboat({ work, signal }: Workshop): Promise<Made> {
  const { tree, place } = room(work, 'lifeboat')
  const needed = (await closureOf('rpm')).filter((name) => /^(lib|rpm|zlib)/.test(name))
  await unpackPackages([...needed, 'busybox-static', 'dash', 'bash'], join(work, 'packages'), place, signal)
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
