/**
 * Which registries are asked instead of Docker Hub, and which need no TLS: `registries.json` in the data root, with the keys that Docker's
 * daemon.json has for it. What a command line adds comes on top (withOptions).
 */

import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'

export interface RegistryConfig {
  /** Asked before Docker Hub, in this order: `http://192.168.1.10:5000`. */
  readonly mirrors: readonly string[]
  /** Hosts (`registry.room:5000`) or networks (`10.0.0.0/8`) whose certificates nobody checks, and that may do without TLS. */
  readonly insecure: readonly string[]
  /** Directories with `HOST:PORT/*.crt`, and `*.cert` with its `*.key`: what Docker has in /etc/docker/certs.d. */
  readonly certificates: readonly string[]
}

export const configFile = (dataRoot: string): string => join(dataRoot, 'registries.json')

export function registryConfig(dataRoot: string): RegistryConfig {
  const file = configFile(dataRoot)
  const found = readJson(file)
  return checked(
    {
      mirrors: strings(found, 'registry-mirrors', file),
      insecure: strings(found, 'insecure-registries', file),
      certificates: certificateDirectories(),
    },
    file,
  )
}

/** With what `--registry-mirror` and `--insecure-registry` say. */
export function withOptions(config: RegistryConfig, more: { mirrors?: readonly string[]; insecure?: readonly string[] }): RegistryConfig {
  return {
    ...config,
    ...checked(
      { ...config, mirrors: [...(more.mirrors ?? []), ...config.mirrors], insecure: [...(more.insecure ?? []), ...config.insecure] },
      'the command line',
    ),
  }
}

/** Whether a registry (`HOST:PORT`) may do without TLS: loopback, and what is configured. A name is looked up when networks are configured. */
export async function isInsecure(domain: string, { insecure }: RegistryConfig): Promise<boolean> {
  const host = hostOf(domain)
  if (host === 'localhost' || insecure.includes(domain) || insecure.includes(host)) return true
  const networks = new BlockList()
  for (const entry of insecure.filter((one) => one.includes('/'))) {
    const [address = '', length = ''] = entry.split('/')
    networks.addSubnet(address, Number(length), familyOf(address))
  }
  // Only an address is loopback: a name that somebody else's name server calls 127.0.0.1 now may be another machine a moment later.
  if (isIP(host)) return isLoopback(host) || networks.check(host, familyOf(host))
  if (!insecure.some((one) => one.includes('/'))) return false
  const addresses = await lookup(host, { all: true }).catch(() => [])
  return addresses.some(({ address }) => networks.check(address, familyOf(address)))
}

/** Without port and brackets. */
export const hostOf = (domain: string): string => domain.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')
const isLoopback = (address: string): boolean => LOOPBACK.check(address, familyOf(address))
const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Docker's own places, so that a certificate that Docker believes is believed here. */
function certificateDirectories(): string[] {
  const own = process.geteuid?.() === 0 ? [] : [join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'docker/certs.d')]
  return [...own, '/etc/docker/certs.d']
}

function checked(config: RegistryConfig, where: string): RegistryConfig {
  const mirrors = config.mirrors.map((mirror) => checkedMirror(mirror, where))
  for (const entry of config.insecure) {
    const [address = '', length = '', more] = entry.split('/')
    const most = isIP(address) === 6 ? 128 : 32
    const valid = entry.includes('/')
      ? more === undefined && isIP(address) !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= most
      : /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:\d+)?$/.test(entry)
    if (!valid)
      throw new DrydockError(`insecure registry ${entry} is not valid: a host, HOST:PORT or a network such as 10.0.0.0/8 (${where})`)
  }
  return { ...config, mirrors: [...new Set(mirrors)], insecure: [...new Set(config.insecure)] }
}

/** The address of a mirror as Docker takes it, without the slash at its end. */
function checkedMirror(mirror: string, where: string): string {
  const url = URL.canParse(mirror) ? new URL(mirror) : undefined
  const wrong = (words: string) => new DrydockError(`invalid mirror: ${words} (${where})`)
  if (!url?.host) throw wrong(`"${mirror}" is not a valid URI`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong(`unsupported scheme "${url.protocol.slice(0, -1)}" in "${mirror}"`)
  if (url.search || url.hash) throw wrong(`unsupported query or fragment in "${mirror}"`)
  if (url.username || url.password) throw wrong('username/password not allowed in URI; drydock login keeps them')
  return url.href.replace(/\/+$/, '')
}

function readJson(file: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return {}
    throw new DrydockError(`${file} cannot be read: ${code}`, { cause })
  }
  try {
    const found = JSON.parse(text) as unknown
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as Record<string, unknown>
  } catch (cause) {
    throw new DrydockError(`${file} is no JSON: ${(cause as Error).message}`, { cause })
  }
  throw new DrydockError(`${file} is no JSON object`)
}

function strings(found: Record<string, unknown>, key: string, file: string): string[] {
  const value = found[key] ?? []
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value
  throw new DrydockError(`${file}: "${key}" is no list of words`)
}
