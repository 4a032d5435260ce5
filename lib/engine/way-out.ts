/** Of several networks of a container the one through which it reaches the world, and is reached by published ports. */
import type { EndpointRequest } from '../container/index.js'
import { readNetwork } from '../network/config.js'

/**
 * As Docker chooses: the highest priority, and of those alike the first by name. Never an internal one, of which nothing leaves. `family` 6: one that has IPv6.
 * Undefined: there is none.
 */
export function wayOutOf(
  dataRoot: string,
  names: readonly string[],
  endpoints: Readonly<Record<string, EndpointRequest>> = {},
  family: 4 | 6 = 4,
): string | undefined {
  const priorityOf = (name: string) => endpoints[name]?.priority ?? 0
  const [first] = names
    .filter((name) => {
      const network = readNetwork(dataRoot, name)
      return network?.more?.internal !== true && (family === 4 || network?.ipv6 !== undefined)
    })
    .sort((one, other) => priorityOf(other) - priorityOf(one) || (one < other ? -1 : 1))
  return first
}
