/** An image, and what it says about running it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ImageSpec } from '../../container/spec.js'
import type { Image } from '../../image/store/index.js'

export interface RunnableImage extends ImageSpec {
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly workingDir: string
  readonly user: string
  readonly labels?: Readonly<Record<string, string>>
  /** `80/tcp` */
  readonly exposedPorts?: readonly string[]
  /** Where it wants volumes. */
  readonly volumes?: readonly string[]
  readonly stopSignal?: string
  /** The engine's HealthConfig, as it stands. */
  readonly healthcheck?: unknown
}

/** `word`: as somebody named it. */
export function runnableImage(
  word: string,
  { id, layers, config }: Pick<Image, 'id' | 'layers' | 'config'>,
  dataRoot: string,
): RunnableImage {
  const { Env, Entrypoint, Cmd, WorkingDir, User, Labels, ExposedPorts, Volumes, StopSignal, Healthcheck } = config.config ?? {}
  return {
    name: word,
    id,
    layers: layersOf(layers, dataRoot),
    env: Env ?? [],
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
    workingDir: WorkingDir ?? '',
    user: User ?? '',
    labels: Labels ?? {},
    exposedPorts: Object.keys(ExposedPorts ?? {}),
    volumes: Object.keys(Volumes ?? {}),
    ...(StopSignal && { stopSignal: StopSignal }),
    ...(Healthcheck !== undefined && { healthcheck: Healthcheck }),
  }
}

/** What `FROM scratch` begins with. */
export const noImage = (dataRoot: string): RunnableImage => ({
  name: '',
  layers: layersOf([], dataRoot),
  env: [],
  entrypoint: [],
  cmd: [],
  workingDir: '',
  user: '',
})

/** An image may have no layer, and overlayfs wants one. */
export const layersOf = (layers: readonly string[], dataRoot: string): readonly string[] =>
  layers.length > 0 ? layers : [nothing(dataRoot)]

function nothing(dataRoot: string): string {
  const directory = join(dataRoot, 'overlay', 'empty', 'diff')
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  return directory
}
