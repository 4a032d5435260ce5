/** Asking for a name and a password at the terminal. */
import { DOCKER_HUB } from '../image/reference.js'
import { DrydockError } from '../kernel/errors.js'
import { ask } from './ask.js'

/** `username`: when it is known already. */
export async function askAccount(domain: string, username?: string): Promise<{ username: string; password: string }> {
  if (!process.stdin.isTTY) throw new DrydockError('Cannot perform an interactive login from a non TTY device', { status: 400 })
  if (domain === DOCKER_HUB && username === undefined) process.stdout.write('Log in with your Docker ID or email address.\n')
  const name = username ?? (await ask('Username: ')).trim()
  if (name === '') throw new DrydockError('username is required', { status: 400 })
  const password = await ask('Password: ', { hidden: true })
  if (password === '') throw new DrydockError('password is required', { status: 400 })
  return { username: name, password }
}
