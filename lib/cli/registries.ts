/** Pulling and pushing as the verbs do it: the registry that is meant, what is shown, Ctrl-C. */
import { Option } from 'commander'
import { type Pulled, pull, pullAll } from '../image/pull.js'
import type { Reference } from '../image/reference.js'
import { Registry, registryConfig, withOptions } from '../image/registry/index.js'
import type { Store } from '../image/store/index.js'
import type { Platform } from '../image/types.js'
import { STRANGERS_REFUSED } from '../network/strangers.js'
import { freeBuffersSoon } from './buffers.js'
import { interruptible } from './interrupt.js'
import { displayOn, type Screen } from './progress.js'

/** What `--registry-mirror` and `--insecure-registry` say, in addition to the file. */
export interface RegistryFlags {
  readonly registryMirror: readonly string[]
  readonly insecureRegistry: readonly string[]
}

const list = (flags: string, text: string) =>
  new Option(flags, text).argParser((value: string, before: string[]) => [...before, value]).default([] as string[], 'none')

export const registryOptions = (): Option[] => [
  list('--registry-mirror <url>', 'ask here before Docker Hub'),
  list('--insecure-registry <host>', 'HOST[:PORT] or a network that may do without TLS'),
]

export interface PullRequest {
  readonly store: Store
  readonly dataRoot: string
  readonly flags: RegistryFlags
  readonly platform?: Platform
  /** Every tag of the repository. */
  readonly all?: boolean
  /** Where progress is shown; absent: nowhere. */
  readonly screen?: Screen
}

/** What was pulled, the last one last. Fails with one sentence. */
export async function pullImages(reference: Reference, request: PullRequest): Promise<readonly Pulled[]> {
  freeBuffersSoon()
  const { store, platform, all = false } = request
  return withRegistry(reference, request, async (registry, onProgress, signal) => {
    const options = { store, registry, onProgress, signal, ...(platform && { platform }) }
    return all ? pullAll(reference, options) : [await pull(reference, options)]
  })
}

type OnProgress = NonNullable<Parameters<typeof pull>[1]['onProgress']>

/** Do it with the repository's registry; a wait for another try is shown too. */
export async function withRegistry<T>(
  reference: Reference,
  { dataRoot, flags, screen }: Pick<PullRequest, 'dataRoot' | 'flags' | 'screen'>,
  act: (registry: Registry, onProgress: OnProgress, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const config = withOptions(registryConfig(dataRoot), { mirrors: flags.registryMirror, insecure: flags.insecureRegistry })
  const display = screen && displayOn(screen)
  return interruptible(async (signal) => {
    const registry = new Registry(reference, { config, signal, guard: STRANGERS_REFUSED })
    try {
      return await act(registry, (event) => display?.show(event), signal)
    } finally {
      display?.end()
      registry.close()
    }
  })
}
