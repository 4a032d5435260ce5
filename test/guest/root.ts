/**
 * The guest's root file system: this machine's Node with its libraries, busybox for everything else, and drydock, compiled, because
 * under emulation transpiling is what takes longest. Put on an ext4 image without mounting anything (mke2fs -d).
 */
import { chmod, cp, mkdir, readdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'
import { glob } from 'zx'

export const PROJECT = join(import.meta.dirname, '../..')
/** Where the project is in the guest. */
export const PLACE = '/drydock'

const require = createRequire(import.meta.url)
const { findCommand } = require('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }
const { bundle } = require('../../scripts/bundle.cjs') as { bundle(out: string): void }

/**
 * Programs of the host's that are taken as they are: tests and lessons call them, copy them under another name (which busybox would
 * not know), or need more of them than busybox has.
 */
const PROGRAMS = ['sh', 'cat', 'chmod', 'cp', 'dd', 'free', 'id', 'ls', 'mkdir', 'sleep', 'tail', 'setpriv', 'newuidmap', 'newgidmap']

/** What busybox has by the name of a program that does more, and that tests look for. */
const POORER = ['setpriv', 'unshare', 'ip', 'nsenter']

/** Fill the empty directory `root`. `commands`: shell scripts by name, one of which the guest is started with. */
export async function makeRoot(root: string, commands: Readonly<Record<string, string>>): Promise<void> {
  const folders = [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'etc',
    'dev',
    'proc',
    'sys',
    'tmp',
    'run',
    'root',
    'home/learner',
    'mnt',
    'var',
  ]
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true })
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(root, name))
  const busybox = findCommand('busybox') as string
  await addProgram(root, busybox, 'busybox')
  await addProgram(root, process.execPath, 'node')
  const own = PROGRAMS.filter((name) => findCommand(name) !== undefined)
  for (const name of own) await addProgram(root, findCommand(name) as string, name)
  const { stdout } = await execa(busybox, ['--list'])
  const left = new Set(['busybox', ...own, ...POORER])
  for (const applet of stdout.split('\n').filter((name) => !left.has(name))) await symlink('busybox', join(root, 'usr/bin', applet))
  for (const [name, content] of Object.entries(ETC)) await writeFile(join(root, 'etc', name), content)
  for (const [name, place] of Object.entries({ 'init.sh': 'usr/sbin/init', 'serve.sh': 'usr/sbin/serve' })) {
    await cp(join(import.meta.dirname, 'inside', name), join(root, place))
    await chmod(join(root, place), 0o755)
  }
  for (const [name, script] of Object.entries(commands)) await writeFile(join(root, `etc/command.${name}`), script)
  await addProject(join(root, PLACE))
  await addCommands(root)
}

/** For the exercise alone, beside the usual PATH: tests and lessons find the same programs with and without it. */
async function addCommands(root: string): Promise<void> {
  const bin = join(root, 'opt/bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'drydock'), `#!/bin/sh\nexec node ${PLACE}/scripts/drydock.cjs "$@"\n`, { mode: 0o755 })
  const out = join(root, PLACE, 'build/cli')
  bundle(out)
  // It was made of sources that are not there.
  for (const list of await glob('*.json', { cwd: out })) await writeFile(join(out, list), '["package.json"]')
  const docker = findCommand('docker')
  if (docker) await addProgram(root, docker, 'docker', 'opt/bin')
}

const ETC = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nlearner:x:1001:1001:learner:/home/learner:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  group: 'root:x:0:\nlearner:x:1001:\nnogroup:x:65534:\n',
  subuid: 'learner:100000:65536\n',
  subgid: 'learner:100000:65536\n',
  hosts: '127.0.0.1 localhost\n',
}

async function addProgram(root: string, path: string, name: string, folder = 'usr/bin'): Promise<void> {
  await cp(await realpath(path), join(root, folder, name), { force: true })
  for (const library of await librariesOf(path)) {
    const target = join(root, library.startsWith('/usr/') ? library : `/usr${library}`)
    await mkdir(dirname(target), { recursive: true })
    await cp(await realpath(library), target)
  }
}

/** The libraries of a program, the loader among them, by the paths at which it will look for them; none when it is static. */
export async function librariesOf(path: string): Promise<string[]> {
  const { stdout, failed } = await execa('ldd', [path], { reject: false })
  if (failed) return []
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, library]) => library as string)
}

async function addProject(place: string): Promise<void> {
  await execa(process.execPath, [
    join(PROJECT, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(import.meta.dirname, 'tsconfig.json'),
    '--outDir',
    place,
  ])
  await nameCompiled(place)
  const scripts = ['packages', 'drydock', 'bundle', 'bundles', 'compiled'].map((name) => `scripts/${name}.cjs`)
  const copied = ['package.json', ...scripts, 'native/build/shim', 'native/build/constants.json']
  const texts = await glob('lessons/*/README.md', { cwd: PROJECT })
  for (const path of [...copied, ...texts]) await cp(join(PROJECT, path), join(place, path))
  for (const path of await runtimePackages()) await cp(join(PROJECT, path), join(place, path), { recursive: true })
  // Tests import this name; it is the same runner and the same expectations, without the compiler around them.
  await addPackage(place, 'vitest', "export * from '../../test/guest/inside/vitest.js'\n")
  // Programs are started with this loader, and nothing here needs to be transpiled.
  await addPackage(place, 'tsx', '')
}

/** Where a path to a module stands in the code as text, it names the compiled file. */
async function nameCompiled(place: string): Promise<void> {
  for (const path of await glob('**/*.js', { cwd: place, absolute: true })) {
    const source = await readFile(path, 'utf8')
    const named = source.replace(/(?<=\w|\})\.(m?)ts(?=['"`])/g, '.$1js')
    if (named !== source) await writeFile(path, named)
  }
}

/** Folders of what is needed at run time, and by the tests there. */
async function runtimePackages(): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(PROJECT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; dependencies?: Record<string, string> }>
  }
  const needed = new Set(
    Object.keys(lock.packages).filter((path) => path !== '' && !lock.packages[path]?.dev && !lock.packages[path]?.optional),
  )
  const visit = (name: string) => {
    const path = `node_modules/${name}`
    if (needed.has(path)) return
    needed.add(path)
    for (const dependency of Object.keys(lock.packages[path]?.dependencies ?? {})) visit(dependency)
  }
  for (const name of ['@vitest/runner', '@vitest/expect']) visit(name)
  const there = new Set(await readdir(join(PROJECT, 'node_modules')))
  return [...needed].filter((path) => !/\/(tsx|esbuild|@types)(\/|$)/.test(path) && there.has(path.split('/')[1] as string))
}

async function addPackage(place: string, name: string, source: string): Promise<void> {
  const folder = join(place, 'node_modules', name)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }))
  await writeFile(join(folder, 'index.js'), source)
}

/** An ext4 image of a directory, with room to write. */
export async function makeImage(root: string, image: string): Promise<void> {
  const mke2fs = findCommand('mke2fs') as string
  await execa(mke2fs, [
    '-q',
    '-F',
    '-t',
    'ext4',
    '-O',
    '^has_journal',
    '-m',
    '0',
    '-E',
    'root_owner=0:0',
    '-L',
    basename(image),
    '-d',
    root,
    image,
    '1G',
  ])
}
