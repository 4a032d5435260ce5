/** Where the nouns of an engine come from: each is made for its context by a factory. One line for each part. */
import { DrydockError } from '../kernel/errors.js'
import type { EngineContext } from './context.js'
import { imagesOf } from './image/index.js'
import { execsOf, insideOf } from './inside/index.js'
import type { InsideMembers } from './life/index.js'
import { networksOf } from './network/index.js'
import { systemOf } from './system/index.js'
import type { ContainersNoun, ExecsNoun, ImagesNoun, NetworksNoun, SystemNoun, VolumesNoun } from './types.js'
import { volumesOf } from './volume/index.js'

export interface Parts {
  readonly execs: (context: EngineContext) => ExecsNoun & Lasting
  readonly inside: (context: EngineContext) => Pick<ContainersNoun, InsideMembers>
  readonly images: (context: EngineContext) => ImagesNoun
  readonly networks: (context: EngineContext) => NetworksNoun
  readonly volumes: (context: EngineContext) => VolumesNoun
  readonly system: (context: EngineContext, nouns: { readonly containers: Pick<ContainersNoun, 'list'> }) => SystemNoun
}

/** What lives on without the engine. */
export interface Lasting {
  /** When the engine begins, and knows its containers: what another one has left running. */
  recover?(): Promise<void>
  /** When it ends: let go of it. */
  close?(): Promise<void>
}

/** A part that is not there answers every question with a sentence. */
export function lacking<T extends object>(what: string): T {
  const answer = () => Promise.reject(new DrydockError(`this engine has no ${what}`, { status: 501 }))
  return new Proxy({} as T, { get: (_, name) => (name === 'then' ? undefined : answer) })
}

export const PARTS: Partial<Parts> = {
  execs: execsOf,
  inside: insideOf,
  images: imagesOf,
  networks: networksOf,
  volumes: volumesOf,
  system: systemOf,
}
