/** /proc/net/tcp of a host, line by line: as it stands there, and as one reads it. */
import type { Bottle } from '../../lib/bottle.js'
import { parseTcp, type TcpSocket } from '../../lib/kernel/proc/net.js'
import { type Process, readProcesses } from '../../lib/kernel/proc/processes.js'
import { linesOf, readProcFile } from '../../lib/kernel/proc/read.js'
import { linkIfReadable, namesIfReadable } from '../../lib/kernel/readable.js'
import type { LookRow } from '../../lib/tutor/lesson.js'
import { procOf } from '../01-namespaces/looks.js'

export interface Line extends TcpSocket {
  /** Of the text: the second, third and fourth column. */
  readonly written: { readonly local: string; readonly remote: string; readonly state: string }
}

/** The whole file, as the host sees it. */
export const tableOf = (bottle: Bottle): string => readProcFile(`/proc/${bottle.pid}/net/tcp`) ?? ''

/** Connections that have ended are remembered for a minute; those lines are left out. */
const FORGOTTEN = ['time_wait', 'close']

export function linesIn(text: string): Line[] {
  return parseTcp(text)
    .map((socket, index) => ({ ...socket, written: columns(linesOf(text)[index + 1] ?? '') }))
    .filter(({ state }) => !FORGOTTEN.includes(state))
}

function columns(line: string): Line['written'] {
  const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/)
  return { local, remote, state }
}

export const listeners = (bottle: Bottle): Line[] => linesIn(tableOf(bottle)).filter(({ state }) => state === 'listen')

/** As it stands in the file, the first columns of it. */
export function rawRows(bottle: Bottle): LookRow[] {
  const lines = linesIn(tableOf(bottle))
  const heading = { label: 'sl', value: 'local_address rem_address   st' }
  if (lines.length === 0) return [heading, { label: '', value: '(nothing more)' }]
  return [
    heading,
    ...lines.map(({ written }, index) => ({
      label: `${index}:`,
      value: `${written.local} ${written.remote} ${written.state}`,
      notice: true,
    })),
  ]
}

/** The same as people write it. */
export function readRows(bottle: Bottle): LookRow[] {
  const lines = linesIn(tableOf(bottle))
  if (lines.length === 0) return [{ label: 'sockets', value: 'none' }]
  return lines.map(({ local, remote, state, inode }) => ({
    label: state.toUpperCase(),
    value:
      state === 'listen'
        ? `${shown(local)}, ${ownerInWords(ownerOf(bottle, inode))}`
        : `${shown(local)} with ${shown(remote)}, ${ownerInWords(ownerOf(bottle, inode))}`,
  }))
}

const shown = ({ address, port }: { address: string; port: number }) => `${address}:${port}`

/** Who has the socket with this number: a link in /proc/PID/fd says it. A process that is becoming another program lets an ordinary user see none of its own. */
export function ownerOf(bottle: Bottle, inode: number): Process | undefined {
  const root = procOf(bottle)
  return readProcesses(root).find(({ pid }) =>
    namesIfReadable(`${root}/${pid}/fd`).some((fd) => linkIfReadable(`${root}/${pid}/fd/${fd}`) === `socket:[${inode}]`),
  )
}

const ownerInWords = (process: Process | undefined) => (process ? `process ${process.pid}, ${process.comm}` : 'nobody’s yet')
