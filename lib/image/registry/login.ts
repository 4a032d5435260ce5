/** `docker login` and `docker logout`. */
import type { Reference } from '../reference.js'
import { type Credentials, eraseCredentials, saveCredentials } from './credentials.js'
import { Registry, type RegistryOptions } from './registry.js'

/** See that a registry (`docker.io`, `localhost:5000`) takes them, and keep them. Errors are Docker's, with status 401 when it does not. */
export async function login(domain: string, credentials: Credentials, options: RegistryOptions): Promise<void> {
  const reference: Reference = { domain, path: '' }
  const registry = new Registry(reference, { ...options, credentials: async (other) => (other === domain ? credentials : undefined) })
  try {
    const { identityToken } = await registry.login()
    await saveCredentials(domain, identityToken ? { ...credentials, identityToken } : credentials)
  } finally {
    registry.close()
  }
}

/** Forget what is kept; false when there was nothing. */
export const logout = (domain: string): Promise<boolean> => eraseCredentials(domain)
