/**
 * docker cp: what is at a path of a container, running or not, out of it and into it.
 *
 *     view.ts       the process that does it, which sees the container's files and nothing else
 *     names.ts look.ts     paths, and what is behind them
 *     read.ts       an archive of it
 *     write.ts deposit.ts  an archive into it; unpacked.ts spool.ts: however it is compressed, and until it is whole
 */
import type { Readable } from 'node:stream'
import { machineFor } from '../../../container/index.js'
import type { Shim } from '../../../kernel/shim.js'
import { attributesOf, type ContainerHandle, type EngineContext } from '../../context.js'
import type { ContainersNoun, PathStat } from '../../types.js'
import { Pulled } from '../pulled.js'
import { type Asked, describe, look } from './look.js'
import { absolute } from './names.js'
import { enterPath, packPath } from './read.js'
import { spool } from './spool.js'
import { HasEnded, openView } from './view.js'
import { checkDestination, unpackInto } from './write.js'

export async function stat(context: EngineContext, word: string, path: string): Promise<PathStat> {
  const container = context.containers.find(word)
  const asked = askedFor(word, path)
  return seeing(context, container, async (shim) => describe(shim, await look(shim, asked), asked))
}

export async function read(context: EngineContext, word: string, path: string): ReturnType<ContainersNoun['read']> {
  const container = context.containers.find(word)
  const asked = askedFor(word, path)
  const shim = await opened(context, container, { written: false })
  try {
    const found = await look(shim, asked)
    const told = await describe(shim, found, asked)
    await enterPath(shim, found, asked)
    const warn = (sentence: string) => context.log('warn', `copy out of ${container.name}: ${sentence}`)
    const archive: Readable = new Pulled((signal) => packPath(shim, found, asked, { signal, warn }))
    archive.once('close', () => void shim.rollback())
    tell(context, container, 'archive-path')
    return { stat: told, archive }
  } catch (error) {
    await shim.rollback()
    throw error
  }
}

export async function write(
  context: EngineContext,
  word: string,
  path: string,
  archive: Readable,
  options: Parameters<ContainersNoun['write']>[3],
): Promise<void> {
  const container = context.containers.find(word)
  const asked = askedFor(word, path)
  const { spec } = container.record
  // A client may go away before anything is read of what it sends; whoever reads it then is told.
  archive.on('error', () => undefined)
  const unpack = async (source: AsyncIterable<Uint8Array>) => {
    const warn = (sentence: string) => context.log('warn', `copy into ${container.name}: ${sentence}`)
    const shim = await opened(context, container, { written: true })
    try {
      await unpackInto(shim, asked, source, { ...options, spec, machine: machineFor(context.machine, spec), warn })
    } finally {
      await shim.rollback()
    }
  }
  if (container.running) await unpack(archive)
  else {
    // Before a client sends all of it for nothing.
    await seeing(context, container, (shim) => checkDestination(shim, asked, spec))
    await spool(archive, container.layout.directory, (whole) => container.exclusively(() => unpack(whole)))
  }
  tell(context, container, 'extract-to-dir')
}

const askedFor = (word: string, path: string): Asked => ({ word, path, absolute: absolute(path) })

async function seeing<T>(context: EngineContext, container: ContainerHandle, use: (shim: Shim) => Promise<T>): Promise<T> {
  const shim = await opened(context, container, { written: false })
  try {
    return await use(shim)
  } finally {
    await shim.rollback()
  }
}

/** A shim whose child sees the container's files as they are at this moment. */
async function opened(context: EngineContext, container: ContainerHandle, { written }: { written: boolean }): Promise<Shim> {
  for (;;) {
    const { pid, layout, record } = container
    const shim = await context.newShim()
    try {
      await openView(shim, { spec: record.spec, layout, pid, machine: machineFor(context.machine, record.spec), written })
      return shim
    } catch (error) {
      await shim.rollback()
      if (!(error instanceof HasEnded)) throw error
      await container.ended
    }
  }
}

function tell(context: EngineContext, container: ContainerHandle, action: string): void {
  context.events.publish({ Type: 'container', Action: action, ID: container.id, Attributes: attributesOf(container) })
}
