/**
 * What a container has printed, and goes on printing: docker logs. Nothing is polled: the directory of the log is watched, from before the first line is read,
 * and the end of the container wakes whoever follows, when its last line is on disk.
 */
import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import type { ContainerHandle, EngineContext } from '../context.js'
import type { LogOptions, Logs } from '../types.js'
import { whenever } from '../whenever.js'
import { LONGEST_TIMEOUT } from '../within.js'
import { type LogFile, openLog, successor } from './log-files.js'
import { LogLines } from './log-lines.js'
import { Pulled } from './pulled.js'

/** Where a directory cannot be watched (inotify(7), max_user_watches) it is looked at so often, in milliseconds. */
const LOOK_AGAIN = 200

export async function logs(context: EngineContext, word: string, options: LogOptions): Promise<Logs> {
  return logsOf(context.containers.find(word), options)
}

/** As docker, one that does not run is not waited for. */
export function logsOf(container: ContainerHandle, options: LogOptions): Logs {
  if (!options.stdout && !options.stderr) throw new DrydockError('Bad parameters: you must choose at least one stream', { status: 400 })
  const driver = driverOf(container)
  if (driver === 'none') throw new DrydockError('configured logging driver does not support reading', { status: 501 })
  const { tty, layout } = container
  const lines = new LogLines({ ...options, tty })
  // From this moment on, so that a container which ends before the first read was there to be followed.
  const end = options.follow && container.running ? container.ended : undefined
  const stream = new Pulled(
    (signal) => read(driver === 'local' ? layout.localLog : layout.log, lines, options, end, signal),
    options.signal,
  )
  return { tty, stream }
}

const driverOf = ({ record }: ContainerHandle): string | undefined => record.more?.log.driver

async function* read(
  path: string,
  lines: LogLines,
  { tail, until }: LogOptions,
  end: Promise<void> | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const news = end && new News(dirname(path), end, signal, until)
  let files: LogFile[] = []
  try {
    files = await openLog(path, tail)
    for (let [file] = files; file || news; ) {
      // Looked at before the file is: what is written later has news of its own.
      const over = !news || news.over
      if (file) {
        for await (const some of file.lines()) {
          if (signal.aborted) return
          const bytes = lines.format(some)
          if (bytes) yield bytes
          if (lines.over) return
        }
        const next = files[1] ?? (news && (await successor(path, file)))
        if (next && files[1] === undefined) {
          // It has been written to for the last time, perhaps after we had read it.
          for await (const some of file.lines()) {
            const bytes = lines.format(some)
            if (bytes) yield bytes
            if (lines.over) return
          }
          files.push(next)
        }
        if (next) {
          await file.close()
          files.shift()
          file = next
          continue
        }
      } else {
        files = await openLog(path, undefined)
        file = files[0]
        if (file) continue
      }
      if (over || signal.aborted) return
      await news?.come()
    }
  } finally {
    news?.close()
    await Promise.all(files.map((file) => file.close()))
  }
}

/** That something may have been written, that nothing will be any more, or that nobody wants to know. */
class News {
  /** Nothing that is written from now on is of interest. */
  over = false
  #come = false
  #wake: () => void = () => undefined
  readonly #watcher: FSWatcher | undefined
  readonly #timers: NodeJS.Timeout[] = []
  readonly #stay: () => void

  constructor(directory: string, end: Promise<void>, signal: AbortSignal, until: bigint | undefined) {
    this.#watcher = this.#watch(directory)
    if (!this.#watcher) this.#timers.push(setInterval(() => this.#tell(), LOOK_AGAIN))
    const left = until === undefined ? Number.POSITIVE_INFINITY : millisecondsTo(until)
    if (left <= LONGEST_TIMEOUT) this.#timers.push(setTimeout(() => this.#end(), left))
    this.#stay = whenever(end, () => this.#end())
    signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** Resolves when there was something since it was asked last. */
  async come(): Promise<void> {
    if (!this.#come) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#come = false
  }

  close(): void {
    this.#stay()
    this.#watcher?.close()
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #watch(directory: string): FSWatcher | undefined {
    try {
      const watcher = watch(directory, () => this.#tell())
      watcher.on('error', () => this.#tell())
      return watcher
    } catch {
      return undefined
    }
  }

  #end(): void {
    this.over = true
    this.#tell()
  }

  #tell(): void {
    this.#come = true
    this.#wake()
  }
}

const millisecondsTo = (nanos: bigint): number => Math.max(0, Number(nanos / 1_000_000n) - Date.now())
