/** Plays a session: one act after the other, each of a few docker commands, and takes down what each printed, what was asked and answered, and which events there were. */
import { type CommandOptions, DockerClient, type DockerProgram, type Finished, type TerminalAct } from '../../support/engines/clients.js'
import { kindsOf, maskDocument, maskTarget, maskText } from '../../support/engines/masks.js'
import type { Exchange } from '../../support/engines/recorder.js'
import { type EngineKind, TestEngine } from '../../support/engines.js'

/** Data, so that it can be kept. */
export interface Command {
  readonly words: string
  readonly exit: number
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  /** `POST /containers/create 201`, in the order in which they were asked. */
  readonly requests: readonly string[]
  /** By request: the answer's document, where it is one; several lines of documents as an array. */
  readonly documents: Readonly<Record<string, unknown>>
}

export interface Act {
  readonly commands: readonly Command[]
  /** `container die web exitCode`. */
  readonly events: readonly string[]
  /** Why it did not come to its end. */
  readonly failure?: string
}

export type Recording = Readonly<Record<string, Act>>

export interface Stage {
  readonly engine: TestEngine
  /** A command to its end; what it printed, unmasked. */
  docker(...args: string[]): Promise<Finished>
  dockerWith(options: CommandOptions, ...args: string[]): Promise<Finished>
  terminal(args: readonly string[], act: TerminalAct): Promise<Finished>
}

export type Script = Readonly<Record<string, (stage: Stage) => Promise<unknown>>>

/** These acts of the session on an engine of their own. */
export async function playOn(session: Script, kind: EngineKind, program: DockerProgram, acts: readonly string[]): Promise<Recording> {
  const engine = await TestEngine.open(kind)
  const client = new DockerClient(program, engine.socket)
  try {
    return await play(Object.fromEntries(acts.map((name) => [name, session[name] as Script[string]])), engine, client)
  } finally {
    client.remove()
    await engine.close()
  }
}

async function play(script: Script, engine: TestEngine, client: DockerClient): Promise<Recording> {
  const recording: Record<string, Act> = {}
  for (const [name, act] of Object.entries(script)) {
    const commands: Command[] = []
    const keep = async (args: readonly string[], finished: Promise<Finished>) => {
      // In the order in which they are begun, however they end.
      const place = commands.push({ words: args.join(' '), exit: -1, stdout: [], stderr: [], requests: [], documents: {} }) - 1
      const done = await finished
      commands[place] = commandOf(args, done)
      return done
    }
    const began = now()
    const ended = act({
      engine,
      docker: (...args) => keep(args, client.run(args)),
      dockerWith: (options, ...args) => keep(args, client.run(args, options)),
      terminal: (args, on) => keep(args, client.terminal(args, on)),
    })
    const failure = await ended.then(
      () => undefined,
      (error: unknown) => `${error instanceof Error ? error.message : error}; the daemon has said:\n${engine.said}`,
    )
    await settled(engine).catch(() => undefined)
    const events = await eventsBetween(engine, began, now()).catch((error: Error) => [error.message])
    recording[name] = { commands, events, ...(failure !== undefined && { failure }) }
  }
  return recording
}

/** The engines' clock is this machine's. Seconds with nanoseconds. */
export function now(): string {
  const milliseconds = performance.timeOrigin + performance.now()
  return `${Math.floor(milliseconds / 1000)}.${String(Math.floor((milliseconds % 1000) * 1e6)).padStart(9, '0')}`
}

/** Docker's daemon answers whoever waits for an end before it tells of the end: who looks at the container waits until that is done. */
async function settled({ api }: TestEngine): Promise<void> {
  const all = await api.must<{ Id: string }[]>('GET', '/containers/json?all=1')
  await Promise.all(all.map(({ Id }) => api.get(`/containers/${Id}/json`)))
}

async function eventsBetween(engine: TestEngine, since: string, until: string): Promise<string[]> {
  const answer = await engine.api.get(`/events?since=${since}&until=${until}`)
  // Docker's daemon tells one twice now and then, from its memory and as it comes.
  const lines = [...new Set(answer.body.toString().split('\n').filter(Boolean))]
  const events = lines.map((line) => JSON.parse(line) as Told)
  const started = new Set(events.filter(({ Action }) => Action === 'start').map(({ Actor }) => Actor.ID))
  // Of a container that could not be started Docker's daemon now and then says too that its client was detached: whether the end of its streams comes first is a race there.
  return events.filter(({ Action, Actor }) => Action !== 'detach' || started.has(Actor.ID)).map(eventLine)
}

interface Told {
  readonly Type: string
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
}

export function eventLine(event: Told): string {
  const { name, ...attributes } = event.Actor.Attributes
  const words = Object.entries(attributes)
    .map(([key, value]) => `${key}=${maskText(value)}`)
    .sort()
  return [event.Type, maskText(event.Action), maskText(name ?? ''), ...words].join(' ')
}

function commandOf(args: readonly string[], { exit, stdout, stderr, exchanges }: Finished): Command {
  const ordered = inOrder(exchanges)
  const [verb] = args
  return {
    words: maskText(args.join(' ')),
    exit,
    stdout: verb === 'diff' ? linesOf(stdout).sort() : linesOf(stdout),
    stderr: linesOf(stderr),
    requests: ordered.map(requestLine),
    documents: Object.fromEntries(
      ordered.flatMap((exchange) => {
        const document = isAside(args, exchange) ? undefined : documentOf(exchange)
        return document === undefined
          ? []
          : [[requestLine(exchange), OF_THE_MACHINE.test(exchange.target) ? kindsOf(document) : maskDocument(document)]]
      }),
    ),
  }
}

function linesOf(text: string): string[] {
  const masked = maskText(text).replace(/\n$/, '')
  return masked === '' ? [] : masked.split('\n')
}

const requestLine = ({ method, target, status }: Exchange): string => `${method} ${maskTarget(target)} ${status}`

/** `run` asks to attach and to wait at once, and either may be first. */
function inOrder(exchanges: readonly Exchange[]): Exchange[] {
  const ordered = [...exchanges]
  const of = (exchange: Exchange | undefined, verb: string) => exchange?.target.split('?')[0]?.endsWith(`/${verb}`)
  for (let at = 1; at < ordered.length; at++) {
    const [first, second] = [ordered[at - 1] as Exchange, ordered[at] as Exchange]
    if (of(first, 'wait') && of(second, 'attach')) ordered.splice(at - 1, 2, second, first)
  }
  return ordered
}

const OF_THE_MACHINE = /\/(info|version|stats)(\?|$)/

/** A container's document that a client reads on its way (exec, attach, logs): it is compared where it is asked for. */
const isAside = ([verb = '', noun = '']: readonly string[], { method, target }: Exchange): boolean =>
  method === 'GET' && /\/containers\/[^/]+\/json/.test(target) && ![verb, noun].includes('inspect') && verb !== 'port'

function documentOf({ headers, body, status, method }: Exchange): unknown {
  if (!headers['content-type']?.startsWith('application/json') || method === 'HEAD' || body.length === 0 || status === 101) return undefined
  const text = body.toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => parsed(line))
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}
