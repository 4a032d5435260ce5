/** A container is made from what a client asks for. */

import type { ContainerRecord } from '../../container/index.js'
import { inventName } from '../../container/names.js'
import { NO_NOTES } from '../../container/notes.js'
import { makeContainer, unmakeContainer } from '../../container/staged.js'
import { matches, ownPlatform, parsePlatform, showPlatform } from '../../image/platform.js'
import { DrydockError } from '../../kernel/errors.js'
import { newId } from '../../kernel/random.js'
import { notEnforced } from '../../primitives/cgroups/index.js'
import { rootOutside } from '../../primitives/own-ids.js'
import type { MountSpec } from '../../primitives/rootfs/index.js'
import { attributesOf, type EngineSettings } from '../context.js'
import type { Core } from '../core.js'
import { cannotFilter, mayNotPlug } from '../network/checks.js'
import { noImage, runnableImage } from '../request/image.js'
import { type Asked, readBody, requestedRecord } from '../request/index.js'
import { withDefaultLog } from '../request/log.js'
import type { CreateBody, Created } from '../types.js'
import { deleteVolume, holdVolume, publishVolume, volumesIn } from '../volume/index.js'
import { withSubpaths } from '../volume/subpaths.js'
import type { Base } from './base.js'
import { Container } from './container.js'

/** How many names are invented before one must be given. */
const NAMES = 20

export interface CreateOptions {
  readonly name?: string
  readonly platform?: string
  /** It may be made of no image, which clients must name: the builder's beginning. */
  readonly nameless?: boolean
}

export async function create(core: Core, body: CreateBody, { name, platform, nameless = false }: CreateOptions): Promise<Created> {
  const asked = withDefaults(readBody(body, { nameless }), core.settings)
  const word = asked.config.Image ?? ''
  const image = nameless && word === '' ? undefined : await core.bases.find(word)
  const holds: (() => void)[] = []
  const own: string[] = []
  try {
    const warnings = image ? platformWarnings(image, word, platform) : []
    const requested = requestedRecord(asked, {
      dataRoot: core.dataRoot,
      image: image ? runnableImage(word, image, core.dataRoot) : noImage(core.dataRoot),
      rootless: mayNotPlug(core.machine),
      ruleless: cannotFilter(core.machine),
      remapped: rootOutside(core.machine.idmap) !== undefined,
      ...(name && { name }),
      recordOf: (other) => recordOf(core, other),
      volumeName: () => {
        const id = newId()
        own.push(id)
        return id
      },
    })
    // Until the container is known, nobody can see that it has them.
    for (const volume of volumesIn(requested.record)) holds.push(holdVolume(volume.source))
    for (const volume of requested.madeVolumes) publishVolume(core.events, 'create', volume)
    if (image && requested.fill.length > 0) await fill(core, image, requested.fill)
    const container = await make(core, withSubpaths(requested.record), requested.invented)
    if (image && !core.bases.has(image)) await unmake(core, container, word)
    core.containers.add(container)
    core.events.publish({ Type: 'container', Action: 'create', ID: container.id, Attributes: attributesOf(container) })
    const { limits } = container.record.spec
    return { Id: container.id, Warnings: [...warnings, ...requested.warnings, ...notEnforced(limits, core.machine.cgroups)] }
  } catch (error) {
    // Nobody knows of those without a name.
    for (const volume of own) await deleteVolume(core.dataRoot, volume)
    throw error
  } finally {
    for (const release of holds) release()
  }
}

/** What the daemon says, where the caller says nothing. */
function withDefaults(asked: Asked, settings: EngineSettings): Asked {
  const host = withDefaultLog(asked.host, settings)
  return { ...asked, host: host.Init === undefined && settings.init ? { ...host, Init: true } : host }
}

/** Of another container that this one has something of. One that is not there is a mistake here, since clients pull an image for every 404 of a create. */
function recordOf({ containers }: Core, word: string): ContainerRecord {
  try {
    return containers.find(word).record
  } catch (cause) {
    throw cause instanceof DrydockError ? new DrydockError(cause.message, { cause, status: 400 }) : cause
  }
}

/** Its layers are read, so nobody may take them away meanwhile. */
async function fill(core: Core, { id }: Base, volumes: readonly MountSpec[]): Promise<void> {
  const { image, lease } = await core.store.hold(id)
  try {
    await (await import('../copy-up.js')).fillVolumes(volumes, image.layers, () => core.newShim())
  } finally {
    lease.release()
  }
}

/** What goes when it has ended need not survive that the power fails. */
async function make(core: Core, record: ContainerRecord, invented: boolean): Promise<Container> {
  for (let attempt = 1, current = record; ; attempt++, current = renamed(record, inventName(attempt))) {
    try {
      const layout = await makeContainer(core.dataRoot, current, { durable: record.more?.autoRemove !== true })
      return new Container(core.dataRoot, current, NO_NOTES, undefined, layout)
    } catch (error) {
      const taken = error instanceof DrydockError && error.status === 409
      if (!taken || !invented || attempt === NAMES) throw error
    }
  }
}

/** Its image was removed while it was made. */
async function unmake(core: Core, { layout }: Container, word: string): Promise<never> {
  await core.clerks.run(unmakeContainer(layout, []))
  throw new DrydockError(`No such image: ${word}`, { status: 404 })
}

export const renamed = (record: ContainerRecord, name: string): ContainerRecord => ({ ...record, spec: { ...record.spec, name } })

/** 404 when there is none for the platform that was asked for: clients then fetch it. */
function platformWarnings({ config }: Base, word: string, asked: string | undefined): string[] {
  if (asked) {
    if (matches(config, parsePlatform(asked))) return []
    throw new DrydockError(
      `image with reference ${word} was found but its platform (${showPlatform(config)}) does not match the specified platform (${asked})`,
      { status: 404 },
    )
  }
  const own = ownPlatform()
  if (matches(config, own)) return []
  return [
    `The requested image's platform (${showPlatform(config)}) does not match the detected host platform (${showPlatform(own)}) and no specific platform was requested`,
  ]
}
