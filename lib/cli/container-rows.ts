/** Docker's table of containers, out of the documents that the Engine API lists them by. */
import { ago } from '../engine/durations.js'
import type { Listing } from './format/index.js'
import { type ShownPort, showPorts } from './ports.js'
import { createdAt, humanSize } from './table.js'

/** Engine API, ContainerSummary: the members that are shown. */
export interface ContainerSummary {
  readonly Id: string
  readonly Names: readonly string[] | null
  readonly Image: string
  readonly ImageID?: string
  readonly Command: string
  /** Seconds since 1970. */
  readonly Created: number
  readonly Ports: readonly ShownPort[] | null
  readonly Labels: Readonly<Record<string, string>> | null
  readonly State: string
  readonly Status: string
  readonly SizeRw?: number
  readonly SizeRootFs?: number
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null } | null
  readonly Mounts?: readonly { readonly Name?: string; readonly Source?: string; readonly Driver?: string }[] | null
}

const LONGEST_COMMAND = 20
const LONGEST_MOUNT = 15

export function containerListing({ trunc, size }: { readonly trunc: boolean; readonly size: boolean }): Listing<ContainerSummary> {
  const ellipsis = (text: string, longest: number) =>
    trunc && [...text].length > longest ? `${[...text].slice(0, longest - 1).join('')}…` : text
  return {
    type: 'formatter.ContainerContext',
    columns: {
      Command: { heading: 'COMMAND', of: ({ Command }) => JSON.stringify(ellipsis(Command, LONGEST_COMMAND)) },
      CreatedAt: { heading: 'CREATED AT', of: ({ Created }) => createdAt(dateOf(Created)) },
      ID: { heading: 'CONTAINER ID', of: ({ Id }) => (trunc ? Id.slice(0, 12) : Id) },
      Image: { heading: 'IMAGE', of: (one) => imageOf(one, trunc) },
      Label: {
        heading: (name: string) => name.slice(name.lastIndexOf('.') + 1).replace(/[-_]/g, ' '),
        of: labelOf,
      },
      Labels: { heading: 'LABELS', of: ({ Labels }) => joined(Labels ?? {}) },
      LocalVolumes: {
        heading: 'LOCAL VOLUMES',
        of: ({ Mounts }) => String((Mounts ?? []).filter(({ Driver }) => Driver === 'local').length),
      },
      Mounts: {
        heading: 'MOUNTS',
        of: ({ Mounts }) => (Mounts ?? []).map(({ Name, Source }) => ellipsis(Name || Source || '', LONGEST_MOUNT)).join(','),
      },
      Names: { heading: 'NAMES', of: ({ Names }) => namesOf(Names ?? [], trunc).join(',') },
      Networks: { heading: 'NETWORKS', of: ({ NetworkSettings }) => Object.keys(NetworkSettings?.Networks ?? {}).join(',') },
      Platform: { heading: 'PLATFORM', of: () => null },
      Ports: { heading: 'PORTS', of: ({ Ports }) => showPorts(Ports ?? []) },
      RunningFor: { heading: 'CREATED', of: ({ Created }) => `${ago(dateOf(Created))} ago` },
      Size: { heading: 'SIZE', of: sizeOf },
      State: { heading: 'STATE', of: ({ State }) => State },
      Status: { heading: 'STATUS', of: ({ Status }) => Status },
    },
    usual: `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}${size ? '\t{{.Size}}' : ''}`,
    hidden: ['Label'],
  }
}

const dateOf = (seconds: number): string => new Date(seconds * 1000).toISOString()

/** An image whose name went to another one is shown by its id. */
function imageOf({ Image }: ContainerSummary, trunc: boolean): string {
  if (Image === '') return '<no image>'
  if (!trunc) return Image
  if (/^sha256:[0-9a-f]{64}$/.test(Image)) return Image.slice('sha256:'.length, 'sha256:'.length + 12)
  return Image.replace(/@sha256:[0-9a-f]{64}$/, '')
}

/** Names that links have given it have a slash within. */
function namesOf(names: readonly string[], trunc: boolean): string[] {
  const plain = names.map((name) => name.replace(/^\//, ''))
  return trunc ? plain.filter((name) => !name.includes('/')) : plain
}

function sizeOf({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const own = humanSize(SizeRw, 3)
  return SizeRootFs > 0 ? `${own} (virtual ${humanSize(SizeRootFs, 3)})` : own
}

/** `{{.Label "name"}}`: '' when there is none of that name. */
export const labelOf =
  ({ Labels }: { readonly Labels?: Readonly<Record<string, string>> | null }) =>
  (name: string): string =>
    Labels?.[name] ?? ''

export const joined = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map((label) => label.join('='))
    .sort()
    .join(',')
