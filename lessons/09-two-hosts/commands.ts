/** Commands that are typed on one of the two hosts, and what they print. */
import { clone3, execve, type Step } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import type { Stage, Suggestion } from '../../lib/tutor/lesson.js'
import { findCommand } from '../../lib/tutor/packages.js'
import { PROGRAM } from '../08-engine/engine.js'
import { type Name, type TwoHosts, twoHosts } from './ground.js'

/** Variables by their names. */
export type Settings = Readonly<Record<string, string>>

export interface Said {
  readonly code: number
  readonly text: string
}

/** One command, until it has ended. */
export async function type(stage: Stage, host: Name, words: readonly string[], settings: Settings = {}): Promise<Said> {
  const hosts = twoHosts(stage)
  const box = await stage.box(host, { on: hosts.on(host) })
  await box.together(commandLine(words, settings), [clone3([]), program(hosts, host, words, settings)])
  const { code } = await box.exited()
  return { code, text: box.output() }
}

/** The same behind the stage, of which nothing is shown. */
export async function quietly(hosts: TwoHosts, host: Name, words: readonly string[], settings: Settings = {}): Promise<void> {
  const shim = await hosts.on(host).shim()
  await shim.run([clone3([]), program(hosts, host, words, settings)])
  const { code } = await shim.exited
  await shim.rollback()
  if (code !== 0) throw new DrydockError(`${commandLine(words, settings)} on ${host} has ended with ${code}`)
}

/** That command in place of whoever makes this step. */
export function program(hosts: TwoHosts, host: Name, words: readonly string[], settings: Settings = {}): Step {
  const { env } = hosts.record(host)
  const variables = { ...Object.fromEntries(env.map(split)), TERM: 'dumb', NO_COLOR: '1', ...settings }
  const [name = '', ...args] = words
  const [path, argv] = name === 'drydock' ? [process.execPath, ['node', PROGRAM, ...args]] : [installed(name), words]
  return execve(
    path,
    argv,
    Object.entries(variables).map(([variable, value]) => `${variable}=${value}`),
  )
}

const split = (variable: string): [string, string] => {
  const at = variable.indexOf('=')
  return [variable.slice(0, at), variable.slice(at + 1)]
}

/** sshd wants its whole path, since it executes itself once more. */
function installed(name: string): string {
  const path = name.startsWith('/') ? name : findCommand(name)
  if (path === undefined) throw new DrydockError(`the program ${name} is not installed`)
  return path
}

/** As one would type it. */
export const commandLine = (words: readonly string[], settings: Settings = {}): string =>
  [...Object.entries(settings).map(([name, value]) => `${name}=${value}`), ...words.map(quoted)].join(' ')

const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** A shell on one of them, in which `drydock` is a command. Nothing of that where the host has a /usr that cannot be written. */
export async function shellOn(stage: Stage, host: Name, suggest: readonly Suggestion[]): Promise<void> {
  const bottle = twoHosts(stage).on(host)
  if (bottle.readOnly.includes('usr')) return
  await stage.shell(await stage.box(host, { on: bottle }), suggest)
}
