/** A command of a build that did not end with 0: its code becomes the client's. */
import { DrydockError } from '../../kernel/errors.js'

export class CommandFailed extends DrydockError {
  readonly code: number

  constructor(command: readonly string[], code: number) {
    super(`The command '${command.join(' ')}' returned a non-zero code: ${code}`)
    this.code = code
  }
}
