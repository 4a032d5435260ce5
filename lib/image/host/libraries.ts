/**
 * All that a program needs to run: its interpreter and, breadth first as the dynamic linker does it, the libraries that it and they name.
 * The way of the search is that of glibc's elf/dl-load.c (_dl_map_object) and of musl's ldso/dynlink.c (load_library).
 */
import { basename, dirname, join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { type Elf, readElf } from './elf.js'
import { expandPath, expandWords, type Linker, linkerKind, readLinker } from './search.js'

/** An object as the linker found it. */
export interface Library {
  /** What was asked for: a DT_NEEDED, or the interpreter's path. */
  readonly name: string
  /** Where it was found, links unresolved: the linker opens it by this path. */
  readonly path: string
  /**
   * Who knew the place. `object`: a path in an ELF file, which means this very place. `linker`: a directory of the machine's configuration,
   * and any directory that the linker searches would do.
   */
  readonly by: 'object' | 'linker'
}

/** Reads of this machine that are the same for every program are made once. */
export class Libraries {
  readonly #linkers = new Map<string, Linker>()
  readonly #elves = new Map<string, Elf | undefined>()
  readonly #read: (path: string) => Elf | undefined
  readonly #linkerOf: typeof readLinker

  /** For tests: another reader of files and of the linker's configuration. */
  constructor(read: (path: string) => Elf | undefined = readElf, linkerOf: typeof readLinker = readLinker) {
    this.#read = read
    this.#linkerOf = linkerOf
  }

  /** The ELF headers of a file; undefined when it is none, or not there, or may not be read. */
  elf(path: string): Elf | undefined {
    if (!this.#elves.has(path)) this.#elves.set(path, this.#tryRead(path))
    return this.#elves.get(path)
  }

  #tryRead(path: string): Elf | undefined {
    try {
      return this.#read(path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EISDIR') return undefined
      throw error
    }
  }

  #whyNone(path: string): string {
    try {
      this.#read(path)
      return `${path} is no ELF program`
    } catch (error) {
      return `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`
    }
  }

  /**
   * What the program at `path` (links resolved: $ORIGIN is where the file is) needs: its interpreter first, each library once. Nothing
   * for a static program. Fails when one is nowhere.
   */
  of(path: string): Library[] {
    const program = this.elf(path)
    if (!program) throw new DrydockError(this.#whyNone(path))
    if (program.interpreter === undefined) return []
    const { interpreter } = program
    const linker = this.#linker(interpreter, program)
    const found: Library[] = [{ name: interpreter, path: interpreter, by: 'object' }]
    if (!this.elf(interpreter)) throw new DrydockError(`${path} needs the interpreter ${interpreter}, which is not there`)
    const objects: Loaded[] = [{ elf: program, directory: dirname(path) }]
    // A library that names itself as another does (DT_SONAME) is not looked for again.
    const known = new Set<string>([interpreter, basename(interpreter), this.elf(interpreter)?.soname ?? ''])
    for (const object of objects) {
      for (const name of object.elf.needed) {
        if (known.has(name) || (linker.kind === 'musl' && MUSL_ITSELF.test(name))) continue
        known.add(name)
        const library = this.#find(name, object, objects[0] as Loaded, linker)
        if (!library) throw new DrydockError(`${path} needs ${name}, which is in none of the directories where ${interpreter} looks`)
        const elf = this.elf(library.path) as Elf
        if (elf.soname !== undefined) known.add(elf.soname)
        found.push(library)
        objects.push({ elf, directory: dirname(library.path), broughtBy: object })
      }
    }
    return found
  }

  /** A library by name where the linker of `interpreter` looks by itself; for what programs open while they run (name services). */
  byLinker(name: string, interpreter: string): string | undefined {
    const elf = this.elf(interpreter)
    if (!elf) return undefined
    return this.#first(name, this.#linker(interpreter, elf).directories, elf)
  }

  #linker(interpreter: string, machine: Elf): Linker {
    const key = `${machine.bits}:${machine.machine}:${interpreter}`
    const linker = this.#linkers.get(key) ?? this.#linkerOf(interpreter, machine)
    this.#linkers.set(key, linker)
    return linker
  }

  #find(name: string, object: Loaded, program: Loaded, linker: Linker): Library | undefined {
    if (name.includes('/')) {
      const path = expandWords(name, object.directory, object.elf).find((one) => this.#fits(one, object.elf))
      return path === undefined ? undefined : { name, path, by: 'object' }
    }
    const own = this.#first(name, ownPaths(object, program, linker), object.elf)
    if (own !== undefined) return { name, path: own, by: 'object' }
    const directories = object.elf.noDefaultDirectories && linker.kind === 'glibc' ? [] : linker.directories
    const path = this.#first(name, directories, object.elf)
    return path === undefined ? undefined : { name, path, by: 'linker' }
  }

  #first(name: string, directories: readonly string[], fitting: Elf): string | undefined {
    return directories.map((directory) => join(directory, name)).find((path) => this.#fits(path, fitting))
  }

  /** The linker goes on past a file of another class or machine; past one that is no ELF file it would not, but such are never meant. */
  #fits(path: string, { bits, machine }: Elf): boolean {
    const elf = this.elf(path)
    return elf !== undefined && elf.bits === bits && elf.machine === machine
  }
}

interface Loaded {
  readonly elf: Elf
  /** $ORIGIN. */
  readonly directory: string
  /** The object whose need brought it in first. */
  readonly broughtBy?: Loaded
}

/** musl's libc is its dynamic linker, and these names are all it. */
const MUSL_ITSELF = /^lib(c|pthread|rt|m|dl|util|xnet)\./

/**
 * The directories that objects themselves name. glibc: DT_RPATH of the object and of all that brought it in, up to the program, but only if the
 * object has no DT_RUNPATH; then its own DT_RUNPATH. A DT_RPATH beside a DT_RUNPATH is ignored. musl makes no difference between the two.
 */
function ownPaths(object: Loaded, program: Loaded, { kind }: Linker): string[] {
  const chain: Loaded[] = []
  for (let at: Loaded | undefined = object; at; at = at.broughtBy) chain.push(at)
  if (!chain.includes(program)) chain.push(program)
  const expanded = (one: Loaded, path: string | undefined) => (path ? expandPath(path, one.directory, one.elf) : [])
  if (kind === 'musl') return chain.flatMap((one) => expanded(one, one.elf.runpath ?? one.elf.rpath))
  if (object.elf.runpath !== undefined) return expanded(object, object.elf.runpath)
  return chain.flatMap((one) => (one.elf.runpath === undefined ? expanded(one, one.elf.rpath) : []))
}

/** The libc itself, from whose directory it is told where the libraries of this linker are at home; musl's is its interpreter. */
export const isLibc = ({ name, path }: Library): boolean => (linkerKind(path) === 'musl' ? name === path : name.startsWith('libc.so.'))
