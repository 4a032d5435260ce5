/** Checks of what a program is started with, before anything is made. execve(2). */
import { DrydockError } from '../kernel/errors.js'

/** What the shim and the kernel take as one path, with its NUL. */
const LONGEST_PATH = 4096
/** MAX_ARG_STRLEN: one argument or variable, 32 pages. */
const LONGEST_STRING = 131072

function refuse(sentence: string): never {
  throw new DrydockError(sentence, { status: 400 })
}

function checkString(text: string, what: string): void {
  if (text.includes('\0')) refuse(`${what} holds a NUL byte: ${JSON.stringify(text)}`)
  if (Buffer.byteLength(text) >= LONGEST_STRING)
    refuse(`${what} is ${Buffer.byteLength(text)} bytes long; the kernel takes ${LONGEST_STRING - 1}`)
}

/** An absolute path. */
export function checkPath(path: string, what: string): void {
  checkString(path, what)
  if (!path.startsWith('/')) refuse(`${what} is an absolute path; '${path}' is not`)
  if (Buffer.byteLength(path) >= LONGEST_PATH)
    refuse(`${what} is ${Buffer.byteLength(path)} bytes long; the kernel takes ${LONGEST_PATH - 1}`)
}

/** At least the program's name. */
export function checkArguments(argv: readonly string[]): void {
  if (argv.length === 0) refuse('there is no program to start: the list of arguments is empty')
  if (argv[0] === '') refuse('the program to start has an empty name')
  argv.forEach((arg, index) => {
    checkString(arg, index === 0 ? 'the program’s name' : `argument ${index}`)
  })
}

/** KEY=VALUE each; of several with one key the last counts, at the first one's place. */
export function checkEnvironment(env: readonly string[]): string[] {
  const variables = new Map<string, string>()
  for (const variable of env) {
    const name = variable.slice(0, Math.max(0, variable.indexOf('=')))
    if (name === '') refuse(`a variable is written as NAME=VALUE; ${JSON.stringify(variable)} is not`)
    checkString(variable, `the variable ${JSON.stringify(name)}`)
    variables.set(name, variable)
  }
  return [...variables.values()]
}
