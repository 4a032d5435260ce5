/** What each instruction does. moby's builder/dockerfile/dispatchers.go, whose comments in the history are the keys of the cache. */
import { posix } from 'node:path'
import {
  type Command,
  type CommandLine,
  type CommandOf,
  expand,
  expandWords,
  exposedPorts,
  parseTrigger,
  variablesOf,
  wrong,
} from '../../image/dockerfile/index.js'
import type { ContainerConfig } from '../../image/types.js'
import type { DrydockError } from '../../kernel/errors.js'
import { parseSignal } from '../../kernel/signals.js'
import { nameOf } from './arguments.js'
import type { Builder } from './builder.js'
import { addFiles, copyFiles, makeDirectory } from './files.js'
import { quoteAll, quoteHealth } from './quote.js'
import type { StageState } from './stage.js'

export interface Turn<K extends Command['kind']> {
  readonly builder: Builder
  readonly state: StageState
  readonly command: CommandOf<K>
  /** With variables replaced. */
  readonly replaced: (word: string) => string
  readonly replacedWords: (word: string) => string[]
}

type Table = { readonly [K in Command['kind']]: (turn: Turn<K>) => Promise<void> }

export const needsBuildKit = (flag: string): DrydockError =>
  wrong(
    `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
  )

const TABLE: Table = {
  add: addFiles,
  copy: copyFiles,

  async arg({ builder, state, command, replaced }) {
    const args = command.args.map(({ name, value }) => ({ name: replaced(name), value: value === undefined ? undefined : replaced(value) }))
    for (const { name, value } of args) state.args.allow(name, value)
    await builder.note(state, `ARG ${args.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)).join(' ')}`)
  },

  async cmd({ builder, state, command }) {
    const Cmd = programOf(state, command.line)
    state.change({ Cmd })
    await builder.note(state, `CMD ${quoteAll(Cmd)}`)
    if (command.line.words.length > 0) state.cmdSet = true
  },

  async entrypoint({ builder, state, command }) {
    const Entrypoint = programOf(state, command.line)
    state.change({ Entrypoint: Entrypoint.length > 0 ? Entrypoint : null, ...(!state.cmdSet && { Cmd: null }) })
    await builder.note(state, `ENTRYPOINT ${quoteAll(Entrypoint)}`)
  },

  async env({ builder, state, command, replaced }) {
    const pairs = command.pairs.map(({ name, value }) => ({ name: replaced(name), line: `${replaced(name)}=${replaced(value)}` }))
    state.change({ Env: pairs.reduce((env, { name, line }) => withLine(env, name, line), state.config.Env ?? []) })
    await builder.note(state, `ENV ${pairs.map(({ line }) => line).join(' ')}`)
  },

  async expose({ builder, state, command, replacedWords }) {
    const ports = command.ports.flatMap(replacedWords)
    const found = Object.fromEntries(ports.flatMap(exposedPorts).map((port) => [port, {}]))
    state.change({ ExposedPorts: { ...state.config.ExposedPorts, ...found } })
    await builder.note(state, `EXPOSE ${ports.join(' ')}`)
  },

  async healthcheck({ builder, state, command }) {
    const before = (state.config.Healthcheck as { Test?: readonly string[] | null } | null | undefined)?.Test ?? []
    if (before.length > 0 && before[0] !== 'NONE') builder.output.say(`Note: overriding previous HEALTHCHECK: [${before.join(' ')}]\n`)
    const { Test, ...times } = command.health
    const told = Object.entries(times).filter(([, value]) => value !== 0)
    // What is not said is as it was.
    state.change({ Healthcheck: { ...(state.config.Healthcheck as object | null | undefined), Test, ...Object.fromEntries(told) } })
    await builder.note(state, `HEALTHCHECK ${quoteHealth(command.health)}`)
  },

  async label({ builder, state, command, replaced }) {
    const own = command.literally ? (word: string) => word : replaced
    const pairs = command.pairs.map(({ name, value }) => [own(name), own(value)] as const)
    state.change({ Labels: { ...state.config.Labels, ...Object.fromEntries(pairs) } })
    await builder.note(state, `LABEL ${pairs.map(([name, value]) => `${name}=${value}`).join(' ')}`)
  },

  async maintainer({ builder, state, command }) {
    state.author = command.text
    await builder.note(state, `MAINTAINER ${command.text}`)
  },

  async onbuild({ builder, state, command }) {
    state.change({ OnBuild: [...((state.config.OnBuild as string[] | null | undefined) ?? []), command.expression] })
    await builder.note(state, `ONBUILD ${command.expression}`)
  },

  async run({ builder, state, command }) {
    const [flag] = command.flags
    if (flag !== undefined) throw needsBuildKit(flag.replace(/^--/, ''))
    const Cmd = programOf(state, command.line)
    const env = state.config.Env ?? []
    const args = state.args.allowed(env)
    // It is another command with other arguments. No command of a Dockerfile begins with a bar.
    const told = args.filter((line) => state.args.isTold(nameOf(line)))
    const known = args.length > 0 ? [`|${told.length}`, ...told, ...Cmd] : Cmd
    const made: ContainerConfig = { ...state.config, Cmd: known, ...(known.length > 0 && { Entrypoint: null }) }
    if (await builder.hits(state, made)) return
    // Without words it is the image's own command that runs.
    const id = await builder.create(state, { ...state.config, Cmd, Env: [...env, ...args], ...(known.length > 0 && { Entrypoint: [''] }) })
    await builder.run(id, Cmd)
    await builder.commit(state, id, made)
  },

  async shell({ builder, state, command }) {
    state.change({ Shell: [...command.words] })
    await builder.note(state, `SHELL [${command.words.join(' ')}]`)
  },

  async stopsignal({ builder, state, command, replaced }) {
    const StopSignal = replaced(command.text)
    parseSignal(StopSignal)
    state.change({ StopSignal })
    await builder.note(state, `STOPSIGNAL ${StopSignal}`)
  },

  async user({ builder, state, command, replaced }) {
    const User = replaced(command.text)
    state.change({ User })
    await builder.note(state, `USER ${User}`)
  },

  async volume({ builder, state, command, replaced }) {
    const paths = command.paths.map(replaced)
    if (paths.includes('')) throw wrong('VOLUME specified can not be an empty string')
    state.change({ Volumes: { ...state.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) } })
    await builder.note(state, `VOLUME [${paths.join(' ')}]`)
  },

  async workdir({ builder, state, command, replaced }) {
    const path = replaced(command.text)
    if (path === '') throw wrong('cannot normalize nothing')
    const WorkingDir = path.startsWith('/') ? path : posix.join('/', state.config.WorkingDir ?? '', path)
    state.change({ WorkingDir })
    await builder.note(state, `WORKDIR ${WorkingDir}`, { joined: true, act: (container) => makeDirectory(builder, container, WorkingDir) })
  },
}

/** One instruction, and what is to be removed after it. */
export async function dispatch(builder: Builder, state: StageState, command: Command, token: string): Promise<void> {
  let failed = true
  const variables = variablesOf(state.variables())
  const turn = {
    builder,
    state,
    command,
    replaced: (word: string) => expand(word, token, variables),
    replacedWords: (word: string) => expandWords(word, token, variables),
  }
  try {
    await (TABLE[command.kind] as (turn: Turn<Command['kind']>) => Promise<void>)(turn)
    failed = false
  } finally {
    await builder.clear({ failed })
  }
}

/** Those that the base has kept for whoever builds on it. */
export async function dispatchTriggers(builder: Builder, state: StageState): Promise<void> {
  const { triggers } = state
  if (triggers.length === 0) return
  builder.output.say(`# Executing ${triggers.length} build trigger${triggers.length > 1 ? 's' : ''}\n`)
  for (const trigger of triggers) {
    const { command, token } = parseTrigger(trigger)
    await dispatch(builder, state, command, token)
  }
}

const programOf = (state: StageState, { words, shell }: CommandLine): readonly string[] => (shell ? [...state.shell, ...words] : words)

/** In place of the one of that name, or behind all others. */
function withLine(env: readonly string[], name: string, line: string): readonly string[] {
  const at = env.findIndex((one) => nameOf(one) === name)
  return at < 0 ? [...env, line] : env.with(at, line)
}
