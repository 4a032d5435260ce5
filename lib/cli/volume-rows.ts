/** Docker's table of volumes. */
import { joined, labelOf } from './container-rows.js'
import type { Listing } from './format/index.js'
import { humanSize } from './table.js'

/** Engine API, Volume: the members that are shown. */
export interface VolumeDocument {
  readonly Name: string
  readonly Driver: string
  readonly Mountpoint: string
  readonly Scope: string
  readonly Labels: Readonly<Record<string, string>> | null
  /** Of GET /system/df alone. */
  readonly UsageData?: { readonly Size: number; readonly RefCount: number } | null
}

const NOT_KNOWN = 'N/A'

export const volumeListing = (): Listing<VolumeDocument> => ({
  type: 'formatter.volumeContext',
  columns: {
    Availability: { heading: 'AVAILABILITY', of: () => NOT_KNOWN },
    Driver: { heading: 'DRIVER', of: ({ Driver }) => Driver },
    Group: { heading: 'GROUP', of: () => NOT_KNOWN },
    Label: {
      heading: (name: string) => name,
      of: labelOf,
    },
    Labels: { heading: 'LABELS', of: ({ Labels }) => joined(Labels ?? {}) },
    Links: { heading: 'LINKS', of: ({ UsageData }) => (UsageData ? String(UsageData.RefCount) : NOT_KNOWN) },
    Mountpoint: { heading: 'MOUNTPOINT', of: ({ Mountpoint }) => Mountpoint },
    Name: { heading: 'VOLUME NAME', of: ({ Name }) => Name },
    Scope: { heading: 'SCOPE', of: ({ Scope }) => Scope },
    Size: { heading: 'SIZE', of: ({ UsageData }) => (UsageData ? humanSize(UsageData.Size) : NOT_KNOWN) },
    Status: { heading: 'STATUS', of: () => NOT_KNOWN },
  },
  usual: '{{.Driver}}\t{{.Name}}',
  hidden: ['Label'],
})
