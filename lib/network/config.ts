/**
 * Networks as files: `<data root>/networks/<name>.json`, and beside it `<name>/leases/` with a file for each address in use. The bridge
 * itself lives in the kernel until the next boot; what is written here is what it is made from again.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import { replaceFile, writeNew } from '../kernel/new-file.js'
import { newId, randomBytes } from '../kernel/random.js'
import type { Ipv6Place } from './pool6.js'

/** The network of a container that names none. */
export const DEFAULT_NETWORK = 'bridge'

/** Names that mean something else than a network with a bridge. */
export const MODES = ['none', 'host', 'default'] as const

export interface NetworkConfig {
  readonly name: string
  /** 64 hexadecimal digits. */
  readonly id: string
  /** Name of the bridge device. */
  readonly bridge: string
  /** Index of the bridge device, chosen here so that a plan can name it without asking the kernel. */
  readonly index: number
  /** `172.18.0.0/16`. */
  readonly subnet: string
  /** The bridge's own address in it. */
  readonly gateway: string
  /** Absent: it has IPv4 alone. */
  readonly ipv6?: Ipv6Place
  /** Largest packet in bytes. */
  readonly mtu: number
  /** RFC 3339. */
  readonly created: string
  readonly labels: Readonly<Record<string, string>>
  /** What was chosen beside the usual; absent: the usual. */
  readonly more?: NetworkChoices
}

export interface NetworkChoices {
  /** Nobody on it gets out, and nobody gets in. */
  readonly internal?: boolean
  /** Its containers do not reach each other, but by published ports. */
  readonly apart?: boolean
  /** Address of the host on which ports are published that name none. */
  readonly hostBinding?: string
  /** What goes out keeps the container's own address. */
  readonly routed?: boolean
  /** The part of the subnet from which addresses are given: `172.18.5.0/24`. */
  readonly range?: string
  /** Addresses that are given to nobody, by whose they are. */
  readonly reserved?: Readonly<Record<string, string>>
  /** As they were asked for, to be told again. */
  readonly options?: Readonly<Record<string, string>>
  readonly ipamOptions?: Readonly<Record<string, string>>
  readonly attachable?: boolean
  /** Nobody has asked for the subnet: then nobody may ask for an address in it. */
  readonly subnetUnsaid?: boolean
  /** Nobody has asked for the gateway, within a subnet that somebody has asked for: Docker does not tell of it then. */
  readonly gatewayUnsaid?: boolean
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** The name as it is, or an error that says what is wrong with it. */
export function checkedNetworkName(name: string): string {
  if (!NAME.test(name) || name.length > 200) {
    throw new DrydockError(`'${name}' cannot be a network's name: letters, digits, and after the first one also _ . - may be in it`, {
      status: 400,
    })
  }
  return name
}

export const networksDirectory = (dataRoot: string): string => join(dataRoot, 'networks')
export const leasesDirectory = (dataRoot: string, name: string): string => join(networksDirectory(dataRoot), name, 'leases')
const configPath = (dataRoot: string, name: string) => join(networksDirectory(dataRoot), `${name}.json`)

export function readNetwork(dataRoot: string, name: string): NetworkConfig | undefined {
  try {
    return JSON.parse(readFileSync(configPath(dataRoot, checkedNetworkName(name)), 'utf8')) as NetworkConfig
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof SyntaxError) throw new DrydockError(`${configPath(dataRoot, name)} is no JSON: ${error.message}`, { cause: error })
    throw error
  }
}

/** The network of that name; an error as Docker words it when there is none. */
export function networkOf(dataRoot: string, name: string): NetworkConfig {
  const found = readNetwork(dataRoot, name)
  if (!found) throw new DrydockError(`network ${name} not found`, { status: 404 })
  return found
}

export function readNetworks(dataRoot: string): NetworkConfig[] {
  let entries: string[]
  try {
    entries = readdirSync(networksDirectory(dataRoot))
  } catch {
    return []
  }
  const names = entries.filter((entry) => /^[^.].*\.json$/.test(entry)).map((entry) => entry.slice(0, -'.json'.length))
  return names.sort().flatMap((name) => readNetwork(dataRoot, name) ?? [])
}

export interface NewNetworkSettings {
  /** A free one of the pool by default. */
  readonly subnet?: string
  readonly gateway?: string
  readonly mtu?: number
  readonly labels?: Readonly<Record<string, string>>
  /** Name of the bridge device; one of our own by default. */
  readonly bridge?: string
  readonly more?: NetworkChoices
  /** Absent: without; a subnet that is absent is one of its own. */
  readonly ipv6?: Partial<Ipv6Place>
  /** Networks that the host knows, of which the new one must keep clear; this process's by default. */
  readonly known?: readonly string[]
}

/** Devices whose index we choose have one from here on: far from those that the kernel gives, which count up from 1. */
const FIRST_BRIDGE_INDEX = 0x2000_0000

/** What a network is made of, but for its place in the address space. */
export function newNetwork(
  name: string,
  place: Pick<NetworkConfig, 'subnet' | 'gateway' | 'ipv6'>,
  settings: Pick<NewNetworkSettings, 'mtu' | 'labels' | 'bridge' | 'more'> & { readonly id?: string } = {},
): NetworkConfig {
  checkedNetworkName(name)
  const { more, id = newId() } = settings
  return {
    name,
    id,
    bridge: settings.bridge ?? (name === DEFAULT_NETWORK ? 'drydock0' : `br-${id.slice(0, 12)}`),
    index: FIRST_BRIDGE_INDEX + Number.parseInt(id.slice(0, 7), 16),
    ...place,
    mtu: settings.mtu ?? 1500,
    created: new Date().toISOString(),
    labels: settings.labels ?? {},
    ...(more && Object.keys(more).length > 0 && { more }),
  }
}

const textOf = (config: NetworkConfig): string => `${JSON.stringify(config, undefined, 2)}\n`

/** Write what has changed of a network that is there. The caller sees to it that nobody else does so at the same time. */
export function rewriteNetwork(dataRoot: string, config: NetworkConfig): void {
  const temporary = join(networksDirectory(dataRoot), `.${randomBytes(8).toString('hex')}`)
  replaceFile(configPath(dataRoot, config.name), textOf(config), { temporary, mode: 0o644 })
}

/** Write a new network's file, whole or not at all. False: somebody has made one of that name meanwhile. */
export function writeNetwork(dataRoot: string, config: NetworkConfig): boolean {
  const path = configPath(dataRoot, config.name)
  mkdirSync(leasesDirectory(dataRoot, config.name), { recursive: true, mode: 0o755 })
  const temporary = join(networksDirectory(dataRoot), `.${config.id}`)
  writeNew(temporary, textOf(config), { sync: true })
  try {
    // link(2) rather than rename(2): it does not take the place of what is there.
    linkSync(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    unlinkSync(temporary)
  }
}

/** Forget a network. Its bridge is the caller's to remove. */
export function deleteNetworkFiles(dataRoot: string, name: string): void {
  rmSync(configPath(dataRoot, checkedNetworkName(name)), { force: true })
  rmSync(join(networksDirectory(dataRoot), name), { recursive: true, force: true })
}
