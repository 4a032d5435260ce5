/** `--format` of the verbs that print one document. */
import { DrydockError } from '../../kernel/errors.js'
import { compile } from '../format/index.js'

/** What docker ends with when the template cannot be read. */
const WRONG_TEMPLATE = 64

export function templateOf(format: string): (data: unknown) => string {
  try {
    return compile(format)
  } catch (error) {
    throw error instanceof DrydockError ? Object.assign(error, { exitCode: WRONG_TEMPLATE }) : error
  }
}
