/**
 * A package for rpm with one file in it, as the format has been since 1997 (rpm's manual, "Package Format"):
 *
 *     lead (96 bytes, of no use any more) ── signature ── header ── cpio, compressed by gzip
 */
import { gzipSync } from 'node:zlib'

export interface PackageSpec {
  readonly name: string
  readonly version: string
  readonly summary: string
  /** Its path, absolute. */
  readonly path: string
  readonly content: string
}

/** rpmtag.h and rpmtypes in rpm's sources: the number of a tag, and the kind of what it has. */
const TYPE = { int16: 3, int32: 4, string: 6, strings: 8, translated: 9 } as const
const TAGS = {
  name: [1000, TYPE.string],
  version: [1001, TYPE.string],
  release: [1002, TYPE.string],
  summary: [1004, TYPE.translated],
  description: [1005, TYPE.translated],
  buildTime: [1006, TYPE.int32],
  size: [1009, TYPE.int32],
  license: [1014, TYPE.string],
  os: [1021, TYPE.string],
  architecture: [1022, TYPE.string],
  fileSizes: [1028, TYPE.int32],
  fileModes: [1030, TYPE.int16],
  fileTimes: [1034, TYPE.int32],
  fileFlags: [1037, TYPE.int32],
  fileUsers: [1039, TYPE.strings],
  fileGroups: [1040, TYPE.strings],
  directoryIndexes: [1116, TYPE.int32],
  baseNames: [1117, TYPE.strings],
  directoryNames: [1118, TYPE.strings],
  payloadFormat: [1124, TYPE.string],
  payloadCompressor: [1125, TYPE.string],
} as const
type Tags = Partial<Record<keyof typeof TAGS, string | number>>

const EXECUTABLE = 0o100755

export function rpmPackage({ name, version, summary, path, content }: PackageSpec): Buffer {
  const at = path.lastIndexOf('/') + 1
  const size = Buffer.byteLength(content)
  const described = section({
    ...{
      name,
      version,
      release: '1',
      summary,
      description: summary,
      buildTime: 0,
      size,
      license: 'MIT',
      os: 'linux',
      architecture: 'noarch',
    },
    ...{ fileSizes: size, fileModes: EXECUTABLE, fileTimes: 0, fileFlags: 0, fileUsers: 'root', fileGroups: 'root' },
    ...{ directoryIndexes: 0, baseNames: path.slice(at), directoryNames: path.slice(0, at) },
    ...{ payloadFormat: 'cpio', payloadCompressor: 'gzip' },
  })
  return Buffer.concat([lead(`${name}-${version}-1`), section({}), described, gzipSync(cpio(`.${path}`, Buffer.from(content)))])
}

function lead(name: string): Buffer {
  const bytes = Buffer.alloc(96)
  bytes.writeUInt32BE(0xedabeedb)
  bytes.writeUInt8(3, 4)
  bytes.write(name, 10, 65)
  bytes.writeUInt16BE(1, 76)
  // "Header-style" signature.
  bytes.writeUInt16BE(5, 78)
  return bytes
}

/** An index, an entry for each tag, and what the entries point at; the signature’s would be filled up to 8 bytes, which an empty one has. */
function section(tags: Tags): Buffer {
  const index: Buffer[] = []
  const store: Buffer[] = []
  let offset = 0
  for (const [key, value] of Object.entries(tags)) {
    const [tag, type] = TAGS[key as keyof Tags]
    const gap = type === TYPE.int32 ? (4 - (offset % 4)) % 4 : type === TYPE.int16 ? offset % 2 : 0
    const bytes = bytesOf(type, value)
    index.push(numbers(tag, type, offset + gap, 1))
    store.push(Buffer.alloc(gap), bytes)
    offset += gap + bytes.length
  }
  const magic = Buffer.from([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0])
  return Buffer.concat([magic, numbers(index.length, offset), ...index, ...store])
}

function bytesOf(type: number, value: string | number): Buffer {
  if (typeof value === 'string') return Buffer.from(`${value}\0`)
  return numbers(value).subarray(type === TYPE.int16 ? 2 : 0)
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, at) => void bytes.writeUInt32BE(value, at * 4))
  return bytes
}

/** One file in cpio's "new ASCII" format, and the entry that ends it. cpio(5). */
function cpio(path: string, content: Buffer): Buffer {
  const entry = (name: string, mode: number, bytes: Buffer) => {
    const fields = [1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0]
    const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`)
    return Buffer.concat([head, padding(head), bytes, padding(bytes)])
  }
  return Buffer.concat([entry(path, EXECUTABLE, content), entry('TRAILER!!!', 0, Buffer.alloc(0))])
}

const padding = ({ length }: Buffer) => Buffer.alloc((4 - (length % 4)) % 4)
