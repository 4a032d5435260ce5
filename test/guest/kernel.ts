/**
 * The guest's kernel: Debian's for clouds, which is small and has what a guest under qemu needs as modules. It is fetched as a
 * package and taken apart, not installed, and kept in the cache directory for the next time.
 */
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { glob } from 'zx'
import { DrydockError } from '../../lib/kernel/errors.js'

/** The package that depends on the newest of these kernels. */
const META = 'linux-image-cloud-amd64'

/** What the guest loads: its disk, its channels to the outside and its cable, and what containers are made of. */
const WANTED = ['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_net', 'overlay', 'bfq', 'veth', 'bridge', 'nf_tables']

export interface GuestKernel {
  /** As `uname -r` says it. */
  readonly release: string
  readonly image: string
  /** Files of modules, each after those that it depends on. */
  readonly modules: readonly string[]
}

/** $XDG_CACHE_HOME/drydock/guest or ~/.cache/drydock/guest. */
export const cacheDirectory = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'drydock', 'guest')

/** Is there a kernel already, so that nothing has to be fetched? */
export const hasKernel = async (): Promise<boolean> => (await keptIn(cacheDirectory())) !== undefined

/** The kernel in the cache, or a fresh one. `update`: the package lists may be fetched when they are not there. */
export async function guestKernel(update: boolean): Promise<GuestKernel> {
  const cache = cacheDirectory()
  await mkdir(cache, { recursive: true })
  const kept = await keptIn(cache)
  const directory = kept === undefined ? await fetched(cache, update) : join(cache, kept)
  return {
    release: basename(directory).slice('linux-'.length),
    image: join(directory, 'vmlinuz'),
    modules: (await loadOrder(directory)).map((name) => join(directory, `${name}.ko`)),
  }
}

/** The newest that has all modules which are wanted today. */
async function keptIn(cache: string): Promise<string | undefined> {
  const names = await readdir(cache).catch(() => [])
  return names
    .filter((name) => name.startsWith('linux-') && WANTED.every((module) => existsSync(join(cache, name, `${module}.ko`))))
    .sort(byNumbers)
    .at(-1)
}

const byNumbers = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true })

async function fetched(cache: string, update: boolean): Promise<string> {
  const work = await mkdtemp(join(cache, 'work-'))
  try {
    const name = (await newest()) ?? (update && (await fetchLists()) ? await newest() : undefined)
    const remedy = 'it is in Debian’s package lists (`apt-get update` fetches them)'
    if (name === undefined) throw new DrydockError(`there is no kernel for the guest: apt knows no package ${META}; ${remedy}`)
    const attempt = () => execa('apt-get', ['download', name], { cwd: work, reject: false, all: true })
    const first = await attempt()
    // The lists may be older than what the server has.
    const download = first.failed && update && (await fetchLists()) ? await attempt() : first
    if (download.failed)
      throw new DrydockError(`there is no kernel for the guest: apt-get download ${name} failed: ${lastLine(download.all)}`)
    const [file = ''] = await glob('*.deb', { cwd: work })
    await execa('dpkg-deb', ['-x', file, 'tree'], { cwd: work })
    return await settled(work, cache)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const fetchLists = async () => !(await execa('apt-get', ['update'], { reject: false })).failed
const lastLine = (text: string | undefined) => text?.trim().split('\n').at(-1) ?? ''

async function newest(): Promise<string | undefined> {
  const { stdout } = await execa('apt-cache', ['depends', '--important', META], { reject: false })
  return /Depends: (linux-image-\S+)/.exec(stdout)?.[1]
}

/** Keep the kernel and all its modules, flat; the directory appears whole or not at all. */
async function settled(work: string, cache: string): Promise<string> {
  const [image = ''] = await glob('tree/boot/vmlinuz-*', { cwd: work })
  const release = basename(image).slice('vmlinuz-'.length)
  const flat = join(work, 'flat')
  await mkdir(flat)
  await cp(join(work, image), join(flat, 'vmlinuz'))
  const all = new Map((await glob('tree/**/kernel/**/*.ko', { cwd: work })).map((path) => [basename(path, '.ko'), join(work, path)]))
  for (const name of await closure((module) => all.get(module))) await cp(all.get(name) as string, join(flat, `${name}.ko`))
  const target = join(cache, `linux-${release}`)
  // One that was kept when fewer modules were wanted.
  await rm(target, { recursive: true, force: true })
  await rename(flat, target)
  return target
}

const loadOrder = (directory: string): Promise<string[]> => closure((module) => join(directory, `${module}.ko`))

/** The wanted modules with all that they need, each after its needs. */
async function closure(fileOf: (module: string) => string | undefined): Promise<string[]> {
  const order: string[] = []
  const visit = async (module: string) => {
    if (order.includes(module)) return
    const file = fileOf(module)
    if (file === undefined) throw new DrydockError(`the guest's kernel has no module ${module}`)
    for (const need of await needsOf(file)) await visit(need)
    order.push(module)
  }
  for (const module of WANTED) await visit(module)
  return order
}

/** The line `depends=a,b` of a module's .modinfo. */
async function needsOf(file: string): Promise<string[]> {
  const list = /\0depends=([^\0]*)\0/.exec((await readFile(file)).toString('latin1'))?.[1] ?? ''
  return list.split(',').filter((name) => name !== '')
}
