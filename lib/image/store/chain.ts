/** The name of a layer together with all below it: the same diff on another base is another directory. OCI image specification, config.md, "Layer ChainID". */
import { createHash } from 'node:crypto'
import type { Digest } from '../types.js'

export function chainId(parent: Digest | undefined, diffId: Digest): Digest {
  return parent === undefined ? diffId : `sha256:${createHash('sha256').update(`${parent} ${diffId}`).digest('hex')}`
}

/** One for each diff id, the bottom one first. */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = []
  for (const diffId of diffIds) chain.push(chainId(chain.at(-1), diffId))
  return chain
}
