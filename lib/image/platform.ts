/**
 * For which machine an image is, and which of several fits this one: the rules of github.com/containerd/platforms, which Docker follows. A newer machine runs
 * what was made for an older one of its kind, and the nearest is the best.
 */
import { DrydockError } from '../kernel/errors.js'
import type { Descriptor, Platform } from './types.js'

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle', ppc64: 'ppc64le' }

/** This machine's, unless told otherwise. */
export function ownPlatform(arch: string = process.arch): Platform {
  const architecture = ARCHITECTURES[arch] ?? arch
  const variant = architecture === 'arm64' ? 'v8' : architecture === 'arm' ? 'v7' : undefined
  return { os: 'linux', architecture, ...(variant && { variant }) }
}

const OTHER_NAMES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  i386: ['386'],
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
}

/** In Go's words, those of Linux. */
const KNOWN = '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'.split(' ')

/** `linux/arm/v7`, `linux/amd64`, or one of the two alone, as `--platform` takes it. */
export function parsePlatform(word: string): Platform {
  const parts = word.toLowerCase().split('/')
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_-]+$/.test(part))) {
    throw new DrydockError(`"${word}": unknown operating system or architecture: invalid argument`, { status: 400 })
  }
  const [first = '', second, variant] = parts
  if (second !== undefined) return normal({ os: first, architecture: second, ...(variant !== undefined && { variant }) })
  if (first === 'linux' || first === 'windows') return { ...ownPlatform(), os: first }
  if (!KNOWN.includes(first) && !Object.hasOwn(OTHER_NAMES, first)) {
    throw new DrydockError(`"${word}": unknown operating system or architecture: invalid argument`, { status: 400 })
  }
  return normal({ os: 'linux', architecture: first })
}

function normal(platform: Platform): Platform {
  const [architecture = platform.architecture, told] = OTHER_NAMES[platform.architecture] ?? []
  const variant = platform.variant?.replace(/^(?=[0-9])/, 'v') ?? told ?? (architecture === 'arm' ? 'v7' : undefined)
  return { os: platform.os, architecture, ...(variant && { variant }) }
}

/** `linux/arm64/v8`. */
export const showPlatform = ({ os, architecture, variant }: Platform): string => [os, architecture, variant].filter(Boolean).join('/')

/** What runs on it, the best first, as `architecture/variant`. */
function runsOn(platform: Platform): string[] {
  const { architecture, variant } = normal(platform)
  const down = (name: string, from: string | undefined, last: number, usual: number) => {
    const highest = Number(from?.slice(1)) || usual
    return Array.from({ length: Math.max(1, highest - last + 1) }, (_, index) => `${name}/v${highest - index}`)
  }
  switch (architecture) {
    case 'amd64':
      return [...down('amd64', variant, 1, 1), '386/']
    case 'arm64':
      return [...down('arm64', variant, 8, 8), ...down('arm', 'v8', 5, 8)]
    case 'arm':
      return down('arm', variant, 5, 7)
    default:
      return [`${architecture}/${variant ?? ''}`]
  }
}

/** The same, of an image: without a variant it is for the oldest of the kind. */
function madeFor(platform: Platform): string {
  const { architecture, variant } = normal(platform)
  const usual: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8' }
  return `${architecture}/${variant ?? usual[architecture] ?? ''}`
}

/** Does the image run on it? */
export function matches(image: Platform, machine: Platform): boolean {
  return image.os === machine.os && runsOn(machine).includes(madeFor(image))
}

/** The one of an index that fits best; Docker's error when none does. One that does not say for what it is comes last. */
export function choosePlatform(manifests: readonly Descriptor[], machine: Platform): Descriptor {
  const order = runsOn(machine)
  const rank = ({ platform }: Descriptor) => (platform ? order.indexOf(madeFor(platform)) : order.length)
  const [best] = manifests.filter(({ platform }) => platform === undefined || matches(platform, machine)).sort((a, b) => rank(a) - rank(b))
  if (best) return best
  throw new DrydockError(`no matching manifest for ${showPlatform(machine)} in the manifest list entries`, { status: 404 })
}
