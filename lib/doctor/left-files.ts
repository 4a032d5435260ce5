/** Sockets and directories in the run directory whose program is gone. */
import { lstatSync, readdirSync, rmdirSync, type Stats, unlinkSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { isAlive } from '../kernel/owner.js'
import { runDirectoryPath } from '../kernel/places.js'
import { textIfReadable } from '../kernel/readable.js'
import type { Leftover } from './leftovers.js'
import { findMakers } from './makers.js'

/** The names that drydock gives, each with the id of the program that made it. */
const NAMES = [
  /^bottle-.+-(\d+)-[0-9a-f]{6}$/,
  /^spawner-(\d+)-\d+\.sock$/,
  /^terminal-(\d+)-[0-9a-f]{8}\.sock$/,
  /^workshop-(\d+)\.sock$/,
  /^hosts-(\d+)\.json(?:\.old)?$/,
] as const

/** Says which hosts are up, and in itself whose program holds them. */
const HOSTS = 'hosts.json'

/** A container's, to attach and to control: the beginning of its id. */
const CONTAINER = /^([0-9a-f]{12})\.sock$/

/** What is in a bottle's directory. */
const INSIDE = ['root', 'spawner.sock'] as const

export async function inspectFiles(directory: string = runDirectoryPath()): Promise<Leftover[]> {
  const top = lstatSync(directory, { throwIfNoEntry: false })
  if (!top?.isDirectory() || top.uid !== process.geteuid?.()) return []
  const found: Leftover[] = []
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name)
    const owner = name === HOSTS ? keeperIn(path) : NAMES.map((pattern) => pattern.exec(name)?.[1]).find((id) => id !== undefined)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    const [, container] = CONTAINER.exec(name) ?? []
    if (stats && container !== undefined) found.push(...(await containerSocket(path, container, stats, top)))
    if (owner === undefined || !stats || isAlive(Number(owner), stats.mtimeMs)) continue
    const kept = await reasonToKeep(path, stats, top)
    const what = stats.isDirectory() ? 'a bottle’s directory' : stats.isSocket() ? 'a socket' : 'notes about the two hosts'
    found.push({
      kind: 'file',
      name: path,
      says: `${what}: process ${owner}, which made it, is gone`,
      ...(kept !== undefined && { kept }),
    })
  }
  return found
}

/** `"keeper":{"pid":4711,…}`; of a file that says nothing of the kind nothing is known. */
const keeperIn = (path: string): string | undefined => /"keeper":\{"pid":(\d+),/.exec(textIfReadable(path) ?? '')?.[1]

/** Nobody hears at the socket of a container whose shim was killed; while that runs, it is there to say whose shim is missing. */
async function containerSocket(path: string, container: string, stats: Stats, top: Stats): Promise<Leftover[]> {
  const { running, reason } = findMakers()
  if ([...running].some((id) => id.startsWith(container))) return []
  const kept = (await reasonToKeep(path, stats, top)) ?? reason(stats.mtimeMs)
  const says = `a socket: container ${container} does not run`
  return [{ kind: 'file', name: path, says, ...(kept !== undefined && { kept }) }]
}

async function reasonToKeep(path: string, stats: Stats, top: Stats): Promise<string | undefined> {
  const foreign = strange(stats, top)
  if (foreign !== undefined) return foreign
  if (stats.isSocket()) return (await answers(path)) ? 'somebody listens on it' : undefined
  if (stats.isFile() && path.endsWith('.json')) return undefined
  if (!stats.isDirectory()) return 'it is neither a socket nor a directory'
  for (const name of readdirSync(path)) {
    const inside = lstatSync(join(path, name), { throwIfNoEntry: false })
    if (!inside) continue
    const unknown = !(INSIDE as readonly string[]).includes(name) || (name === 'root' ? !inside.isDirectory() : !inside.isSocket())
    if (unknown) return `${name} is in it, which drydock did not put there`
    const why = strange(inside, top)
    if (why !== undefined) return `${name} in it: ${why}`
    if (inside.isSocket() && (await answers(join(path, name)))) return 'somebody listens on its socket'
    if (inside.isDirectory() && readdirSync(join(path, name)).length > 0) return `${name} in it is not empty`
  }
  return undefined
}

/** On another file system something is mounted there; and what another user owns is that user's. */
function strange(stats: Stats, top: Stats): string | undefined {
  if (stats.dev !== top.dev) return 'something is mounted there'
  return stats.uid === process.geteuid?.() ? undefined : `it belongs to user ${stats.uid}`
}

/** A socket that nobody has open refuses connections. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'))
  })
}

/** One name at a time; a directory only when it is empty, which the kernel sees to. */
export async function removeFile({ name: path }: Leftover, directory: string = runDirectoryPath()): Promise<string | undefined> {
  const again = (await inspectFiles(directory)).find(({ name }) => name === path)
  if (!again) return undefined
  if (again.kept !== undefined) return again.kept
  try {
    if (!lstatSync(path).isDirectory()) unlinkSync(path)
    else {
      for (const name of readdirSync(path)) {
        if (name === 'root') rmdirSync(join(path, name))
        else unlinkSync(join(path, name))
      }
      rmdirSync(path)
    }
    return undefined
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).syscall}: ${(error as NodeJS.ErrnoException).code}`
  }
}
