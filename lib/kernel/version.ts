/** The version in package.json; the bundle has it as a constant. */
import { readFileSync } from 'node:fs'

declare const DRYDOCK_VERSION: string | undefined

export const VERSION: string =
  typeof DRYDOCK_VERSION === 'string'
    ? DRYDOCK_VERSION
    : (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version
