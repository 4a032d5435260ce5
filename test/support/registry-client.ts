/** A client that knows no settings of this machine and does not wait long before it tries again. */
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { parseReference } from '../../lib/image/reference.js'
import { Registry, type RegistryConfig, type RegistryOptions } from '../../lib/image/registry/index.js'

export const NO_CONFIG: RegistryConfig = { mirrors: [], insecure: [], certificates: [] }

export function registryClient(reference: string, options: Partial<RegistryOptions> = {}): Registry {
  return new Registry(parseReference(reference), {
    config: NO_CONFIG,
    credentials: async () => undefined,
    patience: { attempts: 3, first: 5, longest: 3000 },
    timeouts: { connect: 10_000, idle: 10_000 },
    ...options,
  })
}

/** For servers that stall. Who does not must answer in that time on a busy machine too. */
export const SOON = { timeouts: { connect: 10_000, idle: 1000 } }

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Bytes that no compression helps with; the same for the same seed. */
export function bytes(size: number, seed?: string): Buffer {
  if (seed === undefined) return randomBytes(size)
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}
