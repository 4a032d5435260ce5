/** `--mount` and `-v` as docker's client reads them (github.com/docker/cli, opts/mount.go; the Engine API's Mount). */
import { resolve } from 'node:path'
import { DrydockError } from '../../../kernel/errors.js'
import { readBytes } from '../../flags.js'
import { pair, readFields } from './csv.js'

/** Members in the order in which Docker has them; what is not said is left out. */
export type Mount = Readonly<Record<string, unknown>>

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

interface Draft {
  type: string
  source?: string
  target?: string
  readOnly?: boolean
  consistency?: string
  bind: Record<string, unknown>
  volume: { NoCopy?: boolean; Labels?: Record<string, string>; Subpath?: string; driver?: string; options?: Record<string, string> }
  image: { Subpath?: string }
  tmpfs: { SizeBytes?: number; Mode?: number }
}

/** What each word does; those that stand alone mean `true`. */
const WORDS: Readonly<Record<string, (draft: Draft, value: string, name: string) => void>> = {
  type: (draft, value) => {
    draft.type = value.toLowerCase()
  },
  source: (draft, value) => {
    draft.source = value.startsWith('.') ? resolve(value) : value
  },
  target: (draft, value) => {
    draft.target = value
  },
  readonly: (draft, value, name) => {
    draft.readOnly = boolean(value, name)
  },
  consistency: (draft, value) => {
    draft.consistency = value.toLowerCase()
  },
  'bind-propagation': (draft, value) => {
    draft.bind.Propagation = value.toLowerCase()
  },
  'bind-nonrecursive': (draft, value, name) => {
    draft.bind.NonRecursive = boolean(value, name)
  },
  'bind-recursive': ({ bind }, value) => {
    if (value === 'disabled') bind.NonRecursive = true
    else if (value === 'writable') bind.ReadOnlyNonRecursive = true
    else if (value === 'readonly') bind.ReadOnlyForceRecursive = true
    else if (value !== 'enabled')
      refuse(`invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`)
  },
  'volume-subpath': ({ volume }, value) => {
    volume.Subpath = value
  },
  'volume-nocopy': ({ volume }, value, name) => {
    volume.NoCopy = boolean(value, name)
  },
  'volume-label': ({ volume }, value) => {
    volume.Labels = { ...volume.Labels, ...keyed(value) }
  },
  'volume-driver': ({ volume }, value) => {
    volume.driver = value
  },
  'volume-opt': ({ volume }, value) => {
    volume.options = { ...volume.options, ...keyed(value) }
  },
  'image-subpath': ({ image }, value) => {
    image.Subpath = value
  },
  'tmpfs-size': ({ tmpfs }, value, name) => {
    tmpfs.SizeBytes = bytes(value, name)
  },
  'tmpfs-mode': ({ tmpfs }, value, name) => {
    if (!/^[0-7]+$/.test(value)) refuse(`invalid value for ${name}: ${value}`)
    tmpfs.Mode = Number.parseInt(value, 8)
  },
}

const OTHER_WORDS: Readonly<Record<string, string>> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' }
const SWITCHES = new Set(['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive'])

export function readMount(text: string): Mount {
  const draft: Draft = { type: 'volume', bind: {}, volume: {}, image: {}, tmpfs: {} }
  const used = new Set<string>()
  for (const field of readFields(text)) {
    const { name: typed, value } = pair(field)
    const name = typed.toLowerCase()
    const act = WORDS[OTHER_WORDS[name] ?? name]
    if (value === undefined && !SWITCHES.has(name)) refuse(`invalid field '${field}' must be a key=value pair`)
    if (!act) refuse(`unexpected key '${name}' in '${field}'`)
    act?.(draft, value ?? 'true', name)
    used.add(name.split('-', 1)[0] as string)
  }
  if (draft.target === undefined || draft.target === '') refuse('target is required')
  for (const kind of ['volume', 'bind', 'image', 'tmpfs']) {
    const mixed = used.has(kind) && draft.type !== kind
    if (mixed) refuse(`cannot mix '${kind}-*' options with mount type '${draft.type}'`)
  }
  return mountOf(draft, used)
}

function mountOf({ type, source, target, readOnly, consistency, bind, volume, image, tmpfs }: Draft, used: ReadonlySet<string>): Mount {
  const { driver, options, ...ofVolume } = volume
  return {
    Type: type,
    ...(source && { Source: source }),
    Target: target,
    ...(readOnly && { ReadOnly: true }),
    ...(consistency && { Consistency: consistency }),
    ...(Object.keys(bind).length > 0 && { BindOptions: bind }),
    ...(used.has('volume') && {
      VolumeOptions: { ...ofVolume, DriverConfig: { ...(driver && { Name: driver }), ...(options && { Options: options }) } },
    }),
    ...(used.has('image') && { ImageOptions: image }),
    ...(used.has('tmpfs') && { TmpfsOptions: tmpfs }),
  }
}

function boolean(value: string, name: string): boolean {
  if (['true', '1', 't', 'T', 'TRUE', 'True'].includes(value)) return true
  if (['false', '0', 'f', 'F', 'FALSE', 'False'].includes(value)) return false
  return refuse(`invalid value for ${name}: ${value}`)
}

function bytes(value: string, name: string): number {
  try {
    return readBytes(value)
  } catch {
    return refuse(`invalid value for ${name}: ${value}`)
  }
}

function keyed(text: string): Record<string, string> {
  const { name, value = '' } = pair(text)
  return { [name]: value }
}

/** What has a source is bound (`Binds`), what has none is a volume of the container's own (`Volumes`). A relative path is meant from here. */
export function readVolumes(texts: readonly string[]): {
  readonly binds: readonly string[] | null
  readonly own: Readonly<Record<string, object>>
} {
  const binds: string[] = []
  const own: Record<string, object> = {}
  for (const text of new Set(texts)) {
    if (text === '') refuse('invalid empty volume spec')
    const parts = sections(text)
    if (parts.some((part) => part === '')) refuse(`invalid spec: ${text}: empty section between colons`)
    const [source = '', ...rest] = parts
    if (rest.length === 0) own[text] = {}
    else binds.push(/^\.{1,2}(\/|$)/.test(source) ? [resolve(source), ...rest].join(':') : text)
  }
  return { binds: binds.length > 0 ? binds : null, own }
}

/** One letter before the first colon is a drive of Windows. */
function sections(text: string): string[] {
  const parts = text.split(':')
  const [drive = '', path = ''] = parts
  return /^[a-zA-Z]$/.test(drive) && parts.length > 1 ? [`${drive}:${path}`, ...parts.slice(2)] : parts
}
