/** For a file of tests of root's: an engine in a place of its own, there before the first test and gone with all that it has after the last. */
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import { enginePlace, type Place } from './engine.js'

export interface EngineOfPlace {
  /** The one of this moment. */
  readonly engine: Engine
  readonly place: Place
  /** Another one in the same place, when this one has ended. */
  reopen(): Promise<void>
}

/** `changes`: Dockerfile instructions of the image. `cleared`: no test finds containers and volumes of the one before. */
export function engineOfPlace({
  changes = [],
  cleared = true,
}: {
  readonly changes?: readonly string[]
  readonly cleared?: boolean
} = {}): EngineOfPlace {
  let [place, engine]: [Place?, Engine?] = []
  beforeAll(async () => {
    if (process.geteuid?.() !== 0) return
    place = await enginePlace(changes)
    engine = await place.open()
  })
  afterEach(async () => {
    if (!cleared || !engine) return
    for (const { id } of engine.context.containers.all()) await engine.containers.remove(id, { force: true, volumes: true })
    for (const { Name } of (await engine.volumes.list(new Map())).Volumes) await engine.volumes.remove(String(Name), { force: true })
  })
  afterAll(async () => {
    await engine?.close()
    await place?.remove()
  })
  return {
    get engine() {
      return engine as Engine
    },
    get place() {
      return place as Place
    },
    async reopen() {
      await engine?.close()
      engine = await place?.open()
    },
  }
}
