/** The set-up's table of packages, in plain JavaScript since the set-up runs before TypeScript can. */
import { createRequire } from 'node:module'

interface Packages {
  /** Full path of a command, the administrator's directories included. */
  findCommand(name: string): string | undefined
  /** The command line that installs what brings these commands, on this distribution. */
  installHint(names: readonly string[]): string
}

export const { findCommand, installHint } = createRequire(import.meta.url)('../../scripts/packages.cjs') as Packages
