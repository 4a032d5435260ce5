/** Sentences about archives that are not what they should be. */
import { DrydockError } from '../../kernel/errors.js'

/** A name for a person, in quotes: what does not print is escaped as a C string's, so is all beyond ASCII in what is no UTF-8; long ones are cut in the middle. */
export function showName(name: Uint8Array): string {
  const bytes = Buffer.from(name.subarray(0, 4096))
  const decoded = bytes.toString('utf8')
  const isText = Buffer.from(decoded).equals(bytes)
  const characters = [...(isText ? decoded : bytes.toString('latin1'))].map((one) => escaped(one, isText))
  const shown = characters.length > 120 ? [...characters.slice(0, 60), '…', ...characters.slice(-50)] : characters
  return `"${shown.join('')}"`
}

function escaped(one: string, isText: boolean): string {
  const code = one.codePointAt(0) as number
  if (one === '"' || one === '\\') return `\\${one}`
  if (one === '\n') return '\\n'
  if ((code >= 0x20 && code < 0x7f) || (isText && code >= 0xa0)) return one
  return `\\${code.toString(8).padStart(3, '0')}`
}

/** The archive cannot be read any further. */
export function damaged(what: string): DrydockError {
  return new DrydockError(`the archive is damaged: ${what}`, { status: 400 })
}
