/** An image as Docker's ImageInspect tells it. */
import type { Image } from '../../image/store/index.js'
import { configDocument } from './config.js'

export function imageDocument({ id, config, record, tags, digests, layers, size, created, tagged }: Image): Record<string, unknown> {
  const [top, ...below] = layers
  return {
    Id: id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: record.parent ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: created,
    // Which container it was committed from, and how that was: old members, by which compose 1 finds the image's volumes. Images say it no longer.
    Container: typeof config.container === 'string' ? config.container : '',
    ContainerConfig: configDocument(objectOf(config.container_config ?? config.config)),
    DockerVersion: typeof config.docker_version === 'string' ? config.docker_version : '',
    Author: config.author ?? '',
    Config: configDocument(config.config ?? {}),
    Architecture: config.architecture,
    ...(config.variant && { Variant: config.variant }),
    Os: config.os,
    Size: size,
    VirtualSize: size,
    GraphDriver: {
      Data: { ...(below.length > 0 && { LowerDir: below.join(':') }), ...(top !== undefined && { UpperDir: top }) },
      Name: 'overlay2',
    },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: tagged ?? '0001-01-01T00:00:00Z' },
  }
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? { ...value } : {})
