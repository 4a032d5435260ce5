/**
 * `--change`: the instructions of a Dockerfile that change a configuration alone, as commit and import take them. Docker reads them as it reads a Dockerfile, all
 * of them as one: a line may go on in the next value, and an escape directive may come first. moby's builder/dockerfile/builder.go, BuildFromConfig.
 */
import { posix } from 'node:path'
import { parseSignal } from '../kernel/signals.js'
import {
  type ChangeCommand,
  type CommandLine,
  type CommandOf,
  expand,
  expandWords,
  exposedPorts,
  parseChanges,
  variablesOf,
  wrong,
} from './dockerfile/index.js'
import type { ContainerConfig } from './types.js'

interface State {
  readonly config: ContainerConfig
  /** There was a CMD: an ENTRYPOINT after it leaves it. */
  readonly cmdSet: boolean
  /** With variables replaced by those of the configuration. */
  replaced(word: string): string
  replacedWords(word: string): string[]
}

type Table = { readonly [K in ChangeCommand['kind']]: (command: CommandOf<K>, state: State) => ContainerConfig }

const TABLE: Table = {
  cmd: ({ line }, { config }) => ({ Cmd: programOf(line, config) }),
  entrypoint({ line }, { config, cmdSet }) {
    const Entrypoint = programOf(line, config)
    return { Entrypoint: Entrypoint.length > 0 ? Entrypoint : null, ...(!cmdSet && { Cmd: null }) }
  },
  env: ({ pairs }, { config, replaced }) => ({
    Env: pairs.map(({ name, value }) => [replaced(name), replaced(value)] as const).reduce(withVariable, config.Env ?? []),
  }),
  label: ({ pairs }, { config, replaced }) => ({
    Labels: { ...config.Labels, ...Object.fromEntries(pairs.map(({ name, value }) => [replaced(name), replaced(value)])) },
  }),
  expose: ({ ports }, { config, replacedWords }) => ({
    ExposedPorts: { ...config.ExposedPorts, ...keys(ports.flatMap(replacedWords).flatMap(exposedPorts)) },
  }),
  volume({ paths }, { config, replaced }) {
    const found = paths.map(replaced)
    if (found.includes('')) throw wrong('VOLUME specified can not be an empty string')
    return { Volumes: { ...config.Volumes, ...keys(found) } }
  },
  user: ({ text }, { replaced }) => ({ User: replaced(text) }),
  stopsignal({ text }, { replaced }) {
    const StopSignal = replaced(text)
    parseSignal(StopSignal)
    return { StopSignal }
  },
  workdir({ text }, { config, replaced }) {
    const path = replaced(text)
    if (path === '') throw wrong('cannot normalize nothing')
    return { WorkingDir: path.startsWith('/') ? path : posix.join('/', config.WorkingDir ?? '', path) }
  },
  onbuild: ({ expression }, { config }) => ({ OnBuild: [...((config.OnBuild as string[] | null | undefined) ?? []), expression] }),
  healthcheck({ health: { Test, ...times } }, { config }) {
    const told = Object.entries(times).filter(([, value]) => value !== 0)
    // What is not said is as it was.
    return { Healthcheck: { ...(config.Healthcheck as object | null | undefined), Test, ...Object.fromEntries(told) } }
  },
}

/** A new configuration; throws, in Docker's words, what is wrong with an instruction. */
export function applyInstructions(given: ContainerConfig, changes: readonly string[]): ContainerConfig {
  const { commands, token } = parseChanges(changes)
  let config = given
  let cmdSet = false
  for (const command of commands) {
    const variables = variablesOf(config.Env ?? [])
    const state: State = {
      config,
      cmdSet,
      replaced: (word) => expand(word, token, variables),
      replacedWords: (word) => expandWords(word, token, variables),
    }
    config = { ...config, ...(TABLE[command.kind] as (command: ChangeCommand, state: State) => ContainerConfig)(command, state) }
    cmdSet ||= command.kind === 'cmd' && command.line.words.length > 0
  }
  return config
}

const keys = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]))

/** A list in JSON is the program and its arguments; anything else is for the image's shell. */
const programOf = ({ words, shell }: CommandLine, { Shell }: ContainerConfig): readonly string[] =>
  shell ? [...((Shell as readonly string[] | null | undefined) ?? ['/bin/sh', '-c']), ...words] : words

/** In place of the one of that name, or behind all others. */
function withVariable(env: readonly string[], [name, value]: readonly [string, string]): readonly string[] {
  const at = env.findIndex((one) => one.startsWith(`${name}=`))
  return at < 0 ? [...env, `${name}=${value}`] : env.with(at, `${name}=${value}`)
}
