/** All that packing needs to know of each name in some directories, asked for in as few round trips as it takes. */
import { close, open, readlink } from '../../kernel/calls/files.js'
import { getdents64, lgetxattr, llistxattr, statx } from '../../kernel/calls/reading.js'
import type { Result } from '../../kernel/result.js'
import { ref, type Step } from '../../kernel/step.js'
import { actor, DIRECTORY, REMOVED, type TreeReader, type Unit } from './reader.js'
import { type Bytes, bytesOf, readList, readNames, readStatx, type Stat } from './records.js'

export interface Node extends Stat {
  readonly name: Bytes
  /** From the tree's root, without a slash in front. */
  readonly path: Bytes
  readonly directory: Bytes
  /** Who reads its content. */
  readonly reader: TreeReader
  /** A symbolic link's. */
  readonly target?: Buffer
  /** Value of security.capability. */
  readonly capability?: Buffer
  /** overlayfs: nothing of the layers below shows in this directory. */
  readonly opaque?: boolean
  /** overlayfs: content of layers below shows in this directory, under another path than its own. */
  readonly redirected?: boolean
  /** overlayfs: owner and mode are this layer's, the content is another's. */
  readonly metacopy?: boolean
}

/** Room for the names of the usual attributes: overlay's origin, SELinux's and a capability. What has more is asked for each that matters. */
const LIST_SIZE = 64
/** A file capability of version 3, linux/capability.h. */
const CAPABILITY_SIZE = 24

/** Names that are asked about in one batch. */
export const ASKED_AT_ONCE = 128

/** A name is what it was, or has no attributes because its file system has none. */
const TOLD = { actor, allow: ['ERANGE', 'EOPNOTSUPP', 'ENOENT'] } as const
const ASK = { actor } as const

/** What is behind these names of one directory, or of several; without those that are gone. In the order of the names. */
export async function look(reader: TreeReader, asked: readonly { directory: Bytes; names: readonly Bytes[] }[]): Promise<Node[][]> {
  const names = asked.flatMap(({ directory, names }, place) => names.map((name) => ({ directory, name, bytes: bytesOf(name), place })))
  const groups = asked.map((): Node[] => [])
  // One is asked while the one before is answered, and no more: what waits costs the collector of garbage more than waiting costs.
  let before: Promise<void> | undefined
  for (let at = 0; at < names.length; at += ASKED_AT_ONCE) {
    const asking = part(names.slice(at, at + ASKED_AT_ONCE))
    asking.catch(() => undefined)
    await before
    before = asking
  }
  await before
  return groups.map((group) => group.filter((node) => node !== GONE))

  async function part(some: readonly (typeof names)[number][]): Promise<void> {
    // Each has its place before anything is answered, since the parts answer at their own time.
    const places = some.map(({ place }) => (groups[place] as Node[]).push(GONE) - 1)
    const found = await reader.run(
      some.map(({ directory, bytes }) => ({ directory, steps: [statx(bytes, ASK), llistxattr(bytes, LIST_SIZE, TOLD)] })),
    )
    const more: { at: number; unit: Unit; read: readonly Reading[] }[] = []
    const nodes = some.map(({ directory, name, bytes }, at) => {
      const results = found[at]
      if (!results) return undefined
      const [known, list] = results as [Result, Result]
      const stat = readStatx(known.outs[0] as Buffer)
      const node: Node = Object.assign(stat, { name, directory, reader, path: directory === '' ? name : `${directory}/${name}` })
      const read = readings(stat, bytes, list)
      if (read.length > 0) more.push({ at, read, unit: { directory, steps: read.map(({ step }) => step) } })
      return node
    })
    if (more.length > 0) {
      const values = await reader.run(more.map(({ unit }) => unit))
      for (const [index, { at, read }] of more.entries()) {
        const results = values[index]
        if (!results) nodes[at] = undefined
        else for (const [which, { take }] of read.entries()) take(nodes[at] as Writable, results[which] as Result)
      }
    }
    for (const [at, node] of nodes.entries()) {
      if (node) (groups[(some[at] as { place: number }).place] as Node[])[places[at] as number] = node
    }
  }
}

/** A place in a list for what is no longer there. */
const GONE = {} as Node

type Writable = { -readonly [key in keyof Node]: Node[key] }

/** A further call, and what its answer says. */
interface Reading {
  readonly step: Step
  take(node: Writable, result: Result): void
}

const contentOf = ({ outs, ret }: Result): Buffer => (outs[0] as Buffer).subarray(0, Math.max(0, Number(ret)))

function readings(stat: Stat, name: Buffer, list: Result): Reading[] {
  const found: Reading[] = []
  if (stat.kind === 'symlink') {
    found.push({
      // EINVAL: it was one a moment ago.
      step: readlink(name, { size: Math.max(1, stat.size), allow: ['EINVAL'] }),
      take: (node, result) => {
        if (result.status === 'ok') node.target = contentOf(result)
      },
    })
  }
  if (list.status === 'ok') return [...found, ...attributes(name, readList(list.outs[0] as Buffer, Number(list.ret)))]
  if (list.errno !== 34 /* ERANGE */) return found
  // Longer than usual: each that matters is asked for by its name.
  return [...found, ...attributes(name, Object.keys(MATTER))]
}

/** Linux 5.11 and later have `user.` where an ordinary user made the overlay, overlayfs.rst of the kernel. */
const MATTER: Readonly<Record<string, (node: Writable, value: Buffer) => void>> = {
  'security.capability': (node, value) => {
    node.capability = value
  },
  ...overlays('trusted.overlay.'),
  ...overlays('user.overlay.'),
}

function overlays(prefix: string): Record<string, (node: Writable, value: Buffer) => void> {
  return {
    [`${prefix}opaque`]: (node, value) => {
      if (value[0] === 0x79 /* y */ && value.length === 1) node.opaque = true
    },
    [`${prefix}redirect`]: (node) => {
      node.redirected = true
    },
    [`${prefix}metacopy`]: (node) => {
      node.metacopy = true
    },
  }
}

function attributes(name: Buffer, list: readonly string[]): Reading[] {
  return list.flatMap((attribute) => {
    const take = MATTER[attribute]
    if (!take) return []
    const size = attribute === 'security.capability' ? CAPABILITY_SIZE : attribute.endsWith('opaque') ? 8 : 0
    const step = lgetxattr(name, attribute, size, { allow: ['ENODATA', 'EOPNOTSUPP', 'ERANGE', 'ENOENT'] })
    return [
      {
        step,
        take: (node: Writable, result: Result) => {
          if (result.status === 'ok') take(node, contentOf(result))
        },
      },
    ]
  })
}

const LISTED = ref('pack.small')
const SMALL = 16 * 1024
const REST = 1024
const LIST = [
  open('.', DIRECTORY, { actor, keep: LISTED.ref }),
  getdents64(LISTED, SMALL, { actor, allow: REMOVED }),
  getdents64(LISTED, REST, { actor, allow: REMOVED }),
  close(LISTED, ASK),
]

/**
 * Names in several directories, sorted by their bytes; 'big' where there are more than fit in one answer, undefined where one is gone.
 */
export async function listSmall(reader: TreeReader, directories: readonly Bytes[]): Promise<(Bytes[] | 'big' | undefined)[]> {
  const answers = await reader.run(directories.map((directory) => ({ directory, steps: LIST })))
  return answers.map((results) => {
    if (!results) return undefined
    const [, first, second] = results as [Result, Result, Result]
    if (second.status === 'allowed') return undefined
    if (second.ret !== 0n) return 'big'
    const names: Bytes[] = []
    readNames(first.outs[0] as Buffer, Number(first.ret), names)
    return names.sort()
  })
}
