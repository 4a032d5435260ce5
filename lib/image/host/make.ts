/**
 * Making a host image so that nobody ever sees half of one: it grows under a name of its maker's, is written out, and then renamed, which
 * two may do at once (the second finds the place taken, by the same image). What a maker leaves that was killed is removed by the next one.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { isInHand, ownerName } from '../owner.js'
import { type Choice, choose } from './choose.js'
import { homeOfImages, type Manifest, RECIPE, readManifest, stampOf, unfinished } from './kept.js'
import { writeUserland } from './userland.js'

export interface MakeOptions {
  readonly dataRoot: string
  readonly directories: readonly string[]
  /** Make it anew even where one of the same fingerprint is kept. */
  readonly refresh: boolean
}

/** What tells whether a library was installed or removed, besides the libraries in use. */
const LINKER_FILES = ['/etc/ld.so.cache', '/etc/ld.so.conf']

const IDENTITY = { name: 'drydock host image', osRelease: { ID: 'drydock' } }

/** Choose, make what is not there yet, and let it be the current one. */
export async function makeImage({ dataRoot, directories, refresh }: MakeOptions): Promise<Manifest> {
  const home = homeOfImages(dataRoot)
  // Stamps first: what changes while files are copied is seen the next time.
  const around = [...directories, ...LINKER_FILES].map((path) => [path, stampOf(path)] as const)
  const choice = choose({ directories })
  const stamps = [...new Set(choice.files.map(({ source }) => source))].map((path) => [path, stampOf(path)] as const)
  const fingerprint = fingerprintOf(choice, new Map(stamps))
  makeHome(dataRoot, home)
  sweep(home)
  const existing = !refresh && isThere(join(home, fingerprint, 'rootfs'))
  const directory = refresh ? `${fingerprint}-${randomBytes(3).toString('hex')}` : fingerprint
  const manifest: Manifest = { recipe: RECIPE, fingerprint, directory, searched: directories, watched: [...around, ...stamps] }
  const building = join(home, `.building-${ownerName()}`)
  mkdirSync(building, { mode: 0o755 })
  try {
    if (!existing) await build(join(building, 'image'), join(home, directory), choice)
    const previous = readManifest(home)?.directory
    writeFileSync(join(building, 'current.json'), JSON.stringify(manifest))
    await writeOut([join(building, 'current.json')])
    renameSync(join(building, 'current.json'), join(home, 'current.json'))
    removeOld(dataRoot, home, [directory, previous])
  } catch (error) {
    throw explain(error, home)
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
  return manifest
}

async function build(at: string, place: string, choice: Choice): Promise<void> {
  mkdirSync(at)
  // On disk before it has its name, so that a power cut cannot leave empty files under a name that says that all is well.
  await writeOut(writeUserland(join(at, 'rootfs'), IDENTITY, choice))
  try {
    renameSync(at, place)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    // Another maker was quicker; the same fingerprint is the same image.
  }
}

async function writeOut(paths: readonly string[]): Promise<void> {
  await Promise.all(
    paths.map(async (path) => {
      const file = await open(path, 'r')
      await file.datasync().finally(() => file.close())
    }),
  )
}

/** By the recipe and by real path, size, time and inode of every file that goes in, and what it becomes. */
function fingerprintOf({ files, links }: Choice, stamps: ReadonlyMap<string, string>): string {
  const content = { recipe: RECIPE, files: files.map(({ source, target }) => [target, source, stamps.get(source)]), links }
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16)
}

function makeHome(dataRoot: string, home: string): void {
  try {
    // A container's root, who is somebody else on the host, has to be able to walk through, but not to look around.
    mkdirSync(dataRoot, { recursive: true, mode: 0o711 })
    mkdirSync(home, { recursive: true, mode: 0o755 })
  } catch (error) {
    throw explain(error, home)
  }
}

function explain(error: unknown, home: string): unknown {
  const { code, path, syscall } = error as NodeJS.ErrnoException
  if (error instanceof DrydockError || code === undefined) return error
  const remedy = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? ': set DRYDOCK_DATA_ROOT to a directory of your own' : ''
  return new DrydockError(`the host image cannot be kept in ${home}: ${syscall ?? 'a call'} on ${path ?? home}: ${code}${remedy}`, {
    cause: error,
  })
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Remove what builders have left that are no more. */
export function sweep(home: string): void {
  for (const name of unfinished(home)) if (!isInHand(join(home, name))) remove(join(home, name))
}

/**
 * Remove images that are not current any more. Two are spared: one that a container has as its lower layer, and the one that was current until
 * now, since a run may have been told of it that has not written its container down yet; it goes when the next one comes.
 */
function removeOld(dataRoot: string, home: string, spared: readonly (string | undefined)[]): void {
  const old = readdirSync(home).filter((name) => /^[0-9a-f]{16}(-[0-9a-f]{6})?$/.test(name) && !spared.includes(name))
  if (old.length === 0) return
  const containers = configurations(join(dataRoot, 'containers'))
  if (containers === undefined) return
  for (const name of old) {
    if (containers.some((text) => text.includes(`/images/host/${name}/`))) continue
    // First out of its place: half of an image must never be found under an image's name.
    const away = join(home, `.removing-${randomBytes(4).toString('hex')}`)
    try {
      renameSync(join(home, name), away)
    } catch {
      continue // another one has removed it
    }
    remove(away)
  }
}

/** The containers' configurations as text; undefined when one that is there cannot be read, and so may name any image. */
function configurations(directory: string): string[] | undefined {
  try {
    return readdirSync(directory).flatMap((name) => {
      try {
        return [readFileSync(join(directory, name, 'config.json'), 'utf8')]
      } catch (error) {
        if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
        throw error
      }
    })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : undefined
  }
}

/** What cannot be removed now (another one is at it) is tried again the next time. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {}
}
