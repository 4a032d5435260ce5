/** Streams of a container for whoever attaches: of the run of this moment, or of the next one. */
import { Duplex, PassThrough, type Readable, Transform } from 'node:stream'
import { openStreams } from '../../kernel/control.js'
import { DrydockError } from '../../kernel/errors.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from '../keys.js'
import type { Attached, AttachOptions } from '../types.js'
import type { Container } from './container.js'
import { PendingAttach } from './pending-attach.js'

/** `past`: what it has printed already, framed as its streams are. */
export async function attach(
  core: Core,
  container: Container,
  options: AttachOptions,
  past: (container: Container) => Promise<Readable>,
): Promise<Attached> {
  const keys = parseDetachKeys(options.detachKeys || DEFAULT_DETACH_KEYS)
  refuseUnlessAttachable(container)
  const { tty } = container
  const before = options.logs ? await past(container) : undefined
  core.events.publish({ Type: 'container', Action: 'attach', ID: container.id, Attributes: attributesOf(container) })
  if (!options.stream) return { tty, stream: readOnly(before) }
  const open = await streamsOf(container, options)
  const live = tty && options.stdin ? withKeys(open, keys, () => hasDetached(core, container)) : open
  return { tty, stream: before ? behind(before, live) : live }
}

function refuseUnlessAttachable({ status, id }: Container): void {
  if (status === 'paused') throw new DrydockError(`container ${id} is paused, unpause the container before attach`, { status: 409 })
  if (status === 'restarting') throw new DrydockError(`container ${id} is restarting, wait until the container is running`, { status: 409 })
}

function hasDetached(core: Core, container: Container): void {
  core.events.publish({ Type: 'container', Action: 'detach', ID: container.id, Attributes: attributesOf(container) })
}

async function streamsOf(container: Container, { stdin, stdout, stderr }: AttachOptions): Promise<Duplex> {
  const { spec } = container.record
  const wanted = { stdin: stdin && spec.stdin, stdout, stderr: stderr && !container.tty }
  if (container.run) {
    const { run } = container
    try {
      return await openStreams(container.layout.socket, wanted)
    } catch {
      // It has ended just now, and its output with it.
      await run.settled
      return readOnly(undefined)
    }
  }
  const pending = new PendingAttach(wanted, (self) => container.pending.delete(self))
  if (container.doomed) pending.giveUp()
  else container.pending.add(pending)
  return pending
}

/** Nothing but what is in `source`; what is written is nobody's. */
function readOnly(source: Readable | undefined): Duplex {
  const end = new PassThrough()
  if (source) source.pipe(end)
  else end.end()
  return Duplex.from({ readable: end, writable: nowhere() })
}

const nowhere = (): Transform => new Transform({ transform: (_chunk, _encoding, done) => done() })

/** First what was, then what comes; what is written goes on at once. */
function behind(before: Readable, live: Duplex): Duplex {
  const joined = new PassThrough()
  before.pipe(joined, { end: false })
  before.once('end', () => live.pipe(joined))
  before.once('error', () => live.pipe(joined))
  live.once('error', () => joined.end())
  const both = Duplex.from({ readable: joined, writable: live })
  both.once('close', () => live.destroy())
  return both
}

/** What is typed goes through until the keys are. Then the output ends, and the program hears nothing of it. */
function withKeys(live: Duplex, keys: Uint8Array, left: () => void): Duplex {
  if (keys.length === 0) return live
  const watched = new DetachKeys(keys)
  const output = new PassThrough()
  live.pipe(output)
  live.once('error', () => output.end())
  let detached = false
  const input = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (detached) return done()
      const pass = watched.pass(chunk)
      if (!pass.detached) return done(null, pass.through)
      detached = true
      left()
      live.unpipe(output)
      output.end()
      live.destroy()
      done()
    },
  })
  input.on('data', (bytes: Buffer) => {
    if (!live.write(bytes)) {
      input.pause()
      live.once('drain', () => input.resume())
    }
  })
  input.once('end', () => {
    if (!detached) live.end()
  })
  live.once('close', () => input.destroy())
  const both = Duplex.from({ readable: output, writable: input })
  both.on('error', () => undefined)
  both.once('close', () => live.destroy())
  return both
}
