/** Archives out of a few words. */
import { TAR_END, type TarEntry, tarHeader, tarPadding } from '../../lib/image/tar/index.js'

export type Given = Partial<Omit<TarEntry, 'path' | 'linkPath'>> & {
  readonly path: string
  readonly content?: string
  readonly linkPath?: string
}

/** A path that ends with a slash is a directory; what is not said is root's, usual, and of one moment. */
export function tarOf(...entries: Given[]): Buffer {
  const parts = entries.flatMap(({ path, content = '', linkPath = '', type = path.endsWith('/') ? 'directory' : 'file', ...more }) => {
    const mode = type === 'directory' ? 0o755 : 0o644
    const input = {
      mode,
      uid: 0,
      gid: 0,
      mtime: { seconds: 1e9, nanoseconds: 5 },
      ...more,
      type,
      path: Buffer.from(path),
      linkPath: Buffer.from(linkPath),
    }
    return [tarHeader({ ...input, size: content.length }), Buffer.from(content), tarPadding(content.length)]
  })
  return Buffer.concat([...parts, TAR_END])
}
