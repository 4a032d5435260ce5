/** The three files that are different for every container: hosts(5), hostname(5), resolv.conf(5). */

import type { FileSpec } from '../primitives/rootfs/index.js'
import type { Layout } from './layout.js'
import type { ContainerSpec } from './spec.js'
import type { GeneratedFile } from './state.js'

/** What the network says about itself. */
export interface NetworkFiles {
  /** Lines for the container's own names, `172.17.0.2\t3f2a9c1b77de`. */
  readonly hostsLines: readonly string[]
  readonly resolvConf: string
}

/** What Docker writes at the top of every /etc/hosts. */
const LOOPBACK_LINES = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
]

/** `extra`: lines of --add-host, already in the file's own order (address first). */
export function containerFiles(spec: ContainerSpec, layout: Layout, network: NetworkFiles, extra: readonly string[] = []): GeneratedFile[] {
  const hosts = [...LOOPBACK_LINES, ...extra, ...network.hostsLines]
  return [
    { path: layout.hosts, content: `${hosts.join('\n')}\n` },
    { path: layout.hostname, content: `${spec.hostname}\n` },
    { path: layout.resolvConf, content: network.resolvConf },
  ]
}

/** Where they are laid over the image's. With a read-only root they are read-only too. */
export const mountedFiles = (layout: Layout, readOnly: boolean): FileSpec[] => [
  { source: layout.resolvConf, target: '/etc/resolv.conf', readOnly },
  { source: layout.hostname, target: '/etc/hostname', readOnly },
  { source: layout.hosts, target: '/etc/hosts', readOnly },
]
