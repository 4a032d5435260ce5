/** `--pidfile`: who runs, for scripts. What a daemon that was killed has left is overwritten. */
import { rmSync, writeFileSync } from 'node:fs'
import { DrydockError } from '../../kernel/errors.js'
import { readProcess } from '../../kernel/proc/processes.js'
import { textIfReadable } from '../../kernel/readable.js'

export class PidFile {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** Throws docker's sentence when the process in it runs. */
  static write(path: string): PidFile {
    const pid = Number(textIfReadable(path)?.trim() || Number.NaN)
    if (Number.isInteger(pid) && pid > 0 && pid !== process.pid && readProcess(pid)) {
      throw new DrydockError(`pid file found, and process ${pid} runs: ensure drydock is not running or delete ${path}`)
    }
    try {
      writeFileSync(path, `${process.pid}\n`)
    } catch (cause) {
      throw new DrydockError(`${path} cannot be written: ${(cause as NodeJS.ErrnoException).code}`, { cause })
    }
    return new PidFile(path)
  }

  /** Only our own. */
  remove(): void {
    if (textIfReadable(this.#path)?.trim() === String(process.pid)) rmSync(this.#path, { force: true })
  }
}
