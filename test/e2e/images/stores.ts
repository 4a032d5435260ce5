/** Where Docker and drydock have the layers of an image, each layer's directory by its diff id. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DATA_ROOT, type Machine } from './machines.js'

/** From the bottom up. */
export type Layers = ReadonlyMap<string, string>

/** What both say of an image; docker's `image inspect`. */
export interface Inspected {
  readonly Id: string
  readonly Created: string
  readonly Architecture: string
  readonly Os: string
  readonly Config: Readonly<Record<string, unknown>>
  readonly RootFS: { readonly Type: string; readonly Layers: readonly string[] }
}

interface OverlayDirectories {
  readonly LowerDir?: string
  readonly UpperDir: string
}

export async function dockersImage(machine: Machine, image: string): Promise<Inspected & { GraphDriver: { Data: OverlayDirectories } }> {
  return JSON.parse(await machine.docker('image', 'inspect', '--format', '{{json .}}', image))
}

export async function dockersLayers(machine: Machine, image: string): Promise<Layers> {
  const { RootFS, GraphDriver } = await dockersImage(machine, image)
  const { LowerDir = '', UpperDir } = GraphDriver.Data
  const directories = [UpperDir, ...LowerDir.split(':').filter((path) => path !== '')].reverse()
  if (directories.length !== RootFS.Layers.length)
    throw new Error(`${image}: ${RootFS.Layers.length} layers in ${directories.length} directories`)
  return new Map(RootFS.Layers.map((id, index) => [id, directories[index] as string]))
}

export async function drydocksImage(machine: Machine, image: string, root = DATA_ROOT): Promise<Inspected> {
  return JSON.parse(await machine.drydock(['image', 'inspect', '--format', '{{json .}}', image], root))
}

/** A layer's directory is named by its chain id: what it is, on top of what. image-spec, config.md, Layer ChainID. */
export async function drydocksLayers(machine: Machine, image: string, root = DATA_ROOT): Promise<Layers> {
  const layers = new Map<string, string>()
  let chain = ''
  for (const id of (await drydocksImage(machine, image, root)).RootFS.Layers) {
    chain = chain === '' ? id : `sha256:${createHash('sha256').update(`${chain} ${id}`).digest('hex')}`
    layers.set(id, join(root, 'overlay', chain.slice('sha256:'.length), 'diff'))
  }
  return layers
}
