/** The body of POST /containers/NAME/exec, checked: what is wrong with it is said by name. */
import { DrydockError } from '../../kernel/errors.js'
import { parseDetachKeys } from '../keys.js'
import type { Document } from '../types.js'
import type { ExecRequest } from './exec-record.js'

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export function execRequest(body: Document): ExecRequest {
  const argv = strings(body, 'Cmd')
  if (argv.length === 0) refuse('No exec command specified')
  const detachKeys = string(body, 'DetachKeys')
  parseDetachKeys(detachKeys)
  const size = sizeOf(body.ConsoleSize)
  return {
    argv,
    env: strings(body, 'Env'),
    user: string(body, 'User'),
    cwd: directory(string(body, 'WorkingDir')),
    privileged: boolean(body, 'Privileged'),
    tty: boolean(body, 'Tty'),
    stdin: boolean(body, 'AttachStdin'),
    stdout: boolean(body, 'AttachStdout'),
    stderr: boolean(body, 'AttachStderr'),
    detachKeys,
    ...(size && { size }),
  }
}

/** Rows and columns; undefined when nothing was said, or `[0, 0]`, which says as much. */
export function sizeOf(value: unknown): readonly [number, number] | undefined {
  if (value === undefined || value === null) return undefined
  const valid = Array.isArray(value) && value.length === 2 && value.every((one) => Number.isInteger(one) && one >= 0 && one <= 0xffff)
  if (!valid) return refuse(`ConsoleSize is [rows, columns], each from 0 to 65535; ${JSON.stringify(value)} is not`)
  const [rows, columns] = value as [number, number]
  return rows === 0 && columns === 0 ? undefined : [rows, columns]
}

/** runc refuses a relative one. */
function directory(path: string): string {
  if (path !== '' && !path.startsWith('/')) refuse(`Cwd must be an absolute path; '${path}' is not`)
  return path
}

function strings(body: Document, name: string): readonly string[] {
  const value = body[name]
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value as string[]
  return refuse(`${name} is a list of strings; ${JSON.stringify(value)} is not`)
}

function string(body: Document, name: string): string {
  const value = body[name]
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : refuse(`${name} is a string; ${JSON.stringify(value)} is not`)
}

function boolean(body: Document, name: string): boolean {
  const value = body[name]
  if (value === undefined || value === null) return false
  return typeof value === 'boolean' ? value : refuse(`${name} is true or false; ${JSON.stringify(value)} is neither`)
}
