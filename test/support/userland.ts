/** Userlands, looked at: what is in one, and programs run in one. */
import { lstatSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Bottle } from '../../lib/bottle.js'
import { PROGRAM_DIRECTORIES } from '../../lib/image/host/programs.js'
import { close, dup3, pipe2 } from '../../lib/kernel/calls/files.js'
import { chroot, mount } from '../../lib/kernel/calls/mounts.js'
import { chdir, clone, execve } from '../../lib/kernel/calls/process.js'
import { host, ref } from '../../lib/kernel/step.js'
import { candidates, DEFAULT_PATH } from '../../lib/primitives/process.js'

/** Everything below a directory: path, mode, and size or target. Two userlands of the same files are equal. */
export function contentsOf(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => {
      const found = lstatSync(join(root, path))
      if (found.isSymbolicLink()) return `${path} -> ${readlinkSync(join(root, path))}`
      return `${path} ${(found.mode & 0o7777).toString(8)} ${found.isDirectory() ? 'directory' : found.size}`
    })
}

/** Run a program with the directory as its root, in a bottle. Both outputs together. */
export async function runIn(bottle: Bottle, root: string, argv: readonly string[]): Promise<{ code: number | null; output: string }> {
  const shim = await bottle.shim()
  await shim.run(host([pipe2('reader', 'writer')]))
  await shim.monitor({ stdout: ref('reader') })
  const said: Buffer[] = []
  shim.on('output', (_, bytes) => said.push(bytes))
  const env = [`PATH=${DEFAULT_PATH}`, 'TERM=dumb']
  const places = candidates(argv[0] as string, env)
  await shim.run([
    clone('mnt', 'pid', 'uts'),
    dup3(ref('writer'), 1),
    dup3(ref('writer'), 2),
    ...host([close(ref('writer'))]),
    mount('proc', join(root, 'proc'), 'proc'),
    chroot(root),
    chdir('/'),
    ...places.map((place, index) => execve(place, argv, env, index < places.length - 1 ? { allow: ['ENOENT'] } : {})),
  ])
  const { code } = await shim.exited
  return { code, output: Buffer.concat(said).toString() }
}

/** Fill a directory with links to all programs of this machine but these: a machine that lacks them. */
export function programsWithout(directory: string, lacking: readonly string[]): void {
  const names = new Set<string>(lacking)
  for (const from of PROGRAM_DIRECTORIES) {
    for (const name of lstatSync(from, { throwIfNoEntry: false }) ? readdirSync(from) : []) {
      if (names.has(name)) continue
      names.add(name)
      symlinkSync(join(from, name), join(directory, name))
    }
  }
}
