/** Running something as an ordinary user, from a suite that runs as root or as one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod, chown } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa, type Options } from 'execa'

/** A user id that nobody has: no groups, no home, no range in /etc/subuid. */
const NOBODY_IN_PARTICULAR = 54321

/** The command and options that make `argv` run as an ordinary user: as it is when this is one. */
export function asOrdinaryUser(argv: readonly string[], uid = NOBODY_IN_PARTICULAR): string[] {
  if (process.geteuid?.() !== 0) return [...argv]
  const id = String(uid)
  return ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--', ...argv]
}

/** Run a TypeScript program of ours as an ordinary user, with run and state directories of its own that are removed afterwards. */
export async function runAsOrdinaryUser(argv: readonly string[], options: Options = {}, uid = NOBODY_IN_PARTICULAR) {
  const home = mkdtempSync(join(tmpdir(), 'drydock-user-'))
  try {
    if (process.geteuid?.() === 0) await chown(home, uid, uid)
    const [file, ...args] = asOrdinaryUser(argv, uid)
    const env = { HOME: home, DRYDOCK_RUN_DIR: join(home, 'run'), DRYDOCK_STATE_DIR: join(home, 'state'), XDG_RUNTIME_DIR: '' }
    return await execa(file as string, args, { reject: false, all: true, ...options, env: { ...env, ...options.env } })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** A user of whom only the program below knows. */
export const RANGE_OWNER = { name: 'drydock-range', uid: 54322, ids: { start: 1_000_000, count: 65536 } } as const

/**
 * The same as a user who has a range of ids: as root, in a mount namespace of its own in which /etc has that user, with a line in
 * subuid and subgid for newuidmap to read. The host's files stay as they are.
 */
export async function runWithRange(argv: readonly string[], options: Options = {}) {
  const { name, uid, ids } = RANGE_OWNER
  const lines = {
    passwd: `${name}:x:${uid}:${uid}::/nonexistent:/bin/sh`,
    group: `${name}:x:${uid}:`,
    subuid: `${name}:${ids.start}:${ids.count}`,
    subgid: `${name}:${ids.start}:${ids.count}`,
  }
  const etc = mkdtempSync(join(tmpdir(), 'drydock-etc-'))
  const home = mkdtempSync(join(tmpdir(), 'drydock-user-'))
  try {
    for (const [file, line] of Object.entries(lines)) {
      writeFileSync(join(etc, file), `${contentOf(`/etc/${file}`)}${line}\n`)
      await chmod(join(etc, file), 0o644)
    }
    await chmod(etc, 0o755)
    await chown(home, uid, uid)
    const enter = 'mount -t overlay -o "lowerdir=$0:/etc" drydock /etc && exec "$@"'
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', enter, etc, ...asOrdinaryUser(argv, uid)]
    const env = { HOME: home, USER: name, DRYDOCK_RUN_DIR: join(home, 'run'), DRYDOCK_STATE_DIR: join(home, 'state'), XDG_RUNTIME_DIR: '' }
    return await execa('unshare', args, { reject: false, all: true, ...options, env: { ...env, ...options.env } })
  } finally {
    rmSync(etc, { recursive: true, force: true })
    rmSync(home, { recursive: true, force: true })
  }
}

function contentOf(path: string): string {
  try {
    const content = readFileSync(path, 'utf8')
    return content === '' || content.endsWith('\n') ? content : `${content}\n`
  } catch {
    return ''
  }
}
