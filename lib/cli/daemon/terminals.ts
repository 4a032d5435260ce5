/** The terminal from which the daemon was started is somebody else's. */
import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'

/**
 * At its end Node puts the terminals of its stdio back into the modes that they had at its start. For a daemon in the background of a shell (`drydock daemon … &`)
 * these are the ones in which that shell reads a line, and who sits there would type blindly from then on. Descriptors that are closed it leaves alone
 * (ResetStdio in Node's node.cc); and this program never changes a mode.
 */
export function leaveTerminals(): void {
  process.once('exit', () => {
    for (const fd of [0, 1, 2]) if (isatty(fd)) closeSync(fd)
  })
}
