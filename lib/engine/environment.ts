/** `-e` and `--env-file` into variables, as docker's command line reads them. */
import { readFileSync } from 'node:fs'
import { DrydockError } from '../kernel/errors.js'

/** Variables in order; NAME alone takes this process's value, and is left out when there is none. */
export function parseEnvironment(texts: readonly string[], files: readonly string[], own: NodeJS.ProcessEnv = process.env): string[] {
  const lines = files.flatMap((file) => linesOf(file))
  return [...lines, ...texts].flatMap((text) => {
    if (text === '' || text.startsWith('=')) throw new DrydockError(`invalid environment variable: ${text}`, { status: 400 })
    if (text.includes('=')) return [text]
    const value = own[text]
    return value === undefined ? [] : [`${text}=${value}`]
  })
}

/** One variable a line; empty lines and those that begin with # are none. Nothing is unquoted. */
function linesOf(file: string): string[] {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new DrydockError(`open ${file}: ${(cause as NodeJS.ErrnoException).code}`, { cause, status: 400 })
  }
  return content
    .split('\n')
    .map((line) => line.replace(/\r$/, '').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = ''] = line.split('=', 1)
      if (/\s/.test(name))
        throw new DrydockError(`poorly formatted environment: variable '${name}' contains whitespaces (${file})`, { status: 400 })
      return line
    })
}

/** What was asked for, and then the image's of other names: Docker's order, which commit and inspect show. Of two of one name the last one counts. */
export function mergeEnvironment(image: readonly string[], asked: readonly string[]): string[] {
  const nameOf = (variable: string) => variable.split('=', 1)[0] as string
  const merged = new Map(asked.map((variable) => [nameOf(variable), variable]))
  for (const variable of image) if (!merged.has(nameOf(variable))) merged.set(nameOf(variable), variable)
  return [...merged.values()]
}
