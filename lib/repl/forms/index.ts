/** Every call that can be typed. A new constructor needs a row here; a test says so. */
import { CREDENTIAL_FORMS } from './credentials.js'
import { FILE_FORMS } from './files.js'
import type { Form } from './form.js'
import { INTERNET_FORMS } from './internet.js'
import { MOUNT_FORMS } from './mounts.js'
import { PROCESS_FORMS } from './process.js'
import { READING_FORMS } from './reading.js'
import { SOCKET_FORMS } from './sockets.js'

export { type Form, type Param, usage, type Values } from './form.js'

export const FORMS: readonly Form[] = [
  ...PROCESS_FORMS,
  ...FILE_FORMS,
  ...READING_FORMS,
  ...MOUNT_FORMS,
  ...CREDENTIAL_FORMS,
  ...INTERNET_FORMS,
  ...SOCKET_FORMS,
]

/** Other names that people know a call by. */
const ALIASES: Readonly<Record<string, string>> = { clone: 'clone3', fork: 'clone3', prlimit: 'prlimit64', umount: 'umount2', dup2: 'dup3' }

/** The names that can be typed: the kernel's, and the constructors' of lessons. */
export const NAMES: readonly string[] = [...new Set([...FORMS.flatMap(({ call, maker }) => [call, maker]), ...Object.keys(ALIASES)])].sort()

/**
 * The forms of a name, with what of the name stands for: the kernel's name has all forms of that call, a constructor's only its own,
 * whose words (`prctl capbset_drop`) need not be typed.
 */
export function formsOf(name: string): readonly Form[] {
  const call = ALIASES[name] ?? name
  const byCall = FORMS.filter((form) => form.call === call)
  if (byCall.length > 0) return byCall
  return FORMS.filter(({ maker }) => maker === call).map((form) => ({
    ...form,
    params: form.params.filter((param) => param.form !== 'word'),
  }))
}

/** The kernel's name of what was typed. */
export const callOf = (name: string): string | undefined => formsOf(name)[0]?.call
