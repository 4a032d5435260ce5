/** `docker login` and `docker logout`. */
import type { Reference } from '../reference.js'
import { type Credentials, eraseCredentials, saveCredentials } from './credentials.js'
import { Registry, type RegistryOptions } from './registry.js'

/** See that a registry takes them, and keep them. */
export async function login(domain: string, credentials: Credentials, options: RegistryOptions): Promise<void> {
  await saveCredentials(domain, { ...credentials, ...(await checkLogin(domain, credentials, options)) })
}

/**
 * See that a registry (`docker.io`, `localhost:5000`) takes them; the identity token that it gives, if it does. Errors are Docker's, with status 401 when it
 * does not.
 */
export async function checkLogin(domain: string, credentials: Credentials, options: RegistryOptions): Promise<{ identityToken?: string }> {
  const reference: Reference = { domain, path: '' }
  const registry = new Registry(reference, { ...options, credentials: async (other) => (other === domain ? credentials : undefined) })
  try {
    return await registry.login()
  } finally {
    registry.close()
  }
}

/** Forget what is kept; false when there was nothing. */
export const logout = (domain: string): Promise<boolean> => eraseCredentials(domain)
