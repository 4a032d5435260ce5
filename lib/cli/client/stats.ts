/** `drydock stats`: what containers use, as it goes. */

import { createInterface } from 'node:readline'
import { DrydockError } from '../../kernel/errors.js'
import type { Engine } from '../engine/client.js'
import { linesOf } from '../engine/lines.js'
import { GoCommand } from '../flags.js'
import { showRows } from '../format/index.js'
import { interruptible } from '../interrupt.js'
import { type Sample, type StatsDocument, sampleOf, statsListing } from '../stats-rows.js'
import { endWithReader } from './streams.js'
import { verb } from './verb.js'

interface Flags {
  readonly all?: boolean
  readonly format?: string
  readonly stream: boolean
  readonly trunc: boolean
}

/** Milliseconds between two drawings. */
const PACE = 500

export const stats = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Show what containers use, as it goes.')
      .usage('[OPTIONS] [CONTAINER...]')
      .argument('[container...]', 'names or ids; all that run otherwise')
      .option('-a, --all', 'those that do not run too')
      .option('--format <format>', 'table, json, or a Go template: {{.CPUPerc}}')
      .option('--no-stream', 'once, and not as it goes')
      .option('--no-trunc', 'nothing is cut off'),
  async ({ options, args, engine: open }) => {
    const engine = await open()
    const words = args.length > 0 ? args : await namesOf(engine, options.all === true)
    const show = (samples: readonly Sample[]) => showRows(statsListing(options.trunc), samples, options.format)
    if (!options.stream) {
      process.stdout.write(show(await Promise.all(words.map((word) => once(engine, word)))))
      return 0
    }
    endWithReader()
    await interruptible((signal) => watch(engine, { words, named: args.length > 0, all: options.all === true, signal, show }))
    return 0
  },
)

async function namesOf(engine: Engine, all: boolean): Promise<string[]> {
  const found = await engine.ask(engine.docker.listContainers(all ? { all: true } : {}))
  return found.map(({ Id }) => Id.slice(0, 12))
}

/** A second, in which the engine measures twice. */
async function once(engine: Engine, word: string): Promise<Sample> {
  const found = await engine.call<StatsDocument>({
    method: 'GET',
    path: `/containers/${encodeURIComponent(word)}/stats`,
    query: { stream: 0 },
  })
  return sampleOf(word, found)
}

interface Watch {
  readonly words: readonly string[]
  readonly named: boolean
  readonly all: boolean
  readonly signal: AbortSignal
  show(samples: readonly Sample[]): string
}

/** Until the signal; those that come meanwhile come in, and those that go go out, unless they were named. */
async function watch(engine: Engine, { words, named, all, signal, show }: Watch): Promise<void> {
  const samples = new Map<string, Sample>()
  const failed = new Promise<never>((_, reject) => {
    const follow = (word: string) => {
      if (samples.has(word)) return
      samples.set(word, sampleOf(word, undefined))
      followOne(engine, word, signal, (sample) => samples.set(word, sample)).then(
        () => !named && samples.delete(word),
        (error) => (named ? reject(error) : samples.delete(word)),
      )
    }
    for (const word of words) follow(word)
    if (!named) {
      // An engine that is gone tells of nobody any more, and that is no machine without containers.
      const gone = () => reject(new DrydockError('the engine has closed the connection'))
      newcomers(engine, signal, all, follow, (word) => samples.delete(word)).then(gone, reject)
    }
  })
  failed.catch(() => undefined)
  const draw = () => {
    const text = show([...samples.values()])
    // In a terminal in place: from the top, each line to its end, and nothing below.
    process.stdout.write(process.stdout.isTTY ? `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J` : text)
  }
  if (process.stdout.isTTY) process.stdout.write('\x1b[2J')
  const timer = setInterval(draw, PACE)
  const over = new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  try {
    await Promise.race([failed, over])
  } finally {
    clearInterval(timer)
  }
}

async function followOne(engine: Engine, word: string, signal: AbortSignal, tell: (sample: Sample) => void): Promise<void> {
  const stream = await engine.stream({ method: 'GET', path: `/containers/${encodeURIComponent(word)}/stats`, query: { stream: 1 }, signal })
  stream.on('error', () => undefined)
  for await (const line of createInterface({ input: stream })) if (line !== '') tell(sampleOf(word, JSON.parse(line) as StatsDocument))
}

async function newcomers(
  engine: Engine,
  signal: AbortSignal,
  all: boolean,
  come: (word: string) => void,
  go: (word: string) => void,
): Promise<void> {
  const stream = await engine.stream({ method: 'GET', path: '/events', query: { filters: '{"type":{"container":true}}' }, signal })
  for await (const line of linesOf(stream)) {
    const { Action, Actor } = JSON.parse(line) as { Action: string; Actor: { ID: string } }
    const word = Actor.ID.slice(0, 12)
    if (Action === 'start' || (all && Action === 'create')) come(word)
    if (Action === 'destroy' || (!all && Action === 'die')) go(word)
  }
}
