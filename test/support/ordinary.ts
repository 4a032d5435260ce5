/** Running something as an ordinary user, from a suite that runs as root or as one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { chown } from 'node:fs/promises'
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
