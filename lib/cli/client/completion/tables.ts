/** What can be typed where, read from the verbs' own tables of flags. */
import type { Option } from 'commander'
import type { GoCommand } from '../../flags.js'
import { globalCommand } from '../../globals.js'
import { GROUPS, HERE, type Place, type Shelf, TOP } from '../shelf.js'

/** What a value or an operand is: a name that the engine knows, a file, or anything. `running`: a container that runs. */
export type Kind = 'container' | 'running' | 'image' | 'network' | 'volume' | 'file' | 'directory' | 'shell' | 'any'

export interface Flag {
  readonly long: string
  readonly short?: string
  readonly text: string
  /** Absent: it takes none. */
  readonly value?: Kind
}

export interface Entry {
  /** `container ls`; '' is what stands before a verb. */
  readonly path: string
  readonly flags: readonly Flag[]
  /** Of its operands in their order. */
  readonly operands: readonly Kind[]
  /** The last operand may come again. */
  readonly more: boolean
}

export interface Tables {
  readonly entries: readonly Entry[]
  /** Words and their texts: below '' the verbs and groups, below a group its verbs. */
  readonly words: ReadonlyMap<string, readonly (readonly [word: string, text: string])[]>
}

/** Those that a container must run for. */
const WANT_RUNNING = new Set(['attach', 'exec', 'kill', 'pause', 'stats', 'stop', 'top'])

export async function tables(): Promise<Tables> {
  const groups = Object.entries(GROUPS)
  const shelves: [string, Shelf][] = [['', TOP], ...groups.map(([name, { verbs }]) => [name, verbs] as [string, Shelf])]
  const entries = await Promise.all(
    shelves.flatMap(([group, shelf]) => Object.entries(shelf).map(([word, place]) => entryOf(group, word, place))),
  )
  const known = (shelf: Shelf) => Object.entries(shelf).flatMap(([word, { text }]) => (text === '' ? [] : [[word, text] as const]))
  const words = new Map(shelves.map(([group, shelf]) => [group, known(shelf)] as [string, (readonly [string, string])[]]))
  words.set('', [
    ...(words.get('') ?? []),
    ...groups.map(([name, { text }]) => [name, text] as const),
    ...Object.entries(HERE).map(([name, { text }]) => [name, text] as const),
  ])
  return { entries: [described('', globalCommand()), ...entries.filter(({ path }) => !path.startsWith('__'))], words }
}

async function entryOf(group: string, word: string, { load }: Place): Promise<Entry> {
  const path = group === '' ? word : `${group} ${word}`
  return described(path, (await load()).describe(`drydock ${path}`))
}

function described(path: string, command: GoCommand): Entry {
  const verb = path.split(' ').at(-1) as string
  const { registeredArguments: operands } = command
  const help: Flag = { long: '--help', text: 'show this' }
  return {
    path,
    flags: [...command.options.map(flagOf), help],
    operands: path === '' ? [] : operands.map((operand) => operandKind(operand.name(), verb)),
    more: operands.some(({ variadic }) => variadic),
  }
}

function flagOf({ long, short, description, required, flags }: Option): Flag {
  return {
    long: long as string,
    ...(short && { short }),
    text: description,
    ...(required && { value: valueKind(/<([^>]*)>/.exec(flags)?.[1] ?? '') }),
  }
}

function valueKind(word: string): Kind {
  if (word === 'file' || word === 'directory' || word === 'network') return word
  return word.startsWith('container') ? 'container' : 'any'
}

function operandKind(name: string, verb: string): Kind {
  if (name === 'container') return WANT_RUNNING.has(verb) ? 'running' : 'container'
  if (name === 'image' || name === 'network' || name === 'volume' || name === 'shell') return name
  if (name === 'object') return 'container'
  return name === 'path' || name === 'source' || name === 'destination' ? 'file' : 'any'
}
