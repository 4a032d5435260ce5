/**
 * Where the tests run. Root's tests do part of their work as an ordinary user, who must be able to read the project and to run this
 * Node; where a checkout lies in somebody's private directory (/root, a CI's workspace) they run in a readable copy.
 */
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

export interface Checkout {
  readonly path: string
  /** Settings for programs that run in it. */
  readonly env: Readonly<Record<string, string>>
  remove(): Promise<void>
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A uid that nobody has; what it can read, anybody can. */
const ANYBODY = '54321'

/** What tests need as an ordinary user: modules, sources, the shim. */
const NEEDED = ['package.json', 'lib/index.ts', 'node_modules/tsx/package.json', 'native/build/shim']

/** Not for the copy: large, or a person's own. */
const LEFT_OUT = ['.git', 'workspace', 'coverage']

export async function readableCheckout(root: string = ROOT): Promise<Checkout> {
  const here = { path: root, env: {}, remove: async () => {} }
  if (process.geteuid?.() !== 0) return here
  const [project, node] = await Promise.all([isReadable(NEEDED.map((file) => join(root, file))), isReadable([process.execPath])])
  if (project && node) return here
  // Not in /tmp: a bottle has one of its own, and what is run in there would not be found.
  const directory = await mkdtemp('/var/tmp/drydock-checkout-')
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const path = project ? root : join(directory, 'drydock')
    const bin = join(directory, 'bin')
    if (!project) await copyTree(root, path)
    if (!node) {
      await mkdir(bin)
      await copyFile(process.execPath, join(bin, 'node'))
    }
    await execa('chmod', ['-R', 'go+rX', directory])
    return { path, env: node ? {} : { PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Asked of the kernel, as that user: rights of every directory on the way count. */
async function isReadable(files: readonly string[]): Promise<boolean> {
  const script = 'for file; do test -r "$file" || exit 1; done'
  const user = [`--reuid=${ANYBODY}`, `--regid=${ANYBODY}`, '--clear-groups', '--']
  const result = await execa('setpriv', [...user, '/bin/sh', '-c', script, 'sh', ...files], { reject: false, cwd: '/' })
  // Without setpriv nothing is run as another user, so nobody has to read it.
  return result.code === 'ENOENT' || result.exitCode === 0
}

async function copyTree(from: string, to: string): Promise<void> {
  const entries = (await readdir(from)).filter((name) => !LEFT_OUT.includes(name))
  await mkdir(to)
  await execa('cp', ['-a', '--no-preserve=ownership', ...entries.map((name) => join(from, name)), to])
}
