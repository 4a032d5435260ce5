/**
 * The host image: a root file system put together from this machine's own programs, so that there is something to run without a
 * network and without a registry.
 *
 *     elf.ts        what an ELF file says that it needs
 *     search.ts     where the dynamic linker looks
 *     libraries.ts  the two together: all that a program needs
 *     programs.ts   which programs
 *     busybox.ts    one program that is many
 *     choose.ts     what goes in, and each one's place
 *     userland.ts   a root file system of it, in any directory
 *     kept.ts       the image on disk, and whether it is still true
 *     make.ts       making it, atomically; removing old ones
 */
import { DEFAULT_PATH } from '../../primitives/process.js'
import { currentImage, homeOfImages, layerOf, type Manifest, unfinished } from './kept.js'
import { PROGRAM_DIRECTORIES } from './programs.js'

export { buildUserland, type UserlandSpec } from './userland.js'

export interface HostImageOptions {
  /** Images are kept in `images/host` below it; made when it is not there. */
  readonly dataRoot: string
  /** Make it anew, even though the one that is kept seems right. */
  readonly refresh?: boolean
  /** Where the machine's programs are looked for; PROGRAM_DIRECTORIES by default. */
  readonly directories?: readonly string[]
}

export interface HostImage {
  /** Directories, the topmost first. Nobody writes to them. */
  readonly layers: readonly string[]
  readonly config: { readonly env: readonly string[]; readonly cmd: readonly string[]; readonly workingDir: string }
  /** 16 hexadecimal digits: the same files of the machine give the same. */
  readonly fingerprint: string
}

/** The image as it is kept, or made now: when there is none, or when the machine's files have changed. Fails with one sentence. */
export async function hostImage({ dataRoot, refresh = false, directories = PROGRAM_DIRECTORIES }: HostImageOptions): Promise<HostImage> {
  const home = homeOfImages(dataRoot)
  const kept = refresh ? undefined : currentImage(home, directories)
  if (kept && unfinished(home).length === 0) return imageOf(home, kept)
  const { makeImage, sweep } = await import('./make.js')
  if (!kept) return imageOf(home, await makeImage({ dataRoot, directories, refresh }))
  sweep(home)
  return imageOf(home, kept)
}

function imageOf(home: string, manifest: Manifest): HostImage {
  return {
    layers: [layerOf(home, manifest)],
    config: { env: [`PATH=${DEFAULT_PATH}`], cmd: ['/bin/sh'], workingDir: '/' },
    fingerprint: manifest.fingerprint,
  }
}
