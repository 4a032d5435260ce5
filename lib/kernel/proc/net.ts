/** The network as a process sees it: /proc/PID/net is that of its network namespace. proc_pid_net(5). */
import { accessSync, constants } from 'node:fs'
import { DrydockError } from '../errors.js'
import { formatIp } from '../ip.js'
import { linesOf, type Pid, readProcFile } from './read.js'

/** Counters of one network device. */
export interface Traffic {
  readonly name: string
  readonly received: { readonly bytes: number; readonly packets: number; readonly errors: number; readonly dropped: number }
  readonly sent: { readonly bytes: number; readonly packets: number; readonly errors: number; readonly dropped: number }
}

/** A route: of IPv4, of the main table; of IPv6, of any. */
export interface RouteLine {
  readonly device: string
  readonly destination: string
  readonly prefixLength: number
  /** Absent: the destination is reached directly. */
  readonly gateway?: string
  readonly metric: number
}

/** A TCP socket. */
export interface TcpSocket {
  readonly family: 4 | 6
  readonly local: { readonly address: string; readonly port: number }
  readonly remote: { readonly address: string; readonly port: number }
  readonly state: string
  /** Owner, as the reader's user namespace counts. */
  readonly uid: number
  /** The number in the link /proc/PID/fd/N → socket:[inode]; 0 when no process has the socket. */
  readonly inode: number
}

/** What this network namespace knows of the hardware address of a neighbour. */
export interface ArpEntry {
  readonly address: string
  readonly device: string
  /** Absent while nobody has answered. */
  readonly mac?: string
}

/** States of include/net/tcp_states.h, from 1 on. */
const TCP_STATES = [
  'established',
  'syn_sent',
  'syn_recv',
  'fin_wait1',
  'fin_wait2',
  'time_wait',
  'close',
  'close_wait',
  'last_ack',
  'listen',
  'closing',
  'new_syn_recv',
  'bound_inactive',
]

const ROUTE_GATEWAY = 0x2

/** /proc/PID/net/dev: two lines of heading, then a device a line; a full counter may touch the colon after the name. */
export function parseNetDev(text: string): Traffic[] {
  return linesOf(text)
    .slice(2)
    .map((line) => {
      const colon = line.lastIndexOf(':')
      const numbers = line
        .slice(colon + 1)
        .trim()
        .split(/\s+/)
        .map(Number)
      if (colon < 0 || numbers.length < 12) throw new DrydockError(`this is no line of /proc/PID/net/dev: ${JSON.stringify(line)}`)
      const side = (at: number) => {
        const [bytes, packets, errors, dropped] = numbers.slice(at) as [number, number, number, number]
        return { bytes, packets, errors, dropped }
      }
      return { name: line.slice(0, colon).trim(), received: side(0), sent: side(8) }
    })
}

/** /proc/PID/net/route. Addresses are 32-bit numbers in the machine's byte order, printed in hexadecimal. */
export function parseRoutes(text: string): RouteLine[] {
  return linesOf(text)
    .slice(1)
    .map((line) => {
      const [device, destination, gateway, flags, , , metric, mask] = line.split('\t').map((field) => field.trim())
      if (mask === undefined) throw new DrydockError(`this is no line of /proc/PID/net/route: ${JSON.stringify(line)}`)
      const ones = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length
      return {
        device: device as string,
        destination: decodeAddress(destination as string),
        prefixLength: ones,
        ...(Number.parseInt(flags as string, 16) & ROUTE_GATEWAY && { gateway: decodeAddress(gateway as string) }),
        metric: Number(metric),
      }
    })
}

/** /proc/PID/net/ipv6_route: destination and source with their lengths, next hop, metric, two counters, flags, all in hexadecimal; and the device. */
export function parseRoutes6(text: string): RouteLine[] {
  return linesOf(text).map((line) => {
    const [destination, length, , , gateway, metric, , , flags, device] = line.trim().split(/\s+/)
    if (device === undefined) throw new DrydockError(`this is no line of /proc/PID/net/ipv6_route: ${JSON.stringify(line)}`)
    const address = (digits: string) => formatIp(Buffer.from(digits, 'hex'))
    return {
      device,
      destination: address(destination as string),
      prefixLength: Number.parseInt(length as string, 16),
      ...(Number.parseInt(flags as string, 16) & ROUTE_GATEWAY && { gateway: address(gateway as string) }),
      metric: Number.parseInt(metric as string, 16),
    }
  })
}

/** /proc/PID/net/tcp and tcp6. */
export function parseTcp(text: string): TcpSocket[] {
  return linesOf(text)
    .slice(1)
    .map((line) => {
      const [, local, remote, state, , , , uid, , inode] = line.trim().split(/\s+/)
      if (!local || !remote || !state || inode === undefined)
        throw new DrydockError(`this is no line of /proc/PID/net/tcp: ${JSON.stringify(line)}`)
      const number = Number.parseInt(state, 16)
      return {
        family: local.length > 13 ? 6 : 4,
        local: decodeEndpoint(local),
        remote: decodeEndpoint(remote),
        state: TCP_STATES[number - 1] ?? String(number),
        uid: Number(uid),
        inode: Number(inode),
      }
    })
}

/** ATF_COM: somebody has answered. */
const ARP_COMPLETE = 0x2

/** /proc/PID/net/arp: a heading, then a line for each neighbour that was asked for. */
export function parseArp(text: string): ArpEntry[] {
  return linesOf(text)
    .slice(1)
    .map((line) => {
      const [address = '', , flags = '', mac = '', , device] = line.trim().split(/\s+/)
      if (device === undefined) throw new DrydockError(`this is no line of /proc/PID/net/arp: ${JSON.stringify(line)}`)
      return { address, device, ...(Number.parseInt(flags, 16) & ARP_COMPLETE && { mac }) }
    })
}

/** /proc/PID/net/snmp: `Ip: InReceives …` and below it `Ip: 12 …`; the counters of a network namespace since it was made, RFC 1213. */
export function parseSnmp(text: string): Record<string, Record<string, number>> {
  const lines = linesOf(text).map((line) => line.split(' '))
  const counters: Record<string, Record<string, number>> = {}
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [[protocol = '', ...names], [same, ...values]] = [lines[at] as string[], lines[at + 1] as string[]]
    if (same !== protocol || names.length !== values.length) throw new DrydockError(`these are no lines of /proc/PID/net/snmp: ${protocol}`)
    counters[protocol.replace(':', '')] = Object.fromEntries(names.map((name, index) => [name, Number(values[index])]))
  }
  return counters
}

/** `0100007F` → `127.0.0.1`: groups of 32 bits, each a number in little-endian order (both machines that we run on are). */
export function decodeAddress(hex: string): string {
  if (!/^([0-9A-Fa-f]{8}){1,4}$/.test(hex)) throw new DrydockError(`'${hex}' is no address as /proc/PID/net writes them`)
  const bytes = Buffer.from(hex, 'hex')
  return formatIp(bytes.swap32())
}

function decodeEndpoint(text: string): { address: string; port: number } {
  const [address = '', port = ''] = text.split(':')
  return { address: decodeAddress(address), port: Number.parseInt(port, 16) }
}

export function readNetDev(pid: Pid = 'self', root = '/proc'): Traffic[] | undefined {
  const text = readProcFile(`${root}/${pid}/net/dev`)
  return text === undefined ? undefined : parseNetDev(text)
}

export function readRoutes(pid: Pid = 'self', root = '/proc'): RouteLine[] | undefined {
  const text = readProcFile(`${root}/${pid}/net/route`)
  return text === undefined ? undefined : parseRoutes(text)
}

/** None where the kernel has no IPv6. */
export function readRoutes6(pid: Pid = 'self', root = '/proc'): RouteLine[] | undefined {
  const text = readProcFile(`${root}/${pid}/net/ipv6_route`)
  return text === undefined ? undefined : parseRoutes6(text)
}

export function readArp(pid: Pid = 'self', root = '/proc'): ArpEntry[] | undefined {
  const text = readProcFile(`${root}/${pid}/net/arp`)
  return text === undefined ? undefined : parseArp(text)
}

export function readSnmp(pid: Pid = 'self', root = '/proc'): Record<string, Record<string, number>> | undefined {
  const text = readProcFile(`${root}/${pid}/net/snmp`)
  return text === undefined ? undefined : parseSnmp(text)
}

/**
 * Has this process the rights of an administrator over its network? To who has, the kernel shows the settings of a network namespace as files that
 * he may write, whoever owns them (net_ctl_permissions in net/sysctl_net.c). Nothing is written.
 */
export function administersNetwork(): boolean {
  try {
    accessSync('/proc/sys/net/ipv4/ip_forward', constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** All TCP sockets of both families. A kernel without IPv6 has no second file. */
export function readTcp(pid: Pid = 'self', root = '/proc'): TcpSocket[] | undefined {
  const four = readProcFile(`${root}/${pid}/net/tcp`)
  if (four === undefined) return undefined
  return [...parseTcp(four), ...parseTcp(readProcFile(`${root}/${pid}/net/tcp6`) ?? '')]
}
