/**
 * The life of containers:
 *
 *     container.ts   one, as the engine knows it; table.ts all of them
 *     create.ts start.ts stop.ts pause.ts remove.ts rename.ts update.ts prune.ts     what can be done with it
 *     line.ts        the engine's line to its shim; ending.ts what follows when it ends; wait.ts who waits for that
 *     attach.ts      its streams; pending-attach.ts those that are there before it runs
 *     list.ts inspect.ts   what is told of it
 *     recover.ts     what an engine finds when it begins
 */
import type { Readable } from 'node:stream'
import { DrydockError } from '../../kernel/errors.js'
import { parseSignal } from '../../kernel/signals.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import type { ContainersNoun } from '../types.js'
import { attach } from './attach.js'
import type { Container } from './container.js'
import { create } from './create.js'
import { inspect } from './inspect.js'
import { removeLink } from './links.js'
import { list } from './list.js'
import { pause, unpause } from './pause.js'
import { prune } from './prune.js'
import { remove } from './remove.js'
import { rename } from './rename.js'
import { start } from './start.js'
import { kill, restart, stop } from './stop.js'
import { update } from './update.js'
import { wait } from './wait.js'

/** What is looked up or done inside of a container is another part's. */
export type InsideMembers = 'top' | 'stats' | 'logs' | 'changes' | 'export' | 'stat' | 'read' | 'write'

export type LifeNoun = Omit<ContainersNoun, InsideMembers>

/** `past`: what a container has printed, framed as its streams are. */
export function lifeOf(core: Core, past: (container: Container) => Promise<Readable>): LifeNoun {
  const find = (word: string) => core.containers.find(word)
  return {
    create: (body, options) => create(core, body, options),
    list: (options) => list(core, options),
    inspect: async (word, options) => inspect(core, find(word), options),
    start: async (word) => start(core, find(word)),
    stop: async (word, options) => stop(core, find(word), options),
    restart: async (word, options) => restart(core, find(word), options),
    kill: async (word, signal = 'KILL') => kill(core, toKill(core, word), parseSignal(signal)),
    pause: async (word) => pause(core, find(word)),
    unpause: async (word) => unpause(core, find(word)),
    rename: async (word, name) => rename(core, find(word), name),
    update: async (word, body) => update(core, find(word), body),
    wait: async (word, condition, signal) => wait(find(word), condition, signal),
    attach: async (word, options) => attach(core, find(word), options, past),
    resize: async (word, rows, columns) => resize(core, find(word), rows, columns),
    remove: async (word, options) => {
      if (options?.link) return removeLink(core, word)
      await remove(core, find(word), options)
    },
    prune: (filters) => prune(core, filters),
  }
}

function toKill(core: Core, word: string): Container {
  try {
    return core.containers.find(word)
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    throw new DrydockError(`cannot kill container: ${word}: ${error.message}`, { cause: error, status: error.status ?? 400 })
  }
}

function resize(core: Core, container: Container, rows: number, columns: number): void {
  const { run, id } = container
  if (!run) throw new DrydockError(`Container ${id} is not running`, { status: 409 })
  if (![rows, columns].every((size) => Number.isInteger(size) && size >= 0 && size <= 0xffff))
    throw new DrydockError(`a terminal has 0 to 65535 rows and columns; ${rows} × ${columns} is no size`, { status: 400 })
  run.line.resize(rows, columns)
  const attributes = { ...attributesOf(container), height: String(rows), width: String(columns) }
  core.events.publish({ Type: 'container', Action: 'resize', ID: id, Attributes: attributes })
}
