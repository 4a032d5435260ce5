/** What a call answered besides its return value: the content of its out-buffers, where it says something to a person. */
import { constant, wordOf } from '../kernel/constants.js'
import { decodeEndpoint, showEndpoint } from '../kernel/endpoint.js'
import { decodeIcmp } from '../kernel/icmp.js'
import { capabilityNames } from '../kernel/proc/status.js'
import { type Result, textOf } from '../kernel/result.js'
import { decodeUcred, UCRED_SIZE } from '../kernel/ucred.js'

/** Lines such as `read: "0::/\n"`, none for calls that only return a number. */
export function answersOf(result: Result): string[] {
  const show = result.errno === 0 ? ANSWERS[result.step.call] : undefined
  return show ? show(result) : []
}

const LONGEST = 400

const ANSWERS: Record<string, (result: Result) => string[]> = {
  read: (result) => shownText('read', textOf(result)),
  pread64: (result) => shownText('read', textOf(result)),
  readlinkat: (result) => [`it points to ${JSON.stringify(textOf(result))}`],
  getxattr: (result) => shownText('its value', textOf(result)),
  uname: ({ outs: [buffer] }) => (buffer ? [`nodename ${JSON.stringify(member(buffer, 1))}, release ${member(buffer, 2)}`] : []),
  wait4: ({ ret, outs: [status] }) => (ret > 0n && status ? [endOf(status.readInt32LE(0))] : []),
  capget: ({ outs: [data] }) => (data && data.length >= 24 ? capabilitySets(data) : []),
  pipe2: ({ outs: [ends] }) => (ends ? [`descriptors ${ends.readInt32LE(0)} (to read) and ${ends.readInt32LE(4)} (to write)`] : []),
  clone3: ({ outs: [pidfd] }) => (pidfd ? [`its pidfd is descriptor ${pidfd.readInt32LE(0)}`] : []),
  recvfrom: received,
  accept4: ({ outs: [from] }) => [`a connection from ${endpointIn(from)}`],
  getsockopt: ({ outs: [buffer] }) => (buffer?.length === UCRED_SIZE ? [credentialsIn(buffer)] : []),
  statfs: ({ outs: [buffer] }) => (buffer ? fileSystem(buffer) : []),
}

function shownText(label: string, text: string): string[] {
  if (text === '') return [`${label}: nothing (the end)`]
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
  return cut.trimEnd().split('\n').length > 1 ? [`${label}:`, ...cut.trimEnd().split('\n')] : [`${label}: ${JSON.stringify(cut)}`]
}

const ICMP_NAMES: Readonly<Record<string, string>> = { echo: 'echo request', echo_reply: 'echo reply', dest_unreach: '“unreachable”' }

function received({ ret, outs: [buffer, from] }: Result): string[] {
  const packet = buffer?.subarray(0, Number(ret)) ?? Buffer.alloc(0)
  const icmp = decodeIcmp(packet)
  if (icmp) return [`${ICMP_NAMES[icmp.type] ?? `ICMP message ${icmp.type}`} from ${icmp.from} to ${icmp.to}, ttl ${icmp.ttl}`]
  const text = packet.toString()
  const content = /^[\x20-\x7e\n]*$/.test(text) ? JSON.stringify(text) : `${packet.length} bytes`
  const sender = from && decodeEndpoint(from)
  // A stream does not say again who is at its other end.
  return [sender ? `${content} from ${showEndpoint(sender)}` : content]
}

function endpointIn(buffer: Buffer | undefined): string {
  const found = buffer && decodeEndpoint(buffer)
  if (buffer && buffer.length >= 2 && buffer.readUInt16LE(0) === constant('socket_family', 'unix')) return 'a process of this machine'
  return found ? showEndpoint(found) : 'somebody without an internet address'
}

function credentialsIn(buffer: Buffer): string {
  const { pid, uid, gid } = decodeUcred(buffer)
  return `process ${pid}, user ${uid}, group ${gid}`
}

/** struct utsname: strings of 65 bytes. */
function member(buffer: Buffer, index: number): string {
  return buffer
    .subarray(index * 65, (index + 1) * 65)
    .toString()
    .replace(/\0.*$/s, '')
}

/** A wait status in words, wait(2). */
export function endOf(status: number): string {
  const signal = status & 0x7f
  if (signal === 0) return `it exited with ${(status >> 8) & 0xff}`
  return `it was ended by signal ${signal} (${signalName(signal)})`
}

export function signalName(signal: number): string {
  const word = wordOf('signal', signal)
  return word ? `SIG${word.toUpperCase()}` : `signal ${signal}`
}

function capabilitySets(data: Buffer): string[] {
  const set = (index: number) => BigInt(data.readUInt32LE(index * 4)) | (BigInt(data.readUInt32LE(12 + index * 4)) << 32n)
  return ['effective', 'permitted', 'inheritable'].map((name, index) => {
    const names = capabilityNames(set(index))
    return `${name}: ${names.length > 12 ? `${names.length} capabilities` : names.join(', ') || 'none'}`
  })
}

function fileSystem(buffer: Buffer): string[] {
  const magic = Number(buffer.readBigUInt64LE(0))
  const name = wordOf('fs_magic', magic)
  return [`f_type 0x${magic.toString(16)}${name ? ` (${name})` : ''}`]
}
