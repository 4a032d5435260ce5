/**
 * `--change`: the instructions of a Dockerfile that change a configuration alone, as commit and import take them. Dockerfile reference; moby's
 * builder/dockerfile/dispatchers.go for what each does.
 */
import { posix } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import { expand, listOf, pairsOf, wordsOf } from './instruction-words.js'
import type { ContainerConfig } from './types.js'

/** What is known while instructions are gone through. */
interface State {
  config: Record<string, unknown> & ContainerConfig
  /** There was a CMD: an ENTRYPOINT after it leaves it. */
  cmdSet: boolean
}

type Apply = (state: State, rest: string) => void

const set =
  (member: string): Apply =>
  ({ config }, rest) => {
    config[member] = expand(rest, config.Env ?? [])
  }

const INSTRUCTIONS: Readonly<Record<string, Apply>> = {
  cmd(state, rest) {
    state.config = { ...state.config, Cmd: commandOf(rest) }
    state.cmdSet = true
  },
  entrypoint(state, rest) {
    const { Cmd, ...config } = state.config
    state.config = { ...config, ...(state.cmdSet && { Cmd: Cmd ?? null }), Entrypoint: commandOf(rest) }
  },
  env(state, rest) {
    for (const [name, value] of pairsOf('ENV', rest, state.config.Env ?? [])) {
      const others = (state.config.Env ?? []).map((one) => (one.startsWith(`${name}=`) ? `${name}=${value}` : one))
      const known = others.some((one) => one.startsWith(`${name}=`))
      state.config = { ...state.config, Env: known ? others : [...others, `${name}=${value}`] }
    }
  },
  label(state, rest) {
    state.config = {
      ...state.config,
      Labels: { ...state.config.Labels, ...Object.fromEntries(pairsOf('LABEL', rest, state.config.Env ?? [])) },
    }
  },
  expose(state, rest) {
    const ports = wordsOf(expand(rest, state.config.Env ?? [])).flatMap(portsOf)
    state.config = {
      ...state.config,
      ExposedPorts: { ...state.config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) },
    }
  },
  volume(state, rest) {
    const paths = listOf(rest) ?? wordsOf(expand(rest, state.config.Env ?? []))
    if (paths.includes('')) throw wrong('VOLUME specified can not be an empty string')
    state.config = { ...state.config, Volumes: { ...state.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) } }
  },
  user: set('User'),
  stopsignal: set('StopSignal'),
  workdir(state, rest) {
    const { WorkingDir, Env } = state.config
    state.config = { ...state.config, WorkingDir: posix.resolve('/', WorkingDir || '/', expand(rest, Env ?? [])) }
  },
  onbuild(state, rest) {
    const [word = ''] = rest.split(/\s/, 1)
    if (/^onbuild$/i.test(word)) throw wrong("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if (/^(from|maintainer)$/i.test(word)) throw wrong(`${word.toUpperCase()} isn't allowed as an ONBUILD trigger`)
    state.config.OnBuild = [...((state.config.OnBuild as string[] | null | undefined) ?? []), rest]
  },
  healthcheck({ config }, rest) {
    config.Healthcheck = healthcheckOf(rest)
  },
}

/** A new configuration; throws, in Docker's words, what is wrong with an instruction. */
export function applyInstructions(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  const state: State = { config: { ...config }, cmdSet: false }
  for (const line of changes.flatMap((change) => change.split('\n')).map((one) => one.trim())) {
    if (line === '' || line.startsWith('#')) continue
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(line) ?? []
    const apply = Object.hasOwn(INSTRUCTIONS, word.toLowerCase()) ? INSTRUCTIONS[word.toLowerCase()] : undefined
    if (!apply) throw wrong(`${word.toLowerCase()} is not a valid change command`)
    if (rest === '' && !/^(cmd|entrypoint)$/i.test(word)) throw wrong(`${word.toUpperCase()} requires at least one argument`)
    apply(state, rest)
  }
  return state.config
}

const wrong = (message: string) => new DrydockError(message, { status: 400 })

/** A list in JSON is the program and its arguments; anything else is for a shell. */
const commandOf = (rest: string): string[] => listOf(rest) ?? (rest === '' ? [] : ['/bin/sh', '-c', rest])

/** `80`, `53/udp`, `8000-8002`. */
function portsOf(word: string): string[] {
  const [, first, last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/([a-zA-Z]+))?$/.exec(word) ?? []
  const from = Number(first)
  const to = Number(last)
  if (first === undefined || to < from || to > 65535 || !['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) {
    throw wrong(`invalid containerPort: ${word}`)
  }
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`)
}

const TIMES: Readonly<Record<string, string>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
}

/** The engine's HealthConfig; times in nanoseconds. */
function healthcheckOf(rest: string): Record<string, unknown> {
  const options: Record<string, number> = {}
  let left = rest
  for (;;) {
    const [flag, name, value = ''] = /^--([a-z-]+)=(\S+)\s*/.exec(left) ?? []
    if (flag === undefined || name === undefined) break
    left = left.slice(flag.length)
    const member = TIMES[name]
    if (member) options[member] = nanosecondsOf(name, value)
    else if (name === 'retries' && /^\d+$/.test(value)) options.Retries = Number(value)
    else throw wrong(name === 'retries' ? `invalid --retries '${value}'` : `Unknown flag: ${name}`)
  }
  const [, type = '', command = ''] = /^(\S*)\s*(.*)$/s.exec(left) ?? []
  if (/^none$/i.test(type)) return { Test: ['NONE'] }
  if (!/^cmd$/i.test(type)) throw wrong(`Unknown type "${type.toUpperCase()}" in HEALTHCHECK (try CMD)`)
  if (command === '') throw wrong('Missing command after HEALTHCHECK CMD')
  const list = listOf(command)
  return { Test: list ? ['CMD', ...list] : ['CMD-SHELL', command], ...options }
}

const NANOSECONDS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

function nanosecondsOf(flag: string, word: string): number {
  if (!/^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(word)) throw wrong(`invalid duration '${word}' for --${flag}`)
  const parts = [...word.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)]
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (NANOSECONDS[unit as string] as number), 0)
}
