/** What a daemon is told: by flags, and by a file with docker's keys. Nothing may be said in both. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { LEVELS, type Level } from './log.js'

/** `key` in the file, `--flag` on the command line. A list is given by a flag more than once. */
interface Setting {
  readonly key: string
  readonly flag: string
  readonly kind: 'list' | 'text' | 'switch' | 'map'
}

const setting = (kind: Setting['kind'], key: string, flag = key): Setting => ({ key, flag, kind })

const SETTINGS: readonly Setting[] = [
  setting('list', 'hosts', 'host'),
  setting('text', 'data-root'),
  setting('text', 'exec-root'),
  setting('text', 'pidfile'),
  setting('list', 'registry-mirrors', 'registry-mirror'),
  setting('list', 'insecure-registries', 'insecure-registry'),
  setting('list', 'labels', 'label'),
  setting('text', 'bip'),
  setting('text', 'log-level'),
  setting('text', 'group'),
  setting('switch', 'debug'),
  setting('switch', 'tls'),
  setting('switch', 'tlsverify'),
  setting('text', 'tlscacert'),
  setting('text', 'tlscert'),
  setting('text', 'tlskey'),
  setting('text', 'log-driver'),
  setting('map', 'log-opts', 'log-opt'),
  setting('switch', 'init'),
  setting('text', 'userns-remap'),
]

type Words = Readonly<Record<string, string>>
type Value = string | boolean | readonly string[] | Words

/** By their keys. What was not said is not there. */
export type Told = ReadonlyMap<string, Value>

export interface Settings {
  readonly hosts: readonly string[]
  readonly dataRoot?: string
  readonly execRoot?: string
  readonly pidfile?: string
  readonly registryMirrors: readonly string[]
  readonly insecureRegistries: readonly string[]
  readonly labels: readonly string[]
  readonly bip?: string
  readonly level: Level
  readonly group?: string
  readonly debug: boolean
  /** Undefined: nothing was said of it. */
  readonly tls?: boolean
  readonly tlsverify: boolean
  readonly tlscacert?: string
  readonly tlscert?: string
  readonly tlskey?: string
  /** Of containers that do not say where their output goes. */
  readonly logDriver?: string
  readonly logOptions?: Words
  /** An init of drydock's in containers that do not say. */
  readonly init?: boolean
  /** Whose ids containers have: `default`, USER or USER:GROUP. */
  readonly usernsRemap?: string
}

/** Where the file is when nobody names one; then there may be none. */
export function defaultFile(): string {
  if (process.geteuid?.() === 0) return '/etc/drydock/daemon.json'
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'drydock', 'daemon.json')
}

/** What was typed, of what commander made of it. */
export function toldByFlags(options: Readonly<Record<string, unknown>>): Told {
  const entries = SETTINGS.flatMap(({ key, flag, kind }) => {
    const value = options[flag.replace(/-(.)/g, (_all, letter: string) => letter.toUpperCase())] as Value | undefined
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
    return [[key, kind === 'map' ? pairs(flag, value as readonly string[]) : value] as const]
  })
  return new Map(entries)
}

/** `NAME=VALUE` each. */
function pairs(flag: string, texts: readonly string[]): Words {
  const wrong = texts.find((text) => !text.includes('='))
  if (wrong !== undefined) throw new DrydockError(`invalid argument "${wrong}" for "--${flag}": it is NAME=VALUE`)
  return Object.fromEntries(texts.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]))
}

/** Throws a sentence for a key that is none of ours, and for a value of another kind. `named`: it must be there. */
export function toldByFile(file: string, named: boolean): Told {
  const told = new Map<string, Value>()
  for (const [key, value] of Object.entries(readObject(file, named))) {
    const found = SETTINGS.find((one) => one.key === key)
    if (!found) throw new DrydockError(`${file}: the following directives don't match any configuration option: ${key}`)
    if (!isOfKind(value, found.kind)) throw new DrydockError(`${file}: "${key}" is ${KINDS[found.kind]}, and not ${JSON.stringify(value)}`)
    told.set(key, value)
  }
  return told
}

const KINDS = { list: 'a list of texts', text: 'a text', switch: 'true or false', map: 'an object of texts' } as const

function isOfKind(value: unknown, kind: Setting['kind']): value is Value {
  if (kind === 'list') return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
  if (kind === 'map')
    return (
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((one) => typeof one === 'string')
    )
  return typeof value === (kind === 'text' ? 'string' : 'boolean')
}

function readObject(file: string, named: boolean): object {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' && !named) return {}
    throw new DrydockError(`${file} cannot be read: ${code}`, { cause })
  }
  if (text.trim() === '') return {}
  try {
    const found = JSON.parse(text) as unknown
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found
  } catch (cause) {
    throw new DrydockError(`${file} is no JSON: ${(cause as Error).message}`, { cause })
  }
  throw new DrydockError(`${file} is no JSON object`)
}

/** Both together; throws docker's sentence when something is said twice. */
export function settingsOf(flags: Told, fromFile: Told, file: string): Settings {
  const both = [...flags].filter(([key]) => fromFile.has(key))
  if (both.length > 0) {
    const words = both.map(([key, value]) => `${key}: (from flag: ${shown(value)}, from file: ${shown(fromFile.get(key) as Value)})`)
    throw new DrydockError(
      `unable to configure the engine with file ${file}: the following directives are specified both as a flag and in the configuration file: ${words.join(', ')}`,
    )
  }
  const told = new Map([...fromFile, ...flags])
  const text = (key: string) => told.get(key) as string | undefined
  const list = (key: string) => (told.get(key) ?? []) as readonly string[]
  const place = (key: string) => (told.has(key) ? resolve(text(key) as string) : undefined)
  const debug = told.get('debug') === true
  const level = text('log-level') ?? 'info'
  if (!isLevel(level)) throw new DrydockError(`invalid log level "${level}": it is one of ${LEVELS.join(', ')}`)
  for (const label of list('labels')) {
    if (!/^[^=]+=/s.test(label)) throw new DrydockError(`bad attribute format: ${label}: a label is NAME=VALUE`)
  }
  return defined({
    hosts: list('hosts'),
    dataRoot: place('data-root'),
    execRoot: place('exec-root'),
    pidfile: place('pidfile'),
    registryMirrors: list('registry-mirrors'),
    insecureRegistries: list('insecure-registries'),
    labels: list('labels'),
    bip: text('bip'),
    level: debug ? 'debug' : level,
    group: text('group'),
    debug,
    tls: told.get('tls') as boolean | undefined,
    tlsverify: told.get('tlsverify') === true,
    tlscacert: text('tlscacert'),
    tlscert: text('tlscert'),
    tlskey: text('tlskey'),
    logDriver: text('log-driver'),
    logOptions: told.get('log-opts') as Words | undefined,
    init: told.get('init') as boolean | undefined,
    usernsRemap: text('userns-remap') || undefined,
  }) as Settings
}

const isLevel = (word: string): word is Level => (LEVELS as readonly string[]).includes(word)

const shown = (value: Value): string => {
  if (Array.isArray(value)) return `[${value.join(' ')}]`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

const defined = (object: object): object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
