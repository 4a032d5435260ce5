/**
 * Where the dynamic linker looks: the directories of the machine's configuration, and the words that a path in an ELF file may have in it.
 *
 *     glibc   RPATH of the object and of those that brought it in, RUNPATH of the object, /etc/ld.so.cache, default directories. ld.so(8)
 *     musl    RPATH or RUNPATH of the object and of those that brought it in, /etc/ld-musl-ARCH.path or default directories
 *
 * The cache is made from /etc/ld.so.conf, so that is read and not the cache. `glibc-hwcaps` directories hold faster builds of libraries that are
 * in the plain directory too: the plain one runs everywhere, and is taken. LD_LIBRARY_PATH and /etc/ld.so.preload are the user's, not the program's.
 */
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'
import { namesIfReadable, textIfReadable } from '../../kernel/readable.js'

export type LinkerKind = 'glibc' | 'musl'

/** What of a linker's search is the machine's and not the object's. */
export interface Linker {
  readonly kind: LinkerKind
  /** After what the objects say: for glibc the configured directories, then the built-in ones. */
  readonly directories: readonly string[]
}

/** By the name of the interpreter: /lib/ld-musl-x86_64.so.1, /lib64/ld-linux-x86-64.so.2. */
export const linkerKind = (interpreter: string): LinkerKind => (basename(interpreter).startsWith('ld-musl-') ? 'musl' : 'glibc')

/**
 * Multiarch names of the machines that drydock runs on and of their 32-bit companions. glibc is built with the directories in it; they are not
 * written anywhere, and a directory that is another machine's does no harm, as its objects do not fit.
 */
const MULTIARCH: Readonly<Record<string, string>> = {
  '64:62': 'x86_64-linux-gnu',
  '64:183': 'aarch64-linux-gnu',
  '64:243': 'riscv64-linux-gnu',
  '64:21': 'powerpc64le-linux-gnu',
  '64:22': 's390x-linux-gnu',
  '32:62': 'x86_64-linux-gnux32',
  '32:3': 'i386-linux-gnu',
  '32:40': 'arm-linux-gnueabihf',
}

/** What $PLATFORM is, by e_machine; elsewhere it is replaced by nothing. */
const PLATFORMS: Readonly<Record<number, string>> = { 62: 'x86_64', 183: 'aarch64', 3: 'i686', 40: 'v7l' }

interface Machine {
  readonly bits: 32 | 64
  readonly machine: number
}

/** The linker behind an interpreter's path, as this machine (or the tree at `root`) has set it up. */
export function readLinker(interpreter: string, machine: Machine, root = '/'): Linker {
  const kind = linkerKind(interpreter)
  const directories = kind === 'musl' ? muslDirectories(interpreter, root) : [...configuredDirectories(root), ...glibcDirectories(machine)]
  return { kind, directories: [...new Set(directories)] }
}

function glibcDirectories({ bits, machine }: Machine): string[] {
  const triplet = MULTIARCH[`${bits}:${machine}`]
  const multiarch = triplet ? [`/lib/${triplet}`, `/usr/lib/${triplet}`] : []
  const sided = bits === 64 ? ['/lib64', '/usr/lib64'] : ['/lib32', '/usr/lib32', '/libx32', '/usr/libx32']
  return [...multiarch, ...sided, '/lib', '/usr/lib']
}

/** musl's dynlink.c: the file beside the interpreter's prefix, a path a line or between colons; without it three directories. */
function muslDirectories(interpreter: string, root: string): string[] {
  const architecture = /^ld-musl-(.+)\.so/.exec(basename(interpreter))?.[1]
  // The prefix is what comes before /lib/ld-musl-ARCH.so.1: nothing, on a machine whose own libc it is.
  const prefix = dirname(dirname(interpreter))
  const text = textIfReadable(join(root, prefix, `etc/ld-musl-${architecture}.path`))
  if (text === undefined) return ['/lib', '/usr/local/lib', '/usr/lib']
  return text.split(/[:\n]/).filter((path) => path !== '')
}

/** The directories of /etc/ld.so.conf and of what it includes, in ldconfig's order. ldconfig(8). */
export function configuredDirectories(root = '/'): string[] {
  const directories: string[] = []
  const seen = new Set<string>()
  const read = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    for (const raw of (textIfReadable(join(root, file)) ?? '').split('\n')) {
      const line = raw.replace(/#.*/, '').trim()
      const include = /^include\s+(.*)$/.exec(line)?.[1]
      if (include !== undefined)
        for (const pattern of include.split(/\s+/)) for (const path of expand(pattern, dirname(file), root)) read(path)
      // `hwcap N name` was for processors of long ago; `dir=TYPE` names a kind of libc that there is no more.
      else if (line !== '' && !/^hwcap\s/.test(line)) directories.push(...line.split(/[:,\s]+/).map((path) => path.replace(/=.*/, '')))
    }
  }
  read('/etc/ld.so.conf')
  return directories.filter((path) => isAbsolute(path)).map((path) => normalize(path).replace(/(.)\/$/, '$1'))
}

/** The files that an include names, sorted as glob(3) does. A relative one is beside the file that says so. */
function expand(pattern: string, directory: string, root: string): string[] {
  const absolute = isAbsolute(pattern) ? pattern : join(directory, pattern)
  const [folder, last] = [dirname(absolute), basename(absolute)]
  if (!/[*?[]/.test(absolute)) return [absolute]
  const expression = new RegExp(
    `^${last
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
  )
  return namesIfReadable(join(root, folder))
    .filter((name) => expression.test(name) && (last.startsWith('.') || !name.startsWith('.')))
    .sort()
    .map((name) => join(folder, name))
}

/**
 * A DT_RPATH or DT_RUNPATH taken apart, its words replaced: $ORIGIN is the object's own directory, $LIB what comes before the name in a
 * default directory (this differs between distributions: every way is tried), $PLATFORM the processor. An empty part is the current
 * directory, which no two runs have in common: it is left out.
 */
export function expandPath(path: string, origin: string, machine: Machine): string[] {
  return path
    .split(':')
    .flatMap((part) => expandWords(part, origin, machine))
    .filter((part) => isAbsolute(part))
    .map((part) => normalize(part).replace(/(.)\/$/, '$1'))
}

/** The same for one string, which may be a DT_NEEDED with a slash in it. */
export function expandWords(text: string, origin: string, { bits, machine }: Machine): string[] {
  const replaced = text
    .replace(/\$(?:ORIGIN\b|\{ORIGIN\})/g, () => origin)
    .replace(/\$(?:PLATFORM\b|\{PLATFORM\})/g, () => PLATFORMS[machine] ?? '')
  const LIB = /\$(?:LIB\b|\{LIB\})/g
  if (!LIB.test(replaced)) return [replaced]
  const triplet = MULTIARCH[`${bits}:${machine}`]
  const ways = [...(triplet ? [`lib/${triplet}`] : []), bits === 64 ? 'lib64' : 'lib32', 'lib']
  return ways.map((way) => replaced.replace(LIB, () => way))
}
