/** Where drydock keeps what lives as long as a boot (sockets, ledgers) and what a person wants back tomorrow (progress). */
import { chmodSync, lchownSync, lstatSync, mkdirSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { DrydockError } from './errors.js'

/** The name of drydock's directory in each tree of cgroups. */
export const OWN_CGROUP = 'drydock'

/** In the run directory: the records of lessons and runs (lib/trace). They are meant to be there when what they tell of is over. */
export const TRACES = 'traces'

/** The user who typed `sudo`, when this is root on somebody's behalf. */
export function invoker(): { uid: number; gid: number; home: string } | undefined {
  const uid = Number(process.env.SUDO_UID)
  const gid = Number(process.env.SUDO_GID)
  if (process.geteuid?.() !== 0 || !process.env.SUDO_UID || !Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0) return undefined
  return { uid, gid, home: homeOf(uid) ?? homedir() }
}

/**
 * Give what root has made to the user who typed sudo: a file, a directory, or with `recursive` all below it. Only what belongs to root is
 * given away, no link is followed, and no file with a second name (which may stand where the user should not write).
 */
export function giveToInvoker(path: string, options: { recursive?: boolean } = {}): void {
  const user = invoker()
  const found = user && lstatSync(path, { throwIfNoEntry: false })
  if (!user || !found) return
  if (found.uid === 0 && (found.isDirectory() || found.nlink === 1)) lchownSync(path, user.uid, user.gid)
  if (!options.recursive || !found.isDirectory()) return
  for (const name of readdirSync(path)) giveToInvoker(join(path, name), options)
}

/** The longest path of a unix socket is 107 bytes (unix(7)); names of some 50 bytes come after the run directory. */
const LONGEST_RUN_DIRECTORY = 56

/** Where the run directory is, without making it. */
export function runDirectoryPath(): string {
  const uid = process.geteuid?.() ?? 0
  const { DRYDOCK_RUN_DIR, XDG_RUNTIME_DIR } = process.env
  if (DRYDOCK_RUN_DIR) return resolve(DRYDOCK_RUN_DIR)
  if (uid === 0) return '/run/drydock'
  // `su` leaves the variable as it was, and then it names a directory of somebody else.
  const own = XDG_RUNTIME_DIR && statSync(XDG_RUNTIME_DIR, { throwIfNoEntry: false })?.uid === uid
  return own ? join(XDG_RUNTIME_DIR, 'drydock') : `/tmp/drydock-${uid}`
}

/** Sockets and ledgers: $DRYDOCK_RUN_DIR, /run/drydock for root, $XDG_RUNTIME_DIR/drydock, or /tmp/drydock-UID. Made when absent. */
export function runDirectory(): string {
  const path = runDirectoryPath()
  const uid = process.geteuid?.() ?? 0
  if (Buffer.byteLength(path) > LONGEST_RUN_DIRECTORY) {
    throw new DrydockError(
      `${path} is too long for the sockets in it: set DRYDOCK_RUN_DIR to a path of at most ${LONGEST_RUN_DIRECTORY} bytes`,
    )
  }
  const found = directoryAt(path)
  if (!found.isDirectory()) throw new DrydockError(`${path} is no directory: remove it, or set DRYDOCK_RUN_DIR to one`)
  if (found.uid !== uid) {
    throw new DrydockError(
      `${path} belongs to somebody else (uid ${found.uid}): remove it, or set DRYDOCK_RUN_DIR to a directory of your own`,
    )
  }
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o700)
  return path
}

/** It mostly is there, and each container that is made asks. */
function directoryAt(path: string): Stats {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.isDirectory()) return found
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return lstatSync(path)
  } catch (cause) {
    throw new DrydockError(
      `${path} cannot be made (${(cause as NodeJS.ErrnoException).code}): set DRYDOCK_RUN_DIR to a directory of your own`,
      { cause },
    )
  }
}

/** Where the engine of this user listens when nothing else is said. */
export function engineSocket(): string {
  if (process.geteuid?.() === 0 && !process.env.DRYDOCK_RUN_DIR) return '/run/drydock.sock'
  return join(process.env.DRYDOCK_RUN_DIR ? runDirectory() : runDirectoryPath(), 'engine.sock')
}

/** Progress, history, ledgers that outlive a boot: $DRYDOCK_STATE_DIR, $XDG_STATE_HOME/drydock or ~/.local/state/drydock. */
export function stateDirectory(): string {
  const user = invoker()
  const { DRYDOCK_STATE_DIR, XDG_STATE_HOME } = process.env
  const home = user?.home ?? homedir()
  const base = user ? join(home, '.local', 'state') : (XDG_STATE_HOME ?? join(home, '.local', 'state'))
  const path = resolve(DRYDOCK_STATE_DIR ?? join(base, 'drydock'))
  let made: string | undefined
  try {
    made = mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new DrydockError(
      `${path}, where progress is kept, cannot be made (${(cause as NodeJS.ErrnoException).code}): set DRYDOCK_STATE_DIR to a directory of your own`,
      { cause },
    )
  }
  // With sudo, what was made on the way there is the user's too.
  if (made) for (let at = path; at.length >= made.length; at = dirname(at)) giveToInvoker(at)
  return path
}

/**
 * Containers, layers, volumes, networks: $DRYDOCK_DATA_ROOT, /var/lib/drydock for root, $XDG_DATA_HOME/drydock or ~/.local/share/drydock.
 * Not made here: whoever puts something in it does that.
 */
export function dataRoot(): string {
  const { DRYDOCK_DATA_ROOT, XDG_DATA_HOME } = process.env
  if (DRYDOCK_DATA_ROOT) return resolve(DRYDOCK_DATA_ROOT)
  if (process.geteuid?.() === 0) return '/var/lib/drydock'
  return join(XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'drydock')
}

/** Home directory of a user whom /etc/passwd knows. */
function homeOf(uid: number): string | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.split(':')[2] === String(uid))
  return line?.split(':')[5]
}
