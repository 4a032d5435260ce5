/**
 * Programs that keep credentials: `docker-credential-NAME get|store|erase`, the address or JSON on standard input, JSON or a sentence on standard
 * output. https://github.com/docker/docker-credential-helpers
 */
import { DrydockError } from '../../kernel/errors.js'
import type { Credentials } from './credentials.js'

const NOT_FOUND = 'credentials not found in native keychain'
/** The user name that says that the secret is an identity token. */
const TOKEN_USER = '<token>'
/** Some ask their user for a password first: milliseconds. */
const LONGEST_WAIT = 120_000
const LONGEST_ANSWER = 256 * 1024

export async function getFromHelper(helper: string, server: string): Promise<Credentials | undefined> {
  const { answer, failed } = await call(helper, 'get', server)
  if (failed) {
    if (answer === NOT_FOUND) return undefined
    throw refusal(helper, answer)
  }
  let found: { Username?: unknown; Secret?: unknown }
  try {
    found = JSON.parse(answer)
  } catch {
    throw refusal(helper, 'its answer is no JSON')
  }
  const { Username: username, Secret: secret } = found
  if (typeof username !== 'string' || typeof secret !== 'string') throw refusal(helper, 'its answer has no Username and Secret')
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret }
}

export async function storeInHelper(helper: string, server: string, { username, password, identityToken }: Credentials): Promise<void> {
  const pair = identityToken ? { Username: TOKEN_USER, Secret: identityToken } : { Username: username ?? '', Secret: password ?? '' }
  const { answer, failed } = await call(helper, 'store', JSON.stringify({ ServerURL: server, ...pair }))
  if (failed) throw refusal(helper, answer)
}

export async function eraseInHelper(helper: string, server: string): Promise<void> {
  const { answer, failed } = await call(helper, 'erase', server)
  if (failed && answer !== NOT_FOUND) throw refusal(helper, answer)
}

async function call(helper: string, verb: 'get' | 'store' | 'erase', input: string): Promise<{ answer: string; failed: boolean }> {
  // It is a name in the search path, never a path.
  if (!/^[A-Za-z0-9._-]+$/.test(helper)) throw new DrydockError(`the credential helper '${helper}' has no name that a program could have`)
  const { execa } = await import('execa') // takes longer to load than most commands: only for those who have a helper
  const options = { input, reject: false, timeout: LONGEST_WAIT, maxBuffer: LONGEST_ANSWER, stderr: 'ignore' } as const
  const result = await execa(`docker-credential-${helper}`, [verb], options)
  // EACCES: a directory of the search path is not this user's to look into, and no other has it.
  if (result.code === 'ENOENT' || result.code === 'EACCES') {
    throw new DrydockError(
      `error getting credentials - err: exec: "docker-credential-${helper}": executable file not found in $PATH, out: \`\``,
    )
  }
  return { answer: result.stdout.trim(), failed: result.failed }
}

const refusal = (helper: string, answer: string) =>
  new DrydockError(`error getting credentials: docker-credential-${helper}: ${answer || 'it failed and said nothing'}`)
