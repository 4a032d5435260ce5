/** A directory as a build's context: an archive of what .dockerignore leaves, everything root's, as docker's command line sends it. */
import { lstat, readdir } from 'node:fs/promises'
import { Ignore } from '../../../image/dockerfile/index.js'
import { TAR_END, tarHeader, tarPadding } from '../../../image/tar/index.js'
import { fileEntry, within } from '../copy/pack.js'

export interface DirectoryOptions {
  readonly patterns: readonly string[]
  /** Files beside those of the directory, or in their place: text by name. */
  readonly extra: Readonly<Record<string, string>>
}

export async function* packDirectory(directory: string, { patterns, extra }: DirectoryOptions): AsyncGenerator<Buffer> {
  const ignore = new Ignore(patterns)
  for (const [name, text] of Object.entries(extra)) yield* added(name, text)
  yield* below(Buffer.from(directory), undefined, ignore, new Set(Object.keys(extra)))
  yield TAR_END
}

/** One file alone. */
export async function* packText(name: string, text: string): AsyncGenerator<Buffer> {
  yield* added(name, text)
  yield TAR_END
}

async function* below(directory: Buffer, path: Buffer | undefined, ignore: Ignore, taken: ReadonlySet<string>): AsyncGenerator<Buffer> {
  const names = await readdir(path ? within(directory, path) : directory, { encoding: 'buffer' })
  for (const name of names.sort(Buffer.compare)) {
    const own = path ? within(path, name) : name
    // Patterns are text. A name that is none, in UTF-8, is matched as it would be shown.
    const text = own.toString()
    if (taken.has(text)) continue
    const file = within(directory, own)
    const found = await lstat(file)
    const ignored = ignore.ignores(text)
    if (!ignored) yield* fileEntry(file, own, { uid: 0, gid: 0 })
    if (found.isDirectory() && (!ignored || ignore.goesInto(text))) yield* below(directory, own, ignore, taken)
  }
}

function* added(name: string, text: string): Generator<Buffer> {
  const content = Buffer.from(text)
  yield tarHeader({
    path: Buffer.from(name),
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: content.length,
    mtime: { seconds: Math.floor(Date.now() / 1000), nanoseconds: 0 },
  })
  yield content
  yield tarPadding(content.length)
}
