/** `npm run workshop` and `drydock view`: the page for as long as somebody wants it. */
import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { textIfReadable } from '../kernel/readable.js'
import { Photographer } from '../picture/take.js'
import { announceWorkshop } from '../trace/index.js'
import { openWorkshop, type Workshop } from './index.js'
import { isLoopback, type Place, parsePlace, USUAL_PORT } from './place.js'
import { Recorded } from './traces.js'

export interface ServeOptions {
  readonly listen?: string
  readonly port?: string
  readonly name?: readonly string[]
  readonly token?: boolean
}

export function withServeOptions(command: Command): Command {
  return command
    .option('--listen <address[:port]>', 'where it listens: 0.0.0.0 is for everybody in the room; without, this machine alone')
    .option('--port <number>', `without, ${USUAL_PORT}, or another when that is taken`)
    .option('--name <host...>', 'other names by which browsers call this machine')
    .option('--token', 'ask for the token on this machine too, where others have accounts')
}

/** Until Ctrl-C. Exit status 0. */
export async function serve({ listen, port, name = [], token = false }: ServeOptions): Promise<number> {
  // It runs beside a lesson, for a day: what a picture leaves in memory is cleared away early, which costs it a little time.
  setFlagsFromString('--optimize-for-size')
  const place = parsePlace(listen, port)
  const names = name.map(readName)
  const photographer = new Photographer()
  const enough = interrupted()
  const workshop = await openWorkshop({
    place,
    names,
    token,
    picture: () => photographer.take(),
    elsewhere: () => [...photographer.pids].reduce((sum, pid) => sum + usedBy(pid), 0),
    rest: () => photographer.close(),
    traces: new Recorded(),
    log: (words) => process.stderr.write(`drydock: ${words}\n`),
  })
  // Sessions that play by themselves are recorded while somebody may look.
  const announcement = await announceWorkshop()
  try {
    process.stdout.write(greeting(workshop, place))
    await enough
  } finally {
    // Pages first: the shims have heard the signal too, and a picture without them would be the last one that is seen.
    await workshop.close()
    await announcement.close()
    await photographer.close()
  }
  process.stdout.write('\nThe page has ended.\n')
  return 0
}

function greeting({ urls, joinUrls, word, port, moved }: Workshop, place: Place): string {
  const room = [
    'The workshop page, for you alone: whoever has this address sees all of it.',
    ...urls.map((url) => `  ${url}`),
    '',
    `Learners join this room, ${word}, from their machines by`,
    ...(joinUrls.length > 0
      ? joinUrls.map((url) => `  npm run lesson -- --join ${url}`)
      : ['  … no address: this machine is in no network']),
    '',
    'What goes over the network is plain http: whoever listens there can read it,',
    'the token too. Use it in a network that you trust.',
  ]
  return [
    ...(moved ? [`Port ${USUAL_PORT} is taken; this is ${port}.`] : []),
    ...(isLoopback(place) ? ['The workshop page:', ...urls.map((url) => `  ${url}`)] : room),
    ...(process.geteuid?.() === 0
      ? []
      : ['', 'You are not root: what belongs to other users is missing in the pictures,', 'and the page says what.']),
    '',
    'Ctrl-C ends it.',
    '',
  ].join('\n')
}

/** Milliseconds of a processor: the first number of /proc/PID/schedstat is in nanoseconds (Documentation/scheduler/sched-stats.rst). 0 where a kernel keeps no count. */
const usedBy = (pid: number): number => Number(textIfReadable(`/proc/${pid}/schedstat`)?.split(' ', 1)[0] ?? 0) / 1e6

/** A name or an address of the web, as it stands in the Host header without its port. */
function readName(words: string): string {
  if (/^(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)$/i.test(words) && words.length <= 253) return words.toLowerCase()
  throw new DrydockError(
    `--name ${JSON.stringify(words)} is no name of a machine: it is one such as lab.example, without http:// and without a port`,
  )
}

/** Resolves when somebody wants this to end. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
  })
}

/** A sentence for what went wrong, and the status; a bug is thrown on. */
export async function told(act: () => Promise<number>): Promise<number> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
    return 1
  }
}
