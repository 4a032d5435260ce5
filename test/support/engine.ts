/** An engine in directories of its own, with one image: `box`, busybox with a few names. */
import { deepEqual } from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine, type EngineOptions } from '../../lib/engine/index.js'
import type { EngineEvent } from '../../lib/engine/types.js'
import { importImage } from '../../lib/image/import.js'
import { packTree } from '../../lib/image/pack/index.js'
import { parseReference } from '../../lib/image/reference.js'
import { Store } from '../../lib/image/store/index.js'
import { removeTrees } from '../../lib/image/store/tree.js'
import { runDirectory } from '../../lib/kernel/places.js'
import { containerCgroups } from './container-cgroups.js'
import { busyboxRoot } from './full.js'

export interface Place {
  readonly root: string
  open(options?: EngineOptions): Promise<Engine>
  /** After every engine of it is closed: ends what runs and takes everything away. */
  remove(): Promise<void>
}

/** `changes`: Dockerfile instructions of the image. */
export async function enginePlace(changes: readonly string[] = []): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'drydock-engine-'))
  const box = busyboxRoot()
  writeFileSync(join(box.path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(box.path, 'etc/group'), 'root:x:0:\n')
  try {
    await importImage(packTree([box.path]), { store: new Store(root), reference: parseReference('box'), changes })
  } finally {
    box.remove()
  }
  return {
    root,
    open: (options = {}) => Engine.open({ dataRoot: root, ...options }),
    async remove() {
      const engine = await Engine.open({ dataRoot: root })
      for (const { id } of engine.context.containers.all()) await engine.containers.remove(id, { force: true, volumes: true })
      await engine.close()
      await removeTrees(['overlay', 'images', 'volumes', 'containers'].map((name) => join(root, name)))
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** The body of a create: without a network unless it says so. */
export const body = (
  cmd: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
  host: Readonly<Record<string, unknown>> = {},
) => ({
  Image: 'box',
  Cmd: cmd,
  ...more,
  HostConfig: { NetworkMode: 'none', ...host },
})

/** All that can be read from a stream, its frames taken off: what came by each of the two. */
export async function textOf(stream: AsyncIterable<Buffer>, tty = false): Promise<{ stdout: string; stderr: string }> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  const all = Buffer.concat(chunks)
  if (tty) return { stdout: all.toString(), stderr: '' }
  const said = { stdout: '', stderr: '' }
  for (let at = 0; at < all.length; ) {
    const length = all.readUInt32BE(at + 4)
    said[all[at] === 2 ? 'stderr' : 'stdout'] += all.subarray(at + 8, at + 8 + length).toString()
    at += 8 + length
  }
  return said
}

/** What has happened so far, as `Type Action`. */
export async function happened(engine: Engine): Promise<string[]> {
  const events: EngineEvent[] = []
  const past = { since: 0n, until: 2n ** 62n, filters: new Map(), signal: AbortSignal.abort() }
  for await (const event of engine.events.stream(past)) events.push(event)
  return events.map(({ Type, Action }) => `${Type} ${Action}`)
}

const namesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path).sort() : [])

/** Files, sockets, cgroups, addresses: of each container what it has, and nothing else. */
export function nothingElse(engine: Engine, { root }: Place): void {
  const all = engine.context.containers.all()
  const running = all.filter((one) => one.running)
  const [ids, up] = [all, running].map((some) => some.map(({ id }) => id).sort()) as [string[], string[]]
  deepEqual(namesIn(join(root, 'containers')), ids)
  deepEqual(namesIn(join(root, 'names')), all.map(({ name }) => name).sort())
  const layers = new Set(engine.context.store.layers.list().map((chain) => chain.slice('sha256:'.length)))
  deepEqual(
    namesIn(join(root, 'overlay')).filter((name) => /^[0-9a-f]{64}$/.test(name) && !layers.has(name)),
    ids,
  )
  deepEqual(
    namesIn(runDirectory()).filter((name) => /^[0-9a-f]{12}\.sock$/.test(name)),
    up.map((id) => `${id.slice(0, 12)}.sock`),
  )
  deepEqual(containerCgroups() ?? up, up)
  const leases = namesIn(join(root, 'networks/bridge/leases')).filter((name) => !name.startsWith('.'))
  deepEqual(leases.length, running.filter(({ record }) => record.spec.network.kind === 'networks').length)
}
