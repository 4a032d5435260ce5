/** A verb that asks an engine: its flags as a table, and what it does. The table is read by the shell's completion too. */
import { inspect } from 'node:util'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import type { Engine } from '../engine/client.js'
import type { GoCommand } from '../flags.js'
import { Interrupted } from '../interrupt.js'
import { parseVerb } from '../verb.js'

/** Where the verb was called: the engine is asked for when it is needed, and is one and the same each time. */
export interface Session {
  engine(): Promise<Engine>
  /** The same when it runs; none is started. */
  running(): Promise<Engine | undefined>
  /** Show of a failure all that led to it. */
  readonly debug: boolean
}

export interface Call<Options> {
  readonly options: Options
  readonly args: readonly string[]
  /** All that was typed after the verb. */
  readonly argv: readonly string[]
  readonly session: Session
  engine(): Promise<Engine>
  /** Was the flag typed? By commander's name of it, such as `stopSignal`. */
  given(flag: string): boolean
}

export interface ClientVerb {
  /** The flags and arguments; `path` is how it is called, `drydock container ls`. */
  describe(path: string): GoCommand
  run(argv: readonly string[], session: Session, path: string): Promise<number>
}

/** A failure that has docker's status 1 and no more than its sentence, also of `run`. */
export class PlainError extends DrydockError {
  readonly exitCode = 1

  constructor(sentence: string) {
    super(sentence, { status: 400 })
  }
}

export interface Manner {
  /** What a wrong number of arguments, and a failure, end with; docker's `run` and `create`, whose code could be the container's, have 125. */
  readonly status?: number
  /** Name this program before the sentence of a failure, and tell where its help is. */
  readonly prefixed?: boolean
}

export function verb<Options>(
  describe: (path: string) => GoCommand,
  act: (call: Call<Options>) => Promise<number>,
  { status = 1, prefixed = false }: Manner = {},
): ClientVerb {
  return {
    describe,
    async run(argv, session, path) {
      const command = describe(path)
      const parsed = parseVerb<Options>(command, argv)
      if ('status' in parsed) return parsed.status
      try {
        return await act({
          ...parsed,
          argv,
          session,
          engine: () => session.engine(),
          given: (flag) => command.getOptionValueSource(flag) === 'cli',
        })
      } catch (error) {
        if (!(error instanceof DrydockError)) throw error
        if (session.debug) process.stderr.write(`${inspect(error)}\n`)
        // Who has struck Ctrl-C knows it.
        if (error instanceof Interrupted) return error.exitCode
        const named = prefixed && !(error instanceof PlainError)
        process.stderr.write(`${named ? 'drydock: ' : ''}${sentenceOf(error)}\n`)
        if (named) process.stderr.write(`\nRun '${path} --help' for more information\n`)
        return (error as { exitCode?: number }).exitCode ?? status
      }
    },
  }
}

/** Do it to each, and print the word of each that it was done to. One that cannot be has its sentence, and the others are done all the same. */
export async function toEach(words: readonly string[], act: (word: string) => Promise<unknown>): Promise<number> {
  let status = 0
  // All at once, told in their order, as docker does it: stopping ten takes as long as stopping one.
  for (const [at, result] of (await Promise.allSettled(words.map(act))).entries()) {
    if (result.status === 'fulfilled') process.stdout.write(`${words[at]}\n`)
    else {
      if (!(result.reason instanceof DrydockError)) throw result.reason
      process.stderr.write(`${sentenceOf(result.reason)}\n`)
      status = 1
    }
  }
  return status
}
