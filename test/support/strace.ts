/** strace(1) as an independent witness: what it saw, line by line, and what it should have seen of a step. */
import { readFileSync } from 'node:fs'
import { constant } from '../../lib/kernel/constants.js'
import type { ArgValue, Step } from '../../lib/kernel/step.js'
import type { Group } from '../../lib/kernel/words.js'

/** One finished call of one process. */
export interface Seen {
  readonly pid: number
  readonly call: string
  readonly args: string
  /** What follows `=`: the return value, with the error's name when it failed. */
  readonly result: string
}

/** `strace -f` output; calls that were interrupted by another process's line are put together again. */
export function parseStrace(text: string): Seen[] {
  const unfinished = new Map<number, string>()
  const seen: Seen[] = []
  for (const raw of text.split('\n')) {
    const [, pidText = '', rest = ''] = /^(\d+) +(.*)$/.exec(raw) ?? []
    const pid = Number(pidText)
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(pid, rest.slice(0, -'<unfinished ...>'.length).trimEnd())
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    const line = resumed ? `${unfinished.get(pid) ?? ''}${resumed[1]}` : rest
    const call = /^(\w+)\((.*)\)\s+= (.*)$/.exec(line)
    if (call) seen.push({ pid, call: call[1] as string, args: call[2] as string, result: call[3] as string })
  }
  return seen
}

const C_NAMES = new Map<string, string>()
for (const [, group, word, name] of readFileSync('native/constants.def', 'utf8').matchAll(/^CONSTANT\((\w+), (\w+), (\w+)\)$/gm)) {
  C_NAMES.set(`${group} ${word}`, name as string)
}

/**
 * What strace must have printed of a step's arguments, as a regular expression. Structures are matched by their flags and numbers,
 * in order; what is a number of this run (a descriptor, a pid) matches any.
 */
export function expectedArgs(step: Step): RegExp {
  // The kernel reads the mode of an open only when the file may be made, and strace prints it only then.
  const flagsOf = step.call === 'openat' ? step.args[2] : undefined
  const args = flagsOf?.kind === 'flags' && !flagsOf.words.includes('creat') ? step.args.slice(0, 3) : step.args
  if (step.call === 'prctl') return prctlArgs(step)
  return new RegExp(`^${args.map((arg) => expected(arg)).join(', ')}$`, 's')
}

/** strace prints of prctl what the operation reads; the zeros behind that may or may not be there. */
function prctlArgs({ args }: Step): RegExp {
  const last = args.findLastIndex((arg) => !(arg.kind === 'int' && Number(arg.value) === 0))
  const needed = args.slice(0, last + 1).map((arg) => expected(arg))
  return new RegExp(`^${needed.join(', ')}(?:, 0)*$`, 's')
}

function expected(arg: ArgValue): string {
  switch (arg.kind) {
    case 'int':
      return number(arg.value)
    case 'null':
      return '(?:NULL|0)'
    case 'ref':
      return '\\d+'
    case 'word':
      return either(C_NAMES.get(`${arg.group} ${arg.word}`), constant(arg.group as Group, arg.word as never))
    case 'flags':
      return flags(arg)
    case 'text':
      return quoted(arg.parts.map((part) => (typeof part === 'string' ? literal(escapeC(part)) : '\\d+')).join(''))
    case 'strings':
      return `\\[${arg.values.map((value) => quoted(literal(escapeC(value)))).join(', ')}\\]`
    case 'bytes':
      // What people read as words is a structure to strace; its content is compared by the test of its constructor.
      return arg.shown === undefined ? quoted(literal(escapeC(Buffer.from(arg.bytes).toString('latin1')))) : '.*'
    case 'out':
    case 'struct':
      return '.*'
  }
}

function flags({ group, words, extra }: ArgValue & { kind: 'flags' }): string {
  if (words.length === 0 && !extra) return '(?:0|\\w+)'
  const names = words.map((word) => C_NAMES.get(`${group} ${word}`) as string)
  // strace orders flags its own way and writes zero flags (O_RDONLY) when they are there: each must be named, in any order.
  return `(?=[^,]*)${names.map((name) => (isZero(group, name) ? '' : `(?=[^,]*\\b${name}\\b)`)).join('')}[^,]+`
}

function isZero(group: string, name: string): boolean {
  const word = [...C_NAMES].find(([key, value]) => value === name && key.startsWith(`${group} `))?.[0].split(' ')[1]
  return constant(group as Group, word as never) === 0
}

function number(value: number | bigint): string {
  const plain = String(value)
  const octal = `0${value.toString(8)}`
  const hexadecimal = `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`
  const all = [
    plain,
    octal,
    hexadecimal,
    ...(Number(value) === 0xffff_ffff ? ['4294967295', '~0U'] : []),
    ...(Number(value) === 0 ? ['NULL', '\\w+'] : []),
  ]
  // Modes and device numbers come as names that stand for them: S_IFCHR|0666, makedev(0x1, 0x3), F_SETFD.
  return `(?:${all.join('|')}|[A-Z]\\w*(?:\\|\\w+)*|makedev\\([^)]*\\))`
}

function either(name: string | undefined, value: number): string {
  // Some versions of strace print a macro around the number: 1<<CAP_KILL, CAP_KILL.
  return `(?:[^,]*\\b${name}\\b[^,]*|${value})`
}

const quoted = (content: string) => `"${content}"`
const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** As strace escapes strings: C escapes, octal for what does not print. */
function escapeC(text: string): string {
  return text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t')
}
