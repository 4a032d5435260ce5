/** Flags as docker's command line reads them (github.com/spf13/pflag), made of commander's options. */
import { Command, Option } from 'commander'
import { parseDuration } from '../kernel/durations.js'
import { DrydockError } from '../kernel/errors.js'

/** What is wrong with a flag's value, in pflag's words. The call ends with the status of a wrong flag. */
export class FlagError extends DrydockError {
  constructor(sentence: string) {
    super(sentence, { status: 400 })
  }
}

/**
 * A command whose flags are written as Go's are: `--rm=false`, `-it`, `-e=NAME`, the same flag by two words. commander reads what is left when
 * that is put in its own terms.
 */
export class GoCommand extends Command {
  readonly #words = new Map<string, string>()
  #operandEnds = false

  /** `word` means `flag`, and is not listed in the help. */
  alsoSpelled(word: string, flag: string): this {
    this.#words.set(word, flag)
    return this
  }

  override passThroughOptions(on = true): this {
    this.#operandEnds = on
    return super.passThroughOptions(on)
  }

  /** The arguments as commander takes them, and the switches that were given a value. Throws FlagError. */
  readFlags(argv: readonly string[]): { readonly argv: readonly string[]; readonly switches: ReadonlyMap<Option, boolean> } {
    const out: string[] = []
    const switches = new Map<Option, boolean>()
    const words = [...argv]
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === '--' || word === '-' || !word.startsWith('-')) {
        out.push(word)
        if (word !== '--' && !this.#operandEnds) continue
        out.push(...words)
        break
      }
      if (word.startsWith('--')) this.#long(word, words, out, switches)
      else this.#short(word, words, out, switches)
    }
    return { argv: out, switches }
  }

  #long(word: string, words: string[], out: string[], switches: Map<Option, boolean>): void {
    const [, typed = '', value] = /^(--[^=]*)(?:=(.*))?$/s.exec(word) ?? []
    const name = this.#words.get(typed) ?? typed
    const option = this.options.find(({ long }) => long === name)
    if (!option) {
      out.push(word)
    } else if (takesValue(option)) {
      out.push(name)
      const given = value ?? words.shift()
      if (given === undefined) throw new FlagError(`flag needs an argument: ${typed}`)
      out.push(given)
    } else this.#switch(option, name, value, out, switches)
  }

  /** `-it`, `-eNAME`, `-t=false`: letters up to the first that takes a value. */
  #short(word: string, words: string[], out: string[], switches: Map<Option, boolean>): void {
    for (let at = 1; at < word.length; at++) {
      const name = this.#words.get(`-${word[at]}`) ?? `-${word[at]}`
      const option = this.options.find(({ short, long }) => short === name || long === name)
      if (!option) throw new FlagError(`unknown shorthand flag: '${word[at]}' in -${word.slice(at)}`)
      const rest = word.slice(at + 1)
      if (takesValue(option)) {
        const given = rest === '' ? words.shift() : rest.replace(/^=/, '')
        if (given === undefined) throw new FlagError(`flag needs an argument: '${word[at]}' in -${word.slice(at)}`)
        out.push(name, given)
        return
      }
      if (rest.startsWith('=')) return this.#switch(option, name, rest.slice(1), out, switches)
      this.#switch(option, name, undefined, out, switches)
    }
  }

  #switch(option: Option, name: string, value: string | undefined, out: string[], switches: Map<Option, boolean>): void {
    switches.delete(option)
    const on = value === undefined || asBoolean(option, value)
    if (on) out.push(name)
    if (!on) switches.set(option, option.negate)
  }
}

/** Commander's own help flag is no option of the command. */
const takesValue = (option: Option): boolean => option.required || option.optional

/** strconv.ParseBool */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false])),
}

function asBoolean(option: Option, value: string): boolean {
  const meant = Object.hasOwn(BOOLEANS, value) ? BOOLEANS[value] : undefined
  if (meant === undefined) throw wrong(option, value, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`)
  return meant
}

const wrong = ({ short, long }: Option, value: string, sentence: string): FlagError =>
  new FlagError(`invalid argument ${JSON.stringify(value)} for "${short ? `${short}, ` : ''}${long}" flag: ${sentence}`)

/** A flag whose value `parse` reads; what it throws for people is told with the flag's name. */
export function valued<T>(flags: string, text: string, parse: (value: string, before: T) => T, initial?: T): Option {
  const option = new Option(flags, text)
  option.argParser((value: string, before: T) => {
    try {
      return parse(value, before)
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      throw wrong(option, value, error.message)
    }
  })
  return initial === undefined ? option : option.default(initial, Array.isArray(initial) ? 'none' : undefined)
}

/** May be given more than once; `check` gives what is kept of each. */
export const list = (flags: string, text: string, check: (value: string) => string = (value) => value): Option =>
  valued<string[]>(flags, text, (value, before) => [...before, check(value)], [])

/** pflag's `strings`: also several in one, with commas between. */
export const commaList = (flags: string, text: string): Option =>
  valued<string[]>(flags, text, (value, before) => [...before, ...(value === '' ? [] : value.split(','))], [])

/** A whole number, also 0x10 and 0b11; strconv.ParseInt's words. */
export const whole = (flags: string, text: string, initial?: number): Option => valued<number>(flags, text, readWhole, initial)

export function readWhole(value: string): number {
  const digits = /^[-+]?(0x[0-9a-f]+|0b[01]+|0o?[0-7]+|[0-9]+)$/i.exec(value)?.[1]
  if (digits === undefined) throw new DrydockError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`, { status: 400 })
  const size = Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits)
  if (!Number.isSafeInteger(size))
    throw new DrydockError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: value out of range`, { status: 400 })
  return value.startsWith('-') ? 0 - size : size
}

/** A number of sixteen bits without a sign. */
export function readSixteen(value: string): number {
  const wrong = (why: string) => new DrydockError(`strconv.ParseUint: parsing ${JSON.stringify(value)}: ${why}`, { status: 400 })
  if (!/^\d+$/.test(value)) throw wrong('invalid syntax')
  if (Number(value) > 0xffff) throw wrong('value out of range')
  return Number(value)
}

/** go-units, RAMInBytes: every unit is a power of 1024. */
export const bytes = (flags: string, text: string): Option => valued<number>(flags, text, readBytes)

const POWERS = 'bkmgtpe'

export function readBytes(value: string): number {
  const wrong = (what: string): never => {
    throw new DrydockError(what, { status: 400 })
  }
  const [, number, suffix = ''] = /^(.*[0-9. ])([^0-9. ]*)$/s.exec(value) ?? wrong(`invalid size: '${value}'`)
  const size = /^\s*\d*\.?\d*\s?$/.test(number as string) && /\d/.test(number as string) ? Number(number) : Number.NaN
  if (Number.isNaN(size)) wrong(`invalid size: '${value}'`)
  const [, unit] = /^([kmgtpe]?)(?:i?b)?$/i.exec(suffix) ?? wrong(`invalid suffix: '${suffix.toLowerCase()}'`)
  return Math.trunc(size * 1024 ** POWERS.indexOf(unit?.toLowerCase() || 'b'))
}

/** A duration of Go (`1h2m3.5s`) in nanoseconds. */
export const duration = (flags: string, text: string): Option => valued<number>(flags, text, parseDuration)

/** The words of each key that were given, as the Engine API takes them: `{"label":["a=b"]}`. */
export type FilterWords = Readonly<Record<string, readonly string[]>>

export const filters = (flags: string, text: string): Option => valued<FilterWords>(flags, text, readFilter, {})

export function readFilter(value: string, before: FilterWords): FilterWords {
  if (value === '') return before
  const at = value.indexOf('=')
  if (at < 0) throw new DrydockError('bad format of filter (expected name=value)', { status: 400 })
  const key = value.slice(0, at).trim().toLowerCase()
  const words = Object.hasOwn(before, key) ? (before[key] as readonly string[]) : []
  const word = value.slice(at + 1).trim()
  return { ...before, [key]: words.includes(word) ? words : [...words, word] }
}
