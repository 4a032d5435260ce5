/** `--security-opt`, as docker's command line and the Engine API take it. */
import { readFileSync } from 'node:fs'
import type { ContainerSpec } from '../container/index.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { type Profile, parseProfile } from '../primitives/seccomp/index.js'

type Security = Pick<ContainerSpec['security'], 'noNewPrivileges' | 'seccomp' | 'unmasked'>

/** `profile` gives the text of the one that is named: a file's on the command line; the API is sent the profile itself. */
export function parseSecurity(options: readonly string[], profile: (name: string) => string = fileText): Security & { warnings: string[] } {
  const result = { noNewPrivileges: false, seccomp: 'default' as Security['seccomp'], unmasked: false, warnings: [] as string[] }
  for (const option of options) {
    const [, key = '', value] = /^([a-z-]+)(?:[=:](.*))?$/s.exec(option) ?? []
    if (key === 'no-new-privileges') result.noNewPrivileges = flag(option, value)
    else if (key === 'seccomp' && value !== undefined) result.seccomp = profileOf(value, profile)
    else if (key === 'systempaths' && value === 'unconfined') result.unmasked = true
    else if (key === 'apparmor' || key === 'label') {
      // Nothing is taken away that would have been there: drydock sets no profile and no label.
      if (value !== 'unconfined' && value !== 'disable')
        result.warnings.push(
          `--security-opt ${option}: drydock sets no ${key === 'label' ? 'SELinux labels' : 'AppArmor profiles'}; the container runs without`,
        )
    } else
      throw new DrydockError(
        `invalid --security-opt: "${option}": there are no-new-privileges, seccomp=…, systempaths=unconfined, apparmor=… and label=…`,
        { status: 400 },
      )
  }
  return result
}

function flag(option: string, value: string | undefined): boolean {
  if (value === undefined || value === 'true') return true
  if (value === 'false') return false
  throw new DrydockError(`invalid --security-opt: "${option}": no-new-privileges is true or false`, { status: 400 })
}

/** `unconfined`, `builtin`, or what leads to a profile in Docker's format. */
function profileOf(value: string, profile: (name: string) => string): 'default' | 'unconfined' | Profile {
  if (value === 'unconfined') return 'unconfined'
  if (value === 'builtin') return 'default'
  const text = profile(value)
  try {
    return parseProfile(text)
  } catch (cause) {
    throw new DrydockError(`decoding seccomp profile (${value}) failed: ${sentenceOf(cause)}`, { cause, status: 400 })
  }
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DrydockError(`opening seccomp profile (${path}) failed: ${(cause as NodeJS.ErrnoException).code}`, { cause, status: 400 })
  }
}
