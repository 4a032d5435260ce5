/** `drydock login`: see that a registry takes a name and a password, and keep them where docker does. */
import { Command } from 'commander'
import { DOCKER_HUB, parseDomain } from '../image/reference.js'
import { configPath, credentialsFor, keepsInFile, login as logIn, RegistryError, registryConfig } from '../image/registry/index.js'
import { DrydockError } from '../kernel/errors.js'
import { dataRoot } from '../kernel/places.js'
import { STRANGERS_REFUSED } from '../network/strangers.js'
import { interruptible } from './interrupt.js'
import { parseVerb } from './verb.js'

export interface LoginFlags {
  readonly username?: string
  readonly password?: string
  readonly passwordStdin: boolean
}

export interface Account {
  readonly username: string
  readonly password: string
}

export async function login(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock login')
    .description('Log in to a registry; to Docker Hub when none is named.')
    .argument('[server]')
    .usage('[OPTIONS] [SERVER]')
    .option('-u, --username <name>', 'who')
    .option('-p, --password <password>', 'password or access token; others can see it')
    .option('--password-stdin', 'read it from standard input', false)
  const parsed = parseVerb<LoginFlags>(command, argv)
  if ('status' in parsed) return parsed.status
  const domain = parseDomain(parsed.args[0] ?? '')
  const given = await accountOf(parsed.options)
  if (!given && parsed.options.username === undefined && (await again(domain))) return 0
  const account = given ?? (await (await import('./login-prompt.js')).askAccount(domain, parsed.options.username))
  await attempt(domain, account)
  return 0
}

/** From the command line alone; undefined when something of it has to be asked for. */
export async function accountOf({ username, password, passwordStdin }: LoginFlags): Promise<Account | undefined> {
  if (password !== undefined) {
    if (passwordStdin) throw wrong('conflicting options: cannot specify both --password and --password-stdin')
    process.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n')
  }
  if (!passwordStdin) return username !== undefined && password !== undefined ? { username, password } : undefined
  if (username === undefined) throw wrong('the --password-stdin option requires --username to be set')
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return {
    username,
    password: Buffer.concat(chunks)
      .toString('utf8')
      .replace(/\r?\n$/, ''),
  }
}

const wrong = (sentence: string): DrydockError => new DrydockError(sentence, { status: 400 })

/** With what is kept; false when nothing is, or the registry takes it no more. */
async function again(domain: string): Promise<boolean> {
  const kept = await credentialsFor(domain)
  if (!kept?.username) return false
  process.stderr.write(`Authenticating with existing credentials... [Username: ${kept.username}]\n`)
  process.stderr.write("\n Info -> To login with a different account, run 'drydock logout' followed by 'drydock login'\n\n")
  try {
    await interruptible((signal) => logIn(domain, kept, { config: registryConfig(dataRoot()), signal, guard: STRANGERS_REFUSED }))
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status !== 401) throw error
    process.stderr.write(`Login did not succeed, error: ${error.message}\n`)
    return false
  }
  process.stdout.write('Login Succeeded\n')
  return true
}

async function attempt(domain: string, account: Account): Promise<void> {
  if (account.password === '') throw wrong('password is empty')
  await interruptible((signal) => logIn(domain, account, { config: registryConfig(dataRoot()), signal, guard: STRANGERS_REFUSED }))
  if (keepsInFile(domain)) {
    process.stderr.write(
      `\nWARNING! Your credentials are stored unencrypted in '${configPath()}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
    )
  }
  process.stdout.write('Login Succeeded\n')
}

/** As docker names it in questions. */
export const shownDomain = (domain: string): string => (domain === DOCKER_HUB ? 'https://index.docker.io/v1/' : domain)
