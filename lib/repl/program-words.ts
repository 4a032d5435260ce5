/** The words of an execve: its arguments and its environment. */
import { type Kind, STRING } from './kinds.js'
import { LineError, type Token } from './tokens.js'

/** A path or argument of the new program. */
export const ARGUMENT: Kind<string> = { what: 'an argument', completion: { kind: 'path' }, parse: STRING.parse }

const NAME_EQUALS = /^[A-Za-z_]\w*=/

/** Does it look like one of the environment's NAME=VALUE? The name must not be in quotes, the value may. */
export const isAssignment = (token: Token): boolean => NAME_EQUALS.test(token.raw)

export const ASSIGNMENT: Kind<string> = {
  what: 'NAME=VALUE',
  parse(token) {
    if (!isAssignment(token)) throw new LineError(`${token.raw} is not NAME=VALUE`)
    return STRING.parse(token)
  },
}
