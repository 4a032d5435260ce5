/**
 * A root file system from the machine's own programs, in any directory: what the host image is made of, and what a lesson boots as another
 * userland under the same kernel. Layout: merged /usr, as file-hierarchy(7) has it, with one directory of programs.
 */
import { chmodSync, constants, copyFileSync, mkdirSync, readdirSync, statfsSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { type Choice, type ChooseOptions, choose } from './choose.js'

export interface UserlandSpec extends ChooseOptions {
  /** Who it says it is: NAME, PRETTY_NAME and ID in /etc/os-release. */
  readonly name: string
  /** More lines of os-release(5), or others for those three. */
  readonly osRelease?: Readonly<Record<string, string>>
}

/** With the modes that they must have, whatever the umask. */
const DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ...['usr', 'usr/bin', 'usr/lib', 'usr/share', 'usr/local', 'usr/local/bin', 'usr/local/sbin'].map((path) => [path, 0o755] as const),
  ...['etc', 'var', 'var/log', 'run', 'home', 'mnt', 'opt', 'proc', 'sys', 'dev'].map((path) => [path, 0o755] as const),
  ['root', 0o700],
  ['tmp', 0o1777],
  ['var/tmp', 0o1777],
]

const LINKS: readonly (readonly [path: string, to: string])[] = [
  ['bin', 'usr/bin'],
  ['sbin', 'usr/bin'],
  ['lib', 'usr/lib'],
  ['usr/sbin', 'bin'],
  ['var/run', '../run'],
  ['etc/mtab', '/proc/self/mounts'],
]

const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\ntty:x:5:\nnobody:x:65534:\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  // Mount points: each container has its own.
  'etc/hosts': '',
  'etc/hostname': '',
  'etc/resolv.conf': '',
}

/**
 * Put a userland together in `directory`, which is made when it is not there and must be empty. Files are copied, sharing their blocks where the
 * file system can: a hard link would make the machine's own programs writable from inside. Set-user-id bits are not taken along.
 */
export function buildUserland(directory: string, spec: UserlandSpec): void {
  writeUserland(directory, spec, choose(spec))
}

/** The same with what was chosen already. Returns the paths of all files that were written. */
export function writeUserland(directory: string, spec: Omit<UserlandSpec, keyof ChooseOptions>, choice: Choice): string[] {
  try {
    mkdirSync(directory, { recursive: true })
    if (readdirSync(directory).length > 0) {
      throw new DrydockError(`${directory} is not empty, and a userland would be mixed with what is there: name a directory of its own`)
    }
    return write(directory, spec, choice)
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, directory, choice)
  }
}

function write(directory: string, { name, osRelease }: Omit<UserlandSpec, keyof ChooseOptions>, { files, links }: Choice): string[] {
  const made = new Set<string>(['.'])
  const makeDirectory = (path: string, mode = 0o755) => {
    if (made.has(path)) return
    makeDirectory(dirname(path))
    mkdirSync(join(directory, path))
    chmodSync(join(directory, path), mode)
    made.add(path)
  }
  const written: string[] = []
  const finish = (path: string, mode: number) => {
    chmodSync(path, mode)
    written.push(path)
  }
  chmodSync(directory, 0o755)
  for (const [path, mode] of DIRECTORIES) makeDirectory(path, mode)
  for (const [path, to] of LINKS) symlinkSync(to, join(directory, path))
  for (const { source, target } of files) {
    makeDirectory(dirname(target))
    const path = join(directory, target)
    copyFileSync(source, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    finish(path, (statSync(source).mode & 0o111) === 0 ? 0o644 : 0o755)
  }
  for (const { path, to } of links) symlinkSync(to, join(directory, path))
  for (const [path, content] of [...Object.entries(FILES), ['etc/os-release', releaseFile(name, osRelease)] as const]) {
    writeFileSync(join(directory, path), content)
    finish(join(directory, path), 0o644)
  }
  return written
}

/** os-release(5): NAME="value", quoted as a shell reads it. */
function releaseFile(name: string, more: Readonly<Record<string, string>> = {}): string {
  const id = name.toLowerCase().replace(/[^a-z0-9._-]+/g, '-')
  return Object.entries({ NAME: name, PRETTY_NAME: name, ID: id, ...more })
    .map(([key, value]) => `${key}="${value.replace(/(["$`\\])/g, '\\$1')}"\n`)
    .join('')
}

/** An error of the file system as a sentence. */
function explain(error: NodeJS.ErrnoException & { dest?: string }, directory: string, choice: Choice): Error {
  const { code, path, syscall } = error
  if (error instanceof DrydockError || code === undefined) return error
  const options = { cause: error }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DrydockError(
      `${directory} has no room for a userland of ${megabytes(sizeOf(choice))} (${code}; ${room(directory)}): make room there, or choose another place`,
      options,
    )
  }
  const source = choice.files.find((file) => file.source === path)?.source
  if (source !== undefined && (code === 'EACCES' || code === 'ENOENT')) {
    return new DrydockError(`${source}, which belongs into the userland, cannot be read (${code})`, options)
  }
  return new DrydockError(
    `the userland in ${directory} cannot be written: ${syscall ?? 'a call'} on ${path ?? directory}: ${code}`,
    options,
  )
}

const megabytes = (bytes: number): string => `${Math.max(1, Math.ceil(bytes / 1e6))} MB`

const sizeOf = ({ files }: Choice): number =>
  files.reduce((sum, { source }) => sum + (statSync(source, { throwIfNoEntry: false })?.size ?? 0), 0)

function room(directory: string): string {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return `${Math.floor((bavail * bsize) / 1e6)} MB are free`
  } catch {
    return 'what is free is not known'
  }
}
