/** What /proc says of a process, read at one moment. proc(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Bottle } from '../bottle.js'
import { open } from '../kernel/calls/files.js'
import { setns, uname } from '../kernel/calls/process.js'
import { host, ref } from '../kernel/step.js'
import type { MountState, ProcessState } from './changes.js'

/** Undefined when the process is gone. `pid` as the host counts. */
export function readState(pid: number): ProcessState | undefined {
  const status = read(pid, 'status')
  if (status === undefined || /^State:\s*[ZX]/m.test(status)) return undefined
  const value = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? ''
  const numbers = (name: string) => value(name).split(/\s+/).filter(Boolean).map(Number)
  const set = (name: string) => BigInt(`0x${value(name) || '0'}`)
  return {
    pid,
    pids: numbers('NSpid'),
    namespaces: namespaces(pid),
    mounts: parseMounts(read(pid, 'mountinfo') ?? ''),
    capabilities: { CapInh: set('CapInh'), CapPrm: set('CapPrm'), CapEff: set('CapEff'), CapBnd: set('CapBnd'), CapAmb: set('CapAmb') },
    noNewPrivs: Number(value('NoNewPrivs')),
    seccomp: Number(value('Seccomp')),
    seccompFilters: Number(value('Seccomp_filters')),
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    groups: numbers('Groups'),
    uidMap: idMap(read(pid, 'uid_map')),
    gidMap: idMap(read(pid, 'gid_map')),
    setgroups: read(pid, 'setgroups')?.trim() ?? '',
    cgroups: cgroups(read(pid, 'cgroup') ?? ''),
    links: links(read(pid, 'net/dev') ?? ''),
    descriptors: descriptors(pid),
    root: link(pid, 'root'),
    directory: link(pid, 'cwd'),
    program: link(pid, 'exe'),
    session: Number(
      read(pid, 'stat')
        ?.replace(/^.*\) /s, '')
        .split(' ')[3],
    ),
    limits: limits(read(pid, 'limits') ?? ''),
  }
}

/** Lines of mountinfo: id parent major:minor root point options [propagation…] - type source options. */
export function parseMounts(mountinfo: string): MountState[] {
  const unescaped = (text: string) => text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
  return lines(mountinfo).map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , , point = '', options = '', ...propagation] = before.split(' ')
    const [type = '', source = ''] = after.split(' ')
    return { point: unescaped(point), type, source: unescaped(source), options, propagation: propagation.join(' ') }
  })
}

/** nodename in the uts namespace of a process of the bottle: nothing in /proc tells it from outside, so somebody goes in and asks. */
export async function readHostname(bottle: Bottle, pid: number): Promise<string | undefined> {
  const shim = await bottle.shim()
  try {
    const results = await shim.attempt(
      host([open(`/proc/${pid}/ns/uts`, ['rdonly'], { keep: 'uts' }), setns(ref('uts'), ['uts']), uname()]),
    )
    const answer = results.at(-1)
    if (answer?.status !== 'ok') return undefined
    return answer.outs[0]?.subarray(65, 130).toString().replace(/\0.*$/s, '')
  } finally {
    await shim.rollback()
  }
}

function read(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return undefined
  }
}

function link(pid: number, name: string): string {
  try {
    return readlinkSync(`/proc/${pid}/${name}`)
  } catch {
    return '?'
  }
}

function names(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '')

function namespaces(pid: number): Record<string, number> {
  return Object.fromEntries(names(`/proc/${pid}/ns`).map((kind) => [kind, Number(/\[(\d+)\]/.exec(link(pid, `ns/${kind}`))?.[1])]))
}

const idMap = (text = '') => lines(text).map((line) => line.trim().replace(/\s+/g, ' '))

function cgroups(text: string): Record<string, string> {
  return Object.fromEntries(lines(text).map((line) => line.split(':').slice(1) as [string, string]))
}

const links = (text: string) =>
  lines(text)
    .slice(2)
    .map((line) => line.split(':')[0]?.trim() ?? '')

function descriptors(pid: number): Record<string, string> {
  return Object.fromEntries(names(`/proc/${pid}/fd`).map((fd) => [fd, link(pid, `fd/${fd}`).replace(/:\[\d+\]$/, '')]))
}

function limits(text: string): Record<string, string> {
  const rows = lines(text).slice(1)
  return Object.fromEntries(
    rows.map((row) => [row.slice(0, 26).trim().replace(/^Max /, ''), row.slice(26).trim().split(/\s+/).slice(0, 2).join(' ')]),
  )
}
