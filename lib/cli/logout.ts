/** `drydock logout`: forget what login has kept. */
import { Command } from 'commander'
import { parseDomain } from '../image/reference.js'
import { logout as logOut } from '../image/registry/index.js'
import { shownDomain } from './login.js'
import { parseVerb } from './verb.js'

export async function logout(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock logout')
    .description('Log out from a registry; from Docker Hub when none is named.')
    .argument('[server]')
    .usage('[SERVER]')
  const parsed = parseVerb(command, argv)
  if ('status' in parsed) return parsed.status
  const domain = parseDomain(parsed.args[0] ?? '')
  process.stdout.write(`Removing login credentials for ${shownDomain(domain)}\n`)
  await logOut(domain)
  return 0
}
