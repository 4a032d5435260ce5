/** Steps as people read them: `mount("proc", "/proc", "proc", nosuid|nodev|noexec, NULL)`. */
import { errnoOf } from './constants.js'
import type { Arg, ArgValue, Ref, Step } from './step.js'

const LONGEST_BYTES = 48

/** One step as the call with its arguments in words. */
export function showStep(step: Pick<Step, 'call' | 'args'>): string {
  return `${step.call}(${step.args.map(showArg).join(', ')})`
}

/** One argument in words, without its name. */
export function showArg(arg: Arg | ArgValue): string {
  switch (arg.kind) {
    case 'int':
      return arg.shown ?? String(arg.value)
    case 'flags': {
      const words: string[] = [...arg.words]
      if (arg.extra) words.push(String(arg.extra))
      return words.length > 0 ? words.join('|') : '0'
    }
    case 'word':
      return arg.word
    case 'ref':
      return `<${arg.ref}>`
    case 'text':
      return quote(arg.parts.map((part) => (typeof part === 'string' ? part : showRef(part))).join(''))
    case 'bytes':
      return arg.shown ?? showBytes(arg.bytes)
    case 'strings':
      return `[${arg.values.map(quote).join(', ')}]`
    case 'out':
      return `&${arg.size} bytes`
    case 'struct':
      return `{${arg.fields.map(({ name, value }) => `${name}=${showArg(value)}`).join(', ')}}`
    case 'null':
      return 'NULL'
  }
}

/** `0` or the number on success, `-1 EPERM (Operation not permitted)` on failure. */
export function showOutcome(outcome: { ret: bigint; errno: number }): string {
  if (outcome.errno === 0) return String(outcome.ret)
  const { name, text } = errnoOf(outcome.errno)
  return `-1 ${name} (${text})`
}

function showRef({ ref }: Ref): string {
  return `<${ref}>`
}

function quote(text: string): string {
  return JSON.stringify(text)
}

function showBytes(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  if (/^[\x20-\x7e\n\t]*$/.test(text)) {
    return text.length > LONGEST_BYTES ? `${quote(text.slice(0, LONGEST_BYTES))}…` : quote(text)
  }
  return `<${bytes.length} bytes>`
}
