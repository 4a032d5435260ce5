/** `drydock logout`: forget what login has kept. No engine is asked: it is this user's own file. */
import { parseDomain } from '../../image/reference.js'
import { eraseCredentials } from '../../image/registry/index.js'
import { GoCommand } from '../flags.js'
import { shownDomain } from '../login.js'
import { verb } from './verb.js'

export const logout = verb(
  (path) =>
    new GoCommand(path)
      .description('Log out from a registry; from Docker Hub when none is named.')
      .usage('[SERVER]')
      .argument('[server]', 'HOST[:PORT]'),
  async ({ args }) => {
    const domain = parseDomain(args[0] ?? '')
    process.stdout.write(`Removing login credentials for ${shownDomain(domain)}\n`)
    await eraseCredentials(domain)
    return 0
  },
)
