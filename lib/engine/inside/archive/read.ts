/** What is at a path of a container, as an archive whose entries begin with the path's last name: `docker cp` out of it. */
import { contents, type Piece } from '../../../image/pack/contents.js'
import { Entries } from '../../../image/pack/entries.js'
import { look as lookAt, type Node } from '../../../image/pack/nodes.js'
import { TreeReader } from '../../../image/pack/reader.js'
import type { Stat } from '../../../image/pack/records.js'
import { walk } from '../../../image/pack/walk.js'
import { TAR_END, tarHeader } from '../../../image/tar/index.js'
import { chroot } from '../../../kernel/calls/mounts.js'
import { chdir } from '../../../kernel/calls/process.js'
import { errnoOf } from '../../../kernel/constants.js'
import { StepError } from '../../../kernel/result.js'
import type { Shim } from '../../../kernel/shim.js'
import { container } from '../../../kernel/step.js'
import { type Asked, pathError, TROUBLE } from './look.js'
import { baseOf, parentOf } from './names.js'

export interface PackOptions {
  readonly signal: AbortSignal
  readonly warn: (sentence: string) => void
}

/**
 * Make the directory in which the path's last name is the root of the shim's child, or the directory that the path names: nothing above is there any more,
 * whatever the path leads to later. `stat` is what was found there.
 */
export async function enterPath(shim: Shim, stat: Stat, asked: Asked): Promise<void> {
  const root = Buffer.from(stat.kind === 'directory' ? asked.absolute : parentOf(asked.absolute), 'latin1')
  const [entered] = await shim.attempt(container([chroot(root, { allow: TROUBLE }), chdir('/')]))
  if (entered?.status === 'allowed') throw pathError(errnoOf(entered.errno), asked)
  if (entered?.status === 'failed') throw new StepError(entered)
}

/** After enterPath. */
export async function* packPath(shim: Shim, stat: Stat, asked: Asked, { signal, warn }: PackOptions): AsyncGenerator<Buffer, void, void> {
  const reader = TreeReader.over(shim, { signal, crossing: true })
  const name = baseOf(asked.absolute)
  const nodes = stat.kind === 'directory' ? below(reader, name) : alone(reader, name, asked)
  yield* contents(pieces(nodes, new Entries({ form: 'tree', warn })), warn)
  yield TAR_END
}

async function* below(reader: TreeReader, name: string): AsyncGenerator<Node, void, void> {
  // Docker's archive of `/` has absolute names.
  const prefix = name === '/' ? '/' : `${name}/`
  const [[root] = []] = await lookAt(reader, [{ directory: '', names: ['.'] }])
  if (root) yield { ...root, path: name }
  for await (const node of walk(reader)) yield { ...node, path: `${prefix}${node.path}` }
}

async function* alone(reader: TreeReader, name: string, asked: Asked): AsyncGenerator<Node, void, void> {
  const [[node] = []] = await lookAt(reader, [{ directory: '', names: [name] }])
  if (!node) throw pathError({ name: 'ENOENT', text: '' }, asked)
  // Its other names are not packed, so it is a file like any other.
  const { identity: _, ...rest } = node
  yield rest
}

async function* pieces(nodes: AsyncIterable<Node>, entries: Entries): AsyncGenerator<Piece, void, void> {
  for await (const node of nodes) {
    for (const { input, content } of entries.of(node)) yield { head: tarHeader(input), ...(content && { file: node }) }
  }
}
