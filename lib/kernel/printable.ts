/**
 * Text of strangers for people's terminals, logs and lines. What would move the cursor, begin a line of its own or draw the rest of it backwards is shown as
 * JSON would write it. Unicode's categories Cc, Zl and Zp, the controls of direction (UAX 9), and halves of surrogates.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const escaped = (one: string): string => SHORT[one] ?? `\\u${(one.codePointAt(0) as number).toString(16).padStart(4, '0')}`

/** The same in one line. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped)

/** With no more than so many characters (at least 100); what is left out in the middle is told. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  const half = Math.floor((most - 40) / 2)
  return `${text.slice(0, half)}… (${text.length - 2 * half} characters more) …${text.slice(-half)}`
}
