/**
 * Is a workshop's page open on this machine? Its server listens at `workshop-PID.sock` in the run directory for as long as it runs, and hangs up on whoever
 * connects: what somebody left who was killed answers nobody. Sessions that play by themselves are recorded only while somebody may look.
 */
import { lstatSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { runDirectory, runDirectoryPath } from '../kernel/places.js'
import { namesIfReadable } from '../kernel/readable.js'

const NAME = /^workshop-\d+\.sock$/

/** Where root's server says so; an ordinary user may not look there, and is then not seen by itself. */
const ROOTS = '/run/drydock'

/** Milliseconds; a server on this machine answers in less than one, and who asks may have to wait for his turn on a busy one. */
const PATIENCE = 5000

export interface Announcement {
  close(): Promise<void>
}

export async function announceWorkshop(): Promise<Announcement> {
  const path = join(runDirectory(), `workshop-${process.pid}.sock`)
  // Of another program that had this process id before.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path)
  const server = createServer((socket) => socket.destroy()).unref()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return { close: () => new Promise((resolve) => server.close(() => resolve())) }
}

/** By this user's server, or root's where its run directory may be read. */
export async function workshopIsOpen(directories: readonly string[] = [runDirectoryPath(), ROOTS]): Promise<boolean> {
  const paths = [...new Set(directories)].flatMap((directory) =>
    namesIfReadable(directory).flatMap((name) => (NAME.test(name) ? [join(directory, name)] : [])),
  )
  return (await Promise.all(paths.map(answers))).includes(true)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.setTimeout(PATIENCE)
    const settle = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => settle(true))
    socket.once('timeout', () => settle(false))
    socket.once('error', () => settle(false))
  })
}
