/** Streams of a container for whoever attaches: of the run of this moment, or of the next one. */
import type { Readable } from 'node:stream'
import { DrydockError } from '../../kernel/errors.js'
import { attributesOf } from '../context.js'
import type { Core } from '../core.js'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../keys.js'
import type { Attached, AttachOptions } from '../types.js'
import type { Container } from './container.js'
import { Streams } from './streams.js'

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
  const { spec } = container.record
  const wanted = { stdin: options.stdin && spec.stdin, stdout: options.stdout, stderr: options.stderr && !tty }
  const before = options.logs ? await past(container) : undefined
  const tell = (action: string) =>
    core.events.publish({ Type: 'container', Action: action, ID: container.id, Attributes: attributesOf(container) })
  tell('attach')
  const own = {
    wanted,
    ...(before && { past: before }),
    ...(tty && wanted.stdin && { keys, onDetach: () => tell('detach') }),
  }
  if (!options.stream) return { tty, stream: ended(own) }
  const { run } = container
  const stream = run ? await ofThisRun(container, own, run.settled) : forTheNextRun(container, own)
  return { tty, stream, deliverTo: (fd) => stream.deliverTo(fd) }
}

function refuseUnlessAttachable({ status, id }: Container): void {
  if (status === 'paused') throw new DrydockError(`container ${id} is paused, unpause the container before attach`, { status: 409 })
  if (status === 'restarting') {
    throw new DrydockError(`container ${id} is restarting, wait until the container is running`, { status: 409 })
  }
}

type Own = Omit<ConstructorParameters<typeof Streams>[0], 'onSettled'>

function forTheNextRun(container: Container, own: Own): Streams {
  const streams = new Streams({ ...own, onSettled: (self) => container.attaching.delete(self) })
  if (container.doomed) streams.giveUp()
  else container.attaching.add(streams)
  return streams
}

/** Not the socket itself: a shim that ends in this moment resets it, and that is the end of the output and no failure. */
async function ofThisRun({ layout }: Container, own: Own, settled: Promise<unknown>): Promise<Streams> {
  const streams = new Streams(own)
  const source = await streams.open(layout.socket).catch(() => undefined)
  if (source) {
    streams.adopt(source)
    return streams
  }
  // It has ended just now, and its output with it.
  await settled
  streams.giveUp()
  return streams
}

/** Nothing but what was. */
function ended(own: Own): Streams {
  const streams = new Streams(own)
  streams.giveUp()
  return streams
}
