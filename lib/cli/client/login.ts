/** `drydock login`: the engine sees that a registry takes a name and a password; they are kept where docker keeps them. */
import { parseDomain } from '../../image/reference.js'
import { configPath, credentialsFor, keepsInFile, saveCredentials } from '../../image/registry/index.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import type { Engine } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { type Account, accountOf, type LoginFlags } from '../login.js'
import { serverAddress } from './pulling.js'
import { verb } from './verb.js'

export const login = verb<LoginFlags>(
  (path) =>
    new GoCommand(path)
      .description('Log in to a registry; to Docker Hub when none is named.')
      .usage('[OPTIONS] [SERVER]')
      .argument('[server]', 'HOST[:PORT]')
      .option('-p, --password <password>', 'password or access token; others can see it')
      .option('--password-stdin', 'read it from standard input', false)
      .option('-u, --username <name>', 'who'),
  async ({ options, args, engine: open }) => {
    const domain = parseDomain(args[0] ?? '')
    const given = await accountOf(options)
    const engine = await open()
    if (!given && options.username === undefined && (await again(engine, domain))) return 0
    const account = given ?? (await (await import('../login-prompt.js')).askAccount(domain, options.username))
    if (account.password === '') throw new DrydockError('password is empty', { status: 400 })
    const { IdentityToken, Status } = await asked(engine, domain, account)
    await saveCredentials(domain, { ...account, ...(IdentityToken && { identityToken: IdentityToken }) })
    if (keepsInFile(domain))
      process.stderr.write(
        `\nWARNING! Your credentials are stored unencrypted in '${configPath()}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
      )
    process.stdout.write(`${Status}\n`)
    return 0
  },
)

interface Answer {
  readonly Status: string
  readonly IdentityToken?: string
}

const asked = (engine: Engine, domain: string, { username, password }: Account): Promise<Answer> =>
  engine.call({ method: 'POST', path: '/auth', body: { username, password, serveraddress: serverAddress(domain) } })

/** With what is kept; false when nothing is, or the registry takes it no more. */
async function again(engine: Engine, domain: string): Promise<boolean> {
  const kept = await credentialsFor(domain)
  if (!kept?.username) return false
  process.stderr.write(`Authenticating with existing credentials... [Username: ${kept.username}]\n`)
  process.stderr.write("\n Info -> To login with a different account, run 'drydock logout' followed by 'drydock login'\n\n")
  try {
    const { Status } = await engine.call<Answer>({
      method: 'POST',
      path: '/auth',
      body: {
        username: kept.username,
        password: kept.password ?? '',
        ...(kept.identityToken && { identitytoken: kept.identityToken }),
        serveraddress: serverAddress(domain),
      },
    })
    process.stdout.write(`${Status}\n`)
    return true
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`Login did not succeed, error: ${sentenceOf(error)}\n`)
    return false
  }
}
