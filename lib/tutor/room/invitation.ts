/** Where a room is: the address that an instructor has told. */
import { DrydockError } from '../../kernel/errors.js'

export interface Invitation {
  /** `http://192.0.2.1:8080`: as it is shown, and what is asked. */
  readonly origin: string
  /** The room's word, if the address bears it. */
  readonly room: string | undefined
  readonly encrypted: boolean
}

export function parseInvitation(text: string): Invitation {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const problem = url ? problemOf(url) : 'it is no address'
  if (!url || problem !== undefined) {
    throw new DrydockError(`'${text}' cannot be joined: ${problem}; take the one that the instructor’s page shows, http://HOST:PORT`)
  }
  const room = url.searchParams.get('room')?.trim()
  return { origin: url.origin, room: room || undefined, encrypted: url.protocol === 'https:' }
}

function problemOf({ protocol, pathname, username, password }: URL): string | undefined {
  if (protocol !== 'http:' && protocol !== 'https:') return `it begins with ${protocol} where http: or https: is wanted`
  if (username !== '' || password !== '') return 'there is a user name or a password in it'
  return pathname === '/' ? undefined : `there is a path in it, ${pathname}`
}
