/** A typed line into the steps that it asks for, or one sentence about what is wrong with it. */
import { type Actor, ref, type Step, type StepOptions } from '../kernel/step.js'
import { type Form, formsOf, NAMES, type Param, usage, type Values } from './forms/index.js'
import { isNull } from './kinds.js'
import { didYouMean } from './near.js'
import { isAssignment } from './program-words.js'
import { LineError, type Token, tokenize } from './tokens.js'
import { Expression } from './typescript.js'

/** One call of a line. */
export interface Call {
  readonly form: Form
  readonly values: Values
  readonly step: Step
  /** To be made even when one before it in the same line has failed. */
  readonly always?: boolean
}

export interface Line {
  /** Set when the line says who makes the call; for `host` or `container` alone there are no calls. */
  readonly actor?: Actor
  /** It began with `-`: its errors do not stop a script. */
  readonly tolerant: boolean
  readonly calls: readonly Call[]
}

const KEEPABLE = /^[A-Za-z_][\w.-]*$/

/** `[-] [host|container] [NAME =] CALL …`. An empty line has no calls. `usual`: who makes the call when the line says nothing. */
export function parseLine(text: string, usual?: Actor): Line {
  const { tolerant, rest } = takeTolerance(text)
  const tokens = tokenize(rest)
  const actor = isActor(tokens[0]) ? (tokens.shift()?.raw as Actor) : undefined
  const keep = takeKeep(tokens)
  const head = tokens.shift()
  const line = { tolerant, ...(actor && { actor }) }
  if (!head) {
    if (keep !== undefined) throw new LineError(`${keep} = must be followed by a call`)
    return { ...line, calls: [] }
  }
  const maker = actor ?? usual
  const options = { ...(maker && { actor: maker }), ...(keep !== undefined && { keep }) }
  return { ...line, calls: callsOf(head.raw, tokens, options) }
}

/** A line that begins with `-` may fail: whether it does, and what is behind that. */
export function takeTolerance(text: string): { readonly tolerant: boolean; readonly rest: string } {
  const tolerant = /^\s*-(?!\d)/.test(text)
  return { tolerant, rest: tolerant ? text.replace('-', ' ') : text }
}

const isActor = (token: Token | undefined) => token?.raw === 'host' || token?.raw === 'container'

/** `name = call` and `name=call`. */
function takeKeep(tokens: Token[]): string | undefined {
  const [first, second] = tokens
  if (!first || first.quoted) return undefined
  if (second?.raw === '=') {
    if (!KEEPABLE.test(first.raw)) throw new LineError(`${first.raw} cannot be the name of a number: letters, digits and _ can`)
    tokens.splice(0, 2)
    return first.raw
  }
  const [, name, rest] = /^([A-Za-z_][\w.-]*)=(.+)$/.exec(first.raw) ?? []
  if (name === undefined || rest === undefined || formsOf(rest).length === 0) return undefined
  tokens[0] = { ...first, parts: [rest], raw: rest }
  return name
}

function callsOf(name: string, tokens: readonly Token[], options: StepOptions): Call[] {
  const forms = formsOf(name)
  if (forms.length === 0) throw new LineError(`there is no call ${name}${didYouMean(name, NAMES) || '; help lists what can be typed'}`)
  const file = fileCalls(name, tokens, options)
  if (file) return file
  try {
    return [callOf(forms, tokens, options)]
  } catch (error) {
    if (error instanceof LineError) throw new LineError(`${name}: ${error.message}`)
    throw error
  }
}

/** `write PATH TEXT` and `read PATH`: open, do it, close. */
function fileCalls(name: string, tokens: readonly Token[], options: StepOptions): Call[] | undefined {
  const path = tokens[0]
  if ((name !== 'write' && name !== 'read') || typeof path?.parts[0] !== 'string' || !path.raw.includes('/')) return undefined
  const { keep, ...rest } = options
  if (keep !== undefined) throw new LineError(`${name} of a path closes the file again, so that there is nothing to keep`)
  const file = reference('file')
  const one = (call: string, words: readonly Token[], more: StepOptions = {}) => callsOf(call, words, { ...rest, ...more })
  return [
    ...one('openat', [path, plain(name === 'write' ? 'wronly' : 'rdonly')], { keep: 'file' }),
    ...one(name, [file, ...tokens.slice(1)]),
    ...one('close', [file]).map((call) => ({ ...call, always: true })),
  ]
}

const plain = (raw: string): Token => ({ parts: [raw], quoted: false, raw, start: 0, end: 0 })
const reference = (name: string): Token => ({ ...plain(`<${name}>`), parts: [ref(name)] })

function callOf(forms: readonly Form[], tokens: readonly Token[], options: StepOptions): Call {
  const form = choose(forms, tokens)
  const values = read(form, tokens, forms)
  const given = Object.keys(options).length > 0 ? options : undefined
  const evaluated = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, evaluate(value)]))
  return { form, values, step: form.make(...form.arguments(evaluated, given)) }
}

const evaluate = (value: unknown) => (value instanceof Expression ? value.value : value)

/** Of several forms of a call the first whose words are there: `prctl set_keepcaps`, `ioctl <fd> tiocsctty`. */
function choose(forms: readonly Form[], tokens: readonly Token[]): Form {
  let furthest = { matched: -1, at: 0 }
  for (const form of forms) {
    const literals = wordsAt(form, tokens)
    const wrong = literals.findIndex(({ token, literal }) => token?.raw !== literal)
    if (wrong < 0) return form
    if (wrong > furthest.matched) furthest = { matched: wrong, at: literals[wrong]?.at as number }
  }
  const { matched, at } = furthest
  const possible = forms.flatMap((form) => {
    const literals = wordsAt(form, tokens)
    return literals.slice(0, matched).every(({ token, literal }) => token?.raw === literal) ? (literals[matched]?.literal ?? []) : []
  })
  const words = [...new Set(possible)]
  const typed = positional(forms[0] as Form, tokens)[at]
  const list = `there are ${words.join(', ')}`
  if (!typed) throw new LineError(`which operation? ${list}`)
  throw new LineError(`${typed.raw} cannot stand here${didYouMean(typed.raw, words) || `; ${list}`}`)
}

/** The words that a form insists on, and what stands in their places. */
function wordsAt(form: Form, tokens: readonly Token[]): { at: number; literal: string; token: Token | undefined }[] {
  const typed = positional(form, tokens)
  const places = form.params.filter(isPositional)
  return places.flatMap(({ literal }, at) => (literal === undefined ? [] : [{ at, literal, token: typed[at] }]))
}

const isPositional = ({ form }: Param) => form !== 'named' && form !== 'switch' && form !== 'leading'

/** What fills the places in their order: all but NAME=VALUE in front, `name=…` and switches. */
function positional(form: Form, tokens: readonly Token[]): Token[] {
  return sort(form, tokens).places
}

interface Sorted {
  readonly places: Token[]
  readonly leading: Token[]
  readonly named: Map<Param, Token>
}

function sort(form: Form, tokens: readonly Token[]): Sorted {
  const places = form.params.filter(isPositional)
  const rest = places.findIndex((param) => param.form === 'rest')
  const takesLeading = form.params.some((param) => param.form === 'leading')
  const sorted: Sorted = { places: [], leading: [], named: new Map() }
  for (const token of tokens) {
    // What belongs to the rest is taken as it stands, whatever it looks like.
    const free = rest < 0 || sorted.places.length < rest
    const named = free && !token.quoted ? form.params.find((param) => isNamed(param, token)) : undefined
    if (named) sorted.named.set(named, named.form === 'switch' ? token : behindEquals(token, named.name))
    else if (takesLeading && sorted.places.length === 0 && isAssignment(token)) sorted.leading.push(token)
    else sorted.places.push(token)
  }
  return sorted
}

function isNamed({ form, name }: Param, { raw }: Token): boolean {
  return form === 'switch' ? raw === name : form === 'named' && raw.startsWith(`${name}=`)
}

/** The token behind `name=`. */
function behindEquals(token: Token, name: string): Token {
  const skip = name.length + 1
  const [first, ...others] = token.parts
  const head = typeof first === 'string' ? first.slice(skip) : ''
  return { ...token, parts: head === '' && others.length > 0 ? others : [head, ...others], raw: token.raw.slice(skip) }
}

function read(form: Form, tokens: readonly Token[], siblings: readonly Form[]): Values {
  const { places, leading, named } = sort(form, tokens)
  const values: Record<string, unknown> = {}
  let at = 0
  for (const param of form.params) {
    const { name, kind } = param
    if (param.form === 'leading') values[name] = leading.map((token) => kind.parse(token))
    else if (param.form === 'named' || param.form === 'switch') {
      const token = named.get(param)
      if (token) values[name] = kind.parse(token)
    } else if (param.form === 'rest') {
      const left = places.slice(at)
      values[name] = kind.parseAll ? kind.parseAll(left) : left.map((token) => kind.parse(token))
      at = places.length
    } else values[name] = readPlace(param, places[at++], form)
  }
  const extra = places[at]
  if (extra) throw tooMany(extra, at, form, siblings)
  return values
}

function readPlace({ form: kindOfPlace, name, kind }: Param, token: Token | undefined, form: Form): unknown {
  const optional = kindOfPlace === 'optional' || kindOfPlace === 'optionalNull'
  if (!token) {
    if (optional) return undefined
    throw new LineError(`${name.toUpperCase()} is missing, ${kind.what}; it is typed ${usage(form)}`)
  }
  if (isNull(token)) {
    if (kindOfPlace === 'null' || kindOfPlace === 'optionalNull') return null
    if (kindOfPlace === 'optional') return undefined
  }
  return kind.parse(token)
}

function tooMany(token: Token, at: number, form: Form, siblings: readonly Form[]): LineError {
  const others = siblings.flatMap(({ params }) => params.filter(isPositional)[at]?.literal ?? [])
  const names = form.params.flatMap(({ name, form: kindOfPlace }) =>
    kindOfPlace === 'switch' ? [name] : kindOfPlace === 'named' ? [`${name}=`] : [],
  )
  const suggestion = didYouMean(token.raw, [...others, ...names])
  return new LineError(`${token.raw} is one word too many${suggestion || `; it is typed ${usage(form)}`}`)
}

/** What the next word of a line would be read as, for completion: the places that it could fill. */
export function nextParams(name: string, tokens: readonly Token[]): Param[] {
  return formsOf(name).flatMap((form) => {
    const { places } = sort(form, tokens)
    const literals = wordsAt(form, tokens).filter(({ token }) => token !== undefined)
    if (literals.some(({ token, literal }) => token?.raw !== literal)) return []
    const positions = form.params.filter(isPositional)
    const next = positions[places.length] ?? (positions.at(-1)?.form === 'rest' ? positions.at(-1) : undefined)
    const rest = positions.findIndex((param) => param.form === 'rest')
    const free = rest < 0 || places.length < rest
    const others = free ? form.params.filter((param) => param.form === 'named' || param.form === 'switch') : []
    return [...(next ? [next] : []), ...others]
  })
}
