/** Where drydock keeps what lives as long as a boot (sockets, ledgers) and what a person wants back tomorrow (progress). */
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DrydockError } from './errors.js'

/** The user who typed `sudo`, when this is root on somebody's behalf. */
export function invoker(): { uid: number; gid: number; home: string } | undefined {
  const uid = Number(process.env.SUDO_UID)
  const gid = Number(process.env.SUDO_GID)
  if (process.geteuid?.() !== 0 || !process.env.SUDO_UID || !Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0) return undefined
  return { uid, gid, home: homeOf(uid) ?? homedir() }
}

/** Give what root has made to the user who typed sudo. */
export function giveToInvoker(path: string): void {
  const user = invoker()
  if (user && existsSync(path)) chownSync(path, user.uid, user.gid)
}

/** Sockets and ledgers: $DRYDOCK_RUN_DIR, /run/drydock for root, $XDG_RUNTIME_DIR/drydock, or /tmp/drydock-UID. Made when absent. */
export function runDirectory(): string {
  const uid = process.geteuid?.() ?? 0
  const { DRYDOCK_RUN_DIR, XDG_RUNTIME_DIR } = process.env
  let path = `/tmp/drydock-${uid}`
  if (DRYDOCK_RUN_DIR) path = DRYDOCK_RUN_DIR
  else if (uid === 0) path = '/run/drydock'
  else if (XDG_RUNTIME_DIR && existsSync(XDG_RUNTIME_DIR)) path = join(XDG_RUNTIME_DIR, 'drydock')
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const found = lstatSync(path)
  if (!found.isDirectory() || found.uid !== uid) {
    throw new DrydockError(`${path} belongs to somebody else (uid ${found.uid}): remove it, or set DRYDOCK_RUN_DIR to a directory of your own`)
  }
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o700)
  return path
}

/** Progress, history, ledgers that outlive a boot: $DRYDOCK_STATE_DIR, $XDG_STATE_HOME/drydock or ~/.local/state/drydock. */
export function stateDirectory(): string {
  const user = invoker()
  const { DRYDOCK_STATE_DIR, XDG_STATE_HOME } = process.env
  const home = user?.home ?? homedir()
  const base = user ? join(home, '.local', 'state') : (XDG_STATE_HOME ?? join(home, '.local', 'state'))
  const path = DRYDOCK_STATE_DIR ?? join(base, 'drydock')
  const made = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (made && user) {
    for (let at = path; at.length >= made.length; at = join(at, '..')) giveToInvoker(at)
  }
  return path
}

function homeOf(uid: number): string | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.split(':')[2] === String(uid))
  return line?.split(':')[5]
}
