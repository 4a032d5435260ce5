/**
 * What `docker save` writes and `docker load` reads: one tar that is two things, Docker's own form (manifest.json) and an OCI layout (index.json), which share
 * their blobs. OCI image specification, image-layout.md.
 *
 *     blobs/sha256/HEX    configurations, manifests, layers
 *     index.json          the manifests, with names in annotations
 *     manifest.json       configuration, names and layers of each image, by their paths
 *     oci-layout          the version
 *     repositories        which layer a name leads to: of before 2016
 *
 * Layers were at ID/layer.tar, and configurations at HEX.json, until Docker 25.
 */
import type { Digest } from './types.js'

export const INDEX = 'index.json'
export const MANIFEST = 'manifest.json'
export const LAYOUT = 'oci-layout'
export const REPOSITORIES = 'repositories'

/** One of manifest.json's. */
export interface ArchivedImage {
  readonly Config: string
  readonly RepoTags: readonly string[] | null
  /** The bottom one first. */
  readonly Layers: readonly string[]
}

/** A whole name, for containerd; and the tag alone, for tools of OCI layouts. */
export const FULL_NAME = 'io.containerd.image.name'
export const REF_NAME = 'org.opencontainers.image.ref.name'

export const blobPath = (digest: Digest): string => `blobs/sha256/${digest.slice('sha256:'.length)}`
