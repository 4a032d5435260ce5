/** Arguments of a step as a shell would have them: quoted, and kept numbers as variables. */
import type { Arg, ArgValue, Ref, Step } from '../../kernel/step.js'

/** The argument with this name. */
export function argument(step: Step, name: string): Arg | undefined {
  return step.args.find((arg) => arg.name === name)
}

/** A string, number or kept number as a shell word; undefined for NULL and for what a command line cannot hold. */
export function shellWord(step: Step, name: string): string | undefined {
  const arg = argument(step, name)
  return arg && shellValue(arg)
}

export function shellValue(arg: ArgValue): string | undefined {
  switch (arg.kind) {
    case 'int':
      return arg.shown ?? String(arg.value)
    case 'ref':
      return variable(arg)
    case 'word':
      return arg.word
    case 'text':
      return shellText(arg.parts)
    case 'bytes': {
      const text = Buffer.from(arg.bytes).toString()
      return /^[\x20-\x7e\n]*$/.test(text) ? quote(text) : undefined
    }
    default:
      return undefined
  }
}

/** The words of a flags argument; none when there is no such argument. */
export function wordsOf(step: Step, name: string): readonly string[] {
  const arg = argument(step, name)
  return arg?.kind === 'flags' ? arg.words : []
}

/** The one word of an argument such as prctl's operation. */
export function wordOf(step: Step, name: string): string | undefined {
  const arg = argument(step, name)
  return arg?.kind === 'word' ? arg.word : undefined
}

/** A number as it is written in the step, octal for modes (without the leading 0), or the kept one's variable. */
export function numberOf(step: Step, name: string): string | undefined {
  const arg = argument(step, name)
  if (arg?.kind === 'ref') return variable(arg)
  if (arg?.kind !== 'int') return undefined
  const octal = /^0([0-7]+)$/.exec(arg.shown ?? '')
  return octal ? octal[1] : String(arg.value)
}

/** A member of a structure argument. */
export function member(step: Step, argumentName: string, fieldName: string): ArgValue | undefined {
  const arg = argument(step, argumentName)
  return arg?.kind === 'struct' ? arg.fields.find(({ name }) => name === fieldName)?.value : undefined
}

/** The path at which the step's descriptor was opened, found in the steps before it. */
export function pathOfDescriptor(step: Step, earlier: readonly Step[], name = 'fd'): string | undefined {
  const arg = argument(step, name)
  if (arg?.kind !== 'ref') return undefined
  const opener = earlier.findLast(({ keep }) => keep?.some(({ slot, out }) => slot === arg.ref && out === undefined))
  if (!opener || (opener.call !== 'openat' && opener.call !== 'openat2')) return undefined
  return shellWord(opener, 'pathname')
}

/** Quoted when a shell would read it as something else. */
export function quote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** `$name`, or `${name}` where a letter could follow. */
const variable = ({ ref }: Ref) => `$${ref.replace(/\W/g, '_')}`

function shellText(parts: readonly (string | Ref)[]): string {
  if (parts.every((part) => typeof part === 'string')) return quote(parts.join(''))
  const inDoubleQuotes = (text: string) => text.replace(/["\\`$]/g, '\\$&')
  const text = parts.map((part) => (typeof part === 'string' ? inDoubleQuotes(part) : variable(part))).join('')
  return /^[\w@%+=:,./$-]+$/.test(text) ? text : `"${text}"`
}
