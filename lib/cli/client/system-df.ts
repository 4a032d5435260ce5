/** `drydock system df`: how much room images, containers and volumes take. */
import { type ContainerSummary, containerListing } from '../container-rows.js'
import { GoCommand } from '../flags.js'
import { type Listing, showRows } from '../format/index.js'
import { imageListing, rowsOf } from '../image-rows.js'
import { humanSize } from '../table.js'
import { type VolumeDocument, volumeListing } from '../volume-rows.js'
import { type ImageSummary, namesOf, shownImage } from './images.js'
import { verb } from './verb.js'

/** Engine API, GET /system/df: the members that are shown. */
interface Usage {
  readonly LayersSize: number
  readonly Images: readonly ImageSummary[] | null
  readonly Containers: readonly ContainerSummary[] | null
  readonly Volumes: readonly VolumeDocument[] | null
  readonly BuildCache: readonly { readonly Size: number; readonly InUse: boolean; readonly Shared: boolean }[] | null
}

interface Flags {
  readonly format?: string
  readonly verbose?: boolean
}

export const diskUsage = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Show how much room all takes.')
      .usage('[OPTIONS]')
      .option('--format <format>', 'table, json, or a Go template: {{.Type}}')
      .option('-v, --verbose', 'each image, container and volume'),
  async ({ options: { format, verbose }, engine: open }) => {
    const engine = await open()
    const usage = (await engine.ask(engine.docker.df())) as Usage
    process.stdout.write(verbose ? details(usage) : showRows(LISTING, summaries(usage), format))
    return 0
  },
)

interface Summary {
  readonly type: string
  readonly total: number
  readonly active: number
  readonly size: number
  readonly reclaimable: string
}

const LISTING: Listing<Summary> = {
  type: 'formatter.diskUsageContext',
  columns: {
    Active: { heading: 'ACTIVE', of: ({ active }) => String(active) },
    Reclaimable: { heading: 'RECLAIMABLE', of: ({ reclaimable }) => reclaimable },
    Size: { heading: 'SIZE', of: ({ size }) => humanSize(size) },
    TotalCount: { heading: 'TOTAL', of: ({ total }) => String(total) },
    Type: { heading: 'TYPE', of: ({ type }) => type },
  },
  usual: '{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}',
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((total, item) => total + of(item), 0)

/** With how much of it that is. */
const share = (part: number, whole: number): string =>
  whole > 0 ? `${humanSize(part)} (${Math.floor((part * 100) / whole)}%)` : humanSize(part)

function summaries({ LayersSize, Images, Containers, Volumes, BuildCache }: Usage): Summary[] {
  const [images, containers, volumes, cache] = [Images ?? [], Containers ?? [], Volumes ?? [], BuildCache ?? []]
  const used = images.filter(({ Containers: count = 0 }) => count > 0)
  const usedBytes = sum(used, ({ Size, SharedSize = -1 }) => (Size === -1 || SharedSize === -1 ? 0 : Size - SharedSize))
  const runs = containers.filter(({ State }) => ['running', 'paused', 'restarting'].includes(State))
  const written = sum(containers, ({ SizeRw = 0 }) => SizeRw)
  const known = volumes.flatMap(({ UsageData }) => (UsageData && UsageData.Size !== -1 ? [UsageData] : []))
  const inVolumes = sum(known, ({ Size }) => Size)
  const unused = sum(
    known.filter(({ RefCount }) => RefCount === 0),
    ({ Size }) => Size,
  )
  const cached = sum(
    cache.filter(({ Shared }) => !Shared),
    ({ Size }) => Size,
  )
  const free = sum(
    cache.filter(({ InUse, Shared }) => !InUse && !Shared),
    ({ Size }) => Size,
  )
  return [
    { type: 'Images', total: images.length, active: used.length, size: LayersSize, reclaimable: share(LayersSize - usedBytes, LayersSize) },
    {
      type: 'Containers',
      total: containers.length,
      active: runs.length,
      size: written,
      reclaimable: share(written - sum(runs, ({ SizeRw = 0 }) => SizeRw), written),
    },
    {
      type: 'Local Volumes',
      total: volumes.length,
      active: volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0).length,
      size: inVolumes,
      reclaimable: share(unused, inVolumes),
    },
    {
      type: 'Build Cache',
      total: cache.length,
      active: cache.filter(({ InUse }) => InUse).length,
      size: cached,
      reclaimable: humanSize(free),
    },
  ]
}

const IMAGE_COLUMNS =
  'table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}'
const CONTAINER_COLUMNS = 'table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}'

function details({ Images, Containers, Volumes, BuildCache }: Usage): string {
  const rows = (Images ?? []).flatMap((one) => rowsOf(shownImage(one), namesOf(one), false).slice(0, 1))
  const own = (Containers ?? []).map((one) => ({ ...one, SizeRootFs: 0 }))
  return [
    `Images space usage:\n\n${showRows(imageListing({ trunc: true, digests: false }), rows, IMAGE_COLUMNS)}`,
    `Containers space usage:\n\n${showRows(containerListing({ trunc: true, size: true }), own, CONTAINER_COLUMNS)}`,
    `Local Volumes space usage:\n\n${showRows(volumeListing(), Volumes ?? [], 'table {{.Name}}\t{{.Links}}\t{{.Size}}')}`,
    `Build cache usage: ${humanSize(
      sum(
        (BuildCache ?? []).filter(({ Shared }) => !Shared),
        ({ Size }) => Size,
      ),
    )}\n\nCACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED\n`,
  ].join('\n')
}
