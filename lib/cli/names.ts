/** `--dns…`, as docker's command line takes them. */
import type { DnsSettings } from '../container/index.js'
import { checkServers } from '../engine/hosts.js'
import type { RunFlags } from './run-options.js'

export const parseDns = ({ dns, dnsSearch, dnsOption }: RunFlags): DnsSettings => ({
  servers: checkServers(dns),
  search: dnsSearch,
  options: dnsOption,
})
