/** The calls made so far as a TypeScript function, like those of the exercises. */
import { readFileSync } from 'node:fs'
import { basename, dirname, extname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DrydockError } from '../kernel/errors.js'
import { writeNew } from '../kernel/new-file.js'
import { giveToInvoker } from '../kernel/places.js'
import type { Param } from './forms/index.js'
import type { Call } from './parse.js'
import { Code, Expression, quoted, typescript } from './typescript.js'

const LIBRARY = fileURLToPath(new URL('../', import.meta.url))

/** Write the calls to a new file; answers with its whole path. */
export function save(calls: readonly Call[], file: string): string {
  const path = resolve(extname(file) === '' ? `${file}.ts` : file)
  const text = sourceOf(calls, path)
  try {
    writeNew(path, text)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new DrydockError(`${path} is there already: remove it, or take another name`)
    throw new DrydockError(`${path} cannot be written: ${code}`, { cause })
  }
  giveToInvoker(path)
  return path
}

/** The text of a file at `path` whose function returns the steps of the calls. */
export function sourceOf(calls: readonly Call[], path: string): string {
  const names = new Map<string, string>()
  const lines = calls.map((call) => `    ${codeOf(call, names)},`)
  return [
    '/** Made at the prompt of `npm run repl`. */',
    ...imports(names, dirname(path)),
    '',
    `export function ${functionName(path, names)}(): Step[] {`,
    '  return [',
    ...lines,
    '  ]',
    '}',
    '',
  ].join('\n')
}

/** `mount('proc', '/proc', 'proc', ['nosuid'])` */
function codeOf({ form, values, step }: Call, names: Map<string, string>): string {
  names.set(form.maker, form.source)
  const code = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, asCode(form.params, name, value, names)]))
  const { actor, keep } = step
  // A pipe's two numbers are kept by its constructor; what a line keeps is the number returned.
  const slot = keep?.find(({ out }) => out === undefined)?.slot
  const options = actor || slot ? { ...(actor && { actor }), ...(slot && { keep: slot }) } : undefined
  const args = form.arguments(code, form.maker === 'clone3' && slot === undefined ? undefined : options)
  return `${form.maker}(${args.map((argument) => typescript(argument, names)).join(', ')})`
}

/** Code in place of a value; lists that a constructor takes apart stay lists. */
function asCode(params: readonly Param[], name: string, value: unknown, names: Map<string, string>): unknown {
  if (value === undefined) return undefined
  const param = params.find((one) => one.name === name)
  const code = (one: unknown) => new Code(octal(param, one) ?? typescript(one, names))
  const list = (param?.form === 'rest' || param?.form === 'leading') && !(value instanceof Expression)
  return list && Array.isArray(value) ? value.map(code) : code(value)
}

/** Modes are read and written in octal. */
function octal(param: Param | undefined, value: unknown): string | undefined {
  return param && (param.name === 'mode' || param.name === 'mask') && typeof value === 'number' ? `0o${value.toString(8)}` : undefined
}

/** From lib/index.ts what a lesson imports from there, the rest from where it stands. */
function imports(names: ReadonlyMap<string, string>, directory: string): string[] {
  const offered = offeredByIndex()
  const files = new Map<string, string[]>([['index', ['type Step']]])
  for (const [name, source] of names) {
    const file = offered.has(name) ? 'index' : `kernel/${source}`
    files.set(file, [...(files.get(file) ?? []), name])
  }
  const bare = (name: string) => name.replace('type ', '')
  return [...files].sort().map(([file, imported]) => {
    const from = relative(directory, `${LIBRARY}${file}.js`)
    const sorted = imported.sort((a, b) => (bare(a).toLowerCase() < bare(b).toLowerCase() ? -1 : 1))
    return `import { ${sorted.join(', ')} } from ${quoted(from.startsWith('.') ? from : `./${from}`)}`
  })
}

function offeredByIndex(): Set<string> {
  const text = readFileSync(`${LIBRARY}index.ts`, 'utf8')
  const lists = [...text.matchAll(/^export \{([^}]*)\}/gm)].map(([, list]) => list as string)
  return new Set(lists.flatMap((list) => list.split(/[\s,]+/)).filter((name) => name !== '' && name !== 'type'))
}

/** A name for the function from the file's: `my-box.ts` → myBox. What is imported, or a word of the language, is none. */
function functionName(path: string, imported: ReadonlyMap<string, string>): string {
  const words = basename(path, extname(path)).split(/[^A-Za-z0-9]+/)
  const name = words.map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('')
  if (!/^[A-Za-z]/.test(name)) return 'steps'
  return imported.has(name) || RESERVED.has(name) ? `${name}Steps` : name
}

/** In a module, which is strict: ECMAScript, 12.7.2 and 13.1.1. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements ' +
    'import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield'
  ).split(' '),
)
