/**
 * A Dockerfile as stages of commands.
 *
 *     lines.ts      text into lines, and what the directives say       spaces.ts   as Go has them
 *     nodes.ts      a line into name, flags and words (words.ts)
 *     parse.ts      a line into a command (commands.ts), and commands into stages; flags.ts
 *     expand.ts     variables, when a command's turn comes; ports.ts what EXPOSE's words are then
 *
 * Why not a package: dockerfile-ast, which editors use, knows BuildKit's here-documents, which the classic builder has not, takes lines that Docker refuses, and
 * keeps neither a line as it is joined (docker prints it) nor what is quoted.
 */

import { parseDuration } from '../../kernel/durations.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import {
  type Arg,
  CHANGES,
  type ChangeCommand,
  type Command,
  type CommandLine,
  type Copying,
  type Dockerfile,
  type Stage,
} from './commands.js'
import { readFlags } from './flags.js'
import { type Line, readLines, wrong } from './lines.js'
import { type Node, nodeOf } from './nodes.js'
import { trim } from './spaces.js'

/** Throws, in docker's words and with the line, what is wrong. `name`: of the file. */
export function parseDockerfile(text: string, name = 'Dockerfile'): Dockerfile {
  if (text === '') throw wrong(`the Dockerfile (${name}) cannot be empty`)
  const { nodes, token, warnings } = inFile(name, () => {
    const read = readLines(text)
    return { ...read, nodes: read.lines.map((line) => nodeOf(line, read.token)) }
  })
  const meta: Dockerfile['meta'][number][] = []
  const stages: Stage[] = []
  for (const node of nodes) {
    const found = atLine(node, () => (node.name === 'from' ? stageOf(node) : commandOf(node)))
    const stage = stages.at(-1)
    if ('commands' in found) stages.push(found)
    else if (stage) stage.commands.push(found)
    else if (found.kind === 'arg') meta.push(found)
    else throw wrong('no build stage in current context')
  }
  return { meta, stages, token, warnings }
}

/** What `--change` says, all values together; nothing at all is right. Which instruction may not stand here is told before what is wrong with one. */
export function parseChanges(changes: readonly string[]): { readonly commands: readonly ChangeCommand[]; readonly token: string } {
  if (changes.length === 0) return { commands: [], token: '\\' }
  const { lines, token } = readLines(changes.join('\n'))
  const nodes = lines.map((line) => nodeOf(line, token))
  const other = nodes.find(({ name }) => !(CHANGES as readonly string[]).includes(name))
  if (other) throw wrong(`${other.name} is not a valid change command`)
  return { commands: nodes.map((node) => commandOf(node) as ChangeCommand), token }
}

/** What ONBUILD has kept: one line, and no FROM. */
export function parseTrigger(text: string): { readonly command: Command; readonly token: string } {
  const { lines, token } = readLines(text)
  const [line, ...others] = lines
  if (others.length > 0) throw wrong('onbuild trigger should be a single expression')
  return { command: commandOf(nodeOf(line as Line, token)), token }
}

function inFile<T>(name: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw error instanceof DrydockError ? wrong(`failed to parse ${name}: ${sentenceOf(error)}`) : error
  }
}

function atLine<T>({ number }: Node, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw error instanceof DrydockError ? wrong(`dockerfile parse error line ${number}: ${sentenceOf(error)}`) : error
  }
}

function stageOf({ words, flags, original }: Node): Stage {
  const [base = '', as = '', given = ''] = words
  if (words.length !== 1 && !(words.length === 3 && as.toLowerCase() === 'as')) throw wrong('FROM requires either one or three arguments')
  const name = given.toLowerCase()
  if (words.length === 3 && !/^[a-z][a-z0-9-_.]*$/.test(name)) {
    throw wrong(`invalid name for build stage: ${JSON.stringify(given)}, name can't start with a number or contain symbols`)
  }
  const { platform } = readFlags(flags, ['platform'])
  return { code: trim(original), base, name, platform, commands: [] }
}

type Read = (node: Node) => DistributiveOmit<Command, 'code'>
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

const READERS: Readonly<Record<string, Read>> = {
  add: (node) => {
    const copying = copyingOf('ADD', node, ['chown', 'chmod'])
    return { kind: 'add', copying }
  },
  arg: ({ words }) => ({ kind: 'arg', args: atLeastOne('ARG', words).map(argOf) }),
  cmd: (node) => ({ kind: 'cmd', line: commandLine(node.words, node.json) }),
  copy: (node) => {
    const copying = copyingOf('COPY', node, ['chown', 'chmod', 'from'])
    return { kind: 'copy', copying, from: readFlags(node.flags, ['chown', 'chmod', 'from']).from }
  },
  entrypoint: (node) => ({ kind: 'entrypoint', line: commandLine(node.words, node.json) }),
  env: ({ words }) => ({ kind: 'env', pairs: pairsOf('ENV', words) }),
  expose: ({ words }) => ({ kind: 'expose', ports: [...atLeastOne('EXPOSE', words)].sort() }),
  healthcheck: (node) => ({ kind: 'healthcheck', health: healthcheckOf(node) }),
  label: ({ words }) => ({ kind: 'label', pairs: pairsOf('LABEL', words) }),
  maintainer: ({ words }) => ({ kind: 'maintainer', text: exactlyOne('MAINTAINER', words) }),
  onbuild: ({ words, original }) => {
    const trigger = (atLeastOne('ONBUILD', words)[0] as string).toUpperCase()
    if (trigger === 'ONBUILD') throw wrong("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if (trigger === 'FROM' || trigger === 'MAINTAINER') throw wrong(`${trigger} isn't allowed as an ONBUILD trigger`)
    return { kind: 'onbuild', expression: original.replace(/^\s*ONBUILD\s*/i, '') }
  },
  run: ({ words, json, flags }) => ({ kind: 'run', line: commandLine(words, json), flags: flags.map((flag) => flag.replace(/=.*$/s, '')) }),
  shell: ({ words, json }) => {
    const line = commandLine(words, json)
    if (line.words.length === 0) throw wrong('SHELL requires at least one argument')
    if (line.shell) throw wrong('SHELL requires the arguments to be in JSON form')
    return { kind: 'shell', words: line.words }
  },
  stopsignal: ({ words }) => ({ kind: 'stopsignal', text: exactlyOne('STOPSIGNAL', words) }),
  user: ({ words }) => ({ kind: 'user', text: exactlyOne('USER', words) }),
  volume: ({ words }) => {
    const paths = atLeastOne('VOLUME', words).map(trim)
    if (paths.includes('')) throw wrong('VOLUME specified can not be an empty string')
    return { kind: 'volume', paths }
  },
  workdir: ({ words }) => ({ kind: 'workdir', text: exactlyOne('WORKDIR', words) }),
}

/** Instructions with flags that have been read by then, or that have none at all of their own. */
const WITH_FLAGS = ['add', 'copy', 'healthcheck', 'run']
const OF_RUN = ['mount']

function commandOf(node: Node): Command {
  const { name, flags, original } = node
  const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined
  if (!read) throw wrong(`unknown instruction: ${name.toUpperCase()}`)
  if (name === 'run') for (const flag of flags) readFlags([flag], OF_RUN)
  // What is missing is said before what is too much, as docker says it.
  const command = read(node)
  if (!WITH_FLAGS.includes(name)) readFlags(flags, [])
  return { ...command, code: trim(original) } as Command
}

function atLeastOne(name: string, words: readonly string[]): readonly string[] {
  if (words.length === 0) throw wrong(`${name} requires at least one argument`)
  return words
}

function exactlyOne(name: string, words: readonly string[]): string {
  const [word] = words
  if (word === undefined) throw wrong(`${name} requires exactly one argument`)
  return word
}

const commandLine = (words: readonly string[], json: boolean): CommandLine => ({
  words: json || words.length === 0 ? words : [words.join(' ')],
  shell: !json,
})

function argOf(word: string): Arg {
  const cut = word.indexOf('=')
  if (cut === 0) throw wrong('ARG names can not be blank')
  return cut < 0 ? { name: word } : { name: word.slice(0, cut), value: word.slice(cut + 1) }
}

function pairsOf(name: string, words: readonly string[]) {
  const all = atLeastOne(name, words)
  return Array.from({ length: all.length / 2 }, (_, at) => {
    const [key, value] = [all[2 * at] as string, all[2 * at + 1] as string]
    if (key === '') throw wrong(`${name} names can not be blank`)
    return { name: key, value }
  })
}

function copyingOf(name: string, { words, flags }: Node, known: readonly ('chown' | 'chmod' | 'from')[]): Copying {
  const destination = words.at(-1)
  if (words.length < 2 || destination === undefined) {
    throw wrong(`${name} requires at least two arguments, but only one was provided. Destination could not be determined`)
  }
  const { chown = '', chmod = '' } = readFlags(flags, known)
  return { sources: words.slice(0, -1), destination, chown, chmod }
}

const TIMES = { Interval: 'interval', Timeout: 'timeout', StartPeriod: 'start-period' } as const
const SHORTEST = 1e6
const LARGEST = 2 ** 31 - 1

function healthcheckOf({ words, json, flags }: Node) {
  const [type, ...rest] = atLeastOne('HEALTHCHECK', words)
  const kind = (type as string).toUpperCase()
  if (kind === 'NONE') {
    if (rest.length > 0) throw wrong('HEALTHCHECK NONE takes no arguments')
    return { Test: ['NONE'] }
  }
  const given = readFlags(flags, ['interval', 'timeout', 'start-period', 'retries'])
  if (kind !== 'CMD') throw wrong(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`)
  if (rest.length === 0) throw wrong('Missing command after HEALTHCHECK CMD')
  const times = Object.entries(TIMES).map(([member, flag]) => {
    const duration = given[flag] === '' ? 0 : parseDuration(given[flag])
    if (duration !== 0 && duration < SHORTEST) throw wrong(`Interval "${flag}" cannot be less than 1ms`)
    return [member, duration] as const
  })
  return { Test: [json ? 'CMD' : 'CMD-SHELL', ...rest], ...Object.fromEntries(times), Retries: retriesOf(given.retries) }
}

function retriesOf(text: string): number {
  if (text === '') return 0
  const number = Number(text)
  if (!/^[+-]?\d+$/.test(text)) throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (Math.abs(number) > LARGEST) throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
  if (number < 1) throw wrong(`--retries must be at least 1 (not ${number})`)
  return number
}
