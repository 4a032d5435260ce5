/** What goes into a userland: programs, the libraries that they need, and each one's place. Decides, and copies nothing. */
import { realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { appletsOf } from './busybox.js'
import { isLibc, Libraries, type Library } from './libraries.js'
import { ESSENTIAL, findProgram, PROGRAM_DIRECTORIES, PROGRAMS, SHELL, TERMINAL_DIRECTORIES, TERMINALS } from './programs.js'

export interface ChooseOptions {
  /** Exactly these, all of which must be there. Default: all that busybox is and what is ESSENTIAL; without busybox, PROGRAMS. */
  readonly programs?: readonly string[]
  /** Where programs are looked for; PROGRAM_DIRECTORIES by default. */
  readonly directories?: readonly string[]
}

export interface Choice {
  /** `source`: a file of the machine, links resolved. `target`: its path in the tree, without a slash before it. */
  readonly files: readonly { readonly source: string; readonly target: string }[]
  readonly links: readonly { readonly path: string; readonly to: string }[]
  /** Programs that the machine has but that cannot be taken along, each with the reason. */
  readonly leftOut: readonly string[]
}

/** What glibc opens by itself when names are looked up (nsswitch.conf(5)); since 2.34 most of it is in the libc. */
const NAME_SERVICES = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'] as const

export function choose({ programs, directories = PROGRAM_DIRECTORIES }: ChooseOptions = {}): Choice {
  const busybox = findProgram('busybox', directories)
  const applets = busybox === undefined ? [] : appletsOf(busybox)
  const tree = new Tree()
  const wanted = programs ?? (applets.length > 0 ? [...new Set([...applets, ...ESSENTIAL])] : PROGRAMS)
  for (const name of wanted) {
    const own = busybox !== undefined && applets.includes(name)
    const source = own ? busybox : findProgram(name, directories)
    if (source !== undefined) tree.tryProgram(own ? 'busybox' : name, source, name, programs !== undefined || name === SHELL)
    else if (programs !== undefined || name === SHELL) throw new DrydockError(missingProgram(name, directories))
  }
  if (programs === undefined) tree.terminals()
  return tree.choice()
}

function missingProgram(name: string, directories: readonly string[]): string {
  const what = name === SHELL ? 'neither busybox nor a shell (sh)' : `no program '${name}'`
  return `${what} is in ${directories.join(', ')}, so no userland can be put together from this machine's programs: install busybox`
}

/** The tree as it grows. The first to take a place has it. */
class Tree {
  readonly #libraries = new Libraries()
  readonly #files = new Map<string, string>()
  readonly #links = new Map<string, string>()
  readonly #places = new Map<string, string>()
  readonly #leftOut: string[] = []

  choice(): Choice {
    return {
      files: [...this.#files].map(([target, source]) => ({ source, target })),
      links: [...this.#links].map(([path, to]) => ({ path, to })),
      leftOut: this.#leftOut,
    }
  }

  /** Put the file `source` in as the program `file`, and let it be called `name`. What cannot be had is left out, unless it must be there. */
  tryProgram(file: string, source: string, name: string, required: boolean): void {
    try {
      this.#program(file, source, name)
    } catch (error) {
      if (required || !(error instanceof DrydockError)) throw error
      this.#leftOut.push(`${name}: ${sentenceOf(error)}`)
    }
  }

  #program(file: string, source: string, name: string): void {
    const path = `usr/bin/${name}`
    if (!this.#places.has(source)) {
      const needs = this.#libraries.of(source)
      const target = this.#placeOfProgram(source, file)
      this.#add(target, source)
      this.#places.set(source, target)
      this.#libraryFiles(needs)
    }
    const place = this.#places.get(source) as string
    if (place !== path) this.#links.set(path, dirname(place) === 'usr/bin' ? basename(place) : `/${place}`)
  }

  /** A program that finds its libraries by its own place keeps that place. */
  #placeOfProgram(source: string, file: string): string {
    const { rpath = '', runpath = '' } = this.#libraries.elf(source) ?? {}
    return /\$\{?ORIGIN/.test(rpath + runpath) ? placeOf(source) : `usr/bin/${file}`
  }

  /**
   * There is no /etc/ld.so.cache in the tree, so what was found by the machine's configuration goes where the libc is: that directory is
   * built into its linker. What an object names by path stays at that path.
   */
  #libraryFiles(needs: readonly Library[]): void {
    const interpreter = needs[0]
    if (!interpreter) return
    const home = homeOf(needs, interpreter)
    for (const { name, path, by } of needs) this.#add(by === 'linker' ? `${home}/${name}` : placeOf(path), realpathSync(path))
    for (const name of NAME_SERVICES) {
      const path = needs.some(isLibc) && this.#libraries.byLinker(name, interpreter.path)
      if (path) this.#add(`${home}/${name}`, realpathSync(path))
    }
  }

  terminals(): void {
    for (const name of TERMINALS) {
      const inside = `${name[0]}/${name}`
      const path = TERMINAL_DIRECTORIES.map((directory) => join(directory, inside)).find((one) => isFile(one))
      if (path !== undefined) this.#add(`usr/share/terminfo/${inside}`, realpathSync(path))
    }
  }

  #add(target: string, source: string): void {
    if (!this.#files.has(target)) this.#files.set(target, source)
    // /lib64 and its like are links to their places in /usr, as /bin, /sbin and /lib are in any case.
    const side = /^usr\/(lib\w+)\//.exec(target)?.[1]
    if (side !== undefined && SIDES.has(side)) this.#links.set(side, `usr/${side}`)
  }
}

const SIDES = new Set(['lib32', 'lib64', 'libx32'])

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true

/** The directory of the libc, or of the interpreter where the libc has been named by path (as on NixOS, where every library is). */
function homeOf(needs: readonly Library[], interpreter: Library): string {
  const libc = needs.find((one) => one.by === 'linker' && isLibc(one)) ?? interpreter
  return placeOf(realpathSync(dirname(libc.path)))
}

/** A path of the machine in a tree where /bin, /sbin and /lib… are links into /usr, and /usr/sbin is one to /usr/bin. */
export function placeOf(path: string): string {
  return path
    .replace(/^\/+/, '')
    .replace(/^(bin|sbin|lib|lib32|lib64|libx32)(?=\/|$)/, 'usr/$1')
    .replace(/^usr\/sbin(?=\/|$)/, 'usr/bin')
}
