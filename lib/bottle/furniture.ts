/** What a bottle can be furnished with beyond its root: directories that are empty, and paths of the host in places that are the bottle's own. */
import { statSync } from 'node:fs'
import { close, mkdir, open } from '../kernel/calls/files.js'
import { mount, mount_setattr } from '../kernel/calls/mounts.js'
import { ref, type Step } from '../kernel/step.js'
import { OWN } from './root.js'

export interface Fresh {
  readonly path: string
  readonly mode?: number
}

/** A tmpfs for each; none in a top directory that could not be layered, where there is no place for it. */
export function freshDirectories(root: string, fresh: readonly Fresh[], readOnly: readonly string[]): Step[] {
  return fresh
    .filter(({ path }) => !readOnly.includes(topOf(path)))
    .map(({ path, mode = 0o755 }) =>
      mount('tmpfs', `${root}${path}`, 'tmpfs', ['nodev'], `mode=${mode.toString(8)}`, {
        why: 'a file system of its own, so that an overlay can have its upper layer there: on another overlay it cannot',
      }),
    )
}

/** Bind mounts, read-only, of those paths that would be hidden: below what is the bottle's own, or fresh. The others are seen as they are. */
export function shownPaths(root: string, fresh: readonly Fresh[], shown: readonly string[]): Step[] {
  const hidden = (path: string) => OWN.has(topOf(path)) || fresh.some((one) => path.startsWith(`${one.path}/`))
  return shown.filter(hidden).flatMap((path) => {
    const place = `${root}${path}`
    const parts = path.split('/').slice(1)
    const above = parts.slice(0, -1).map((_, index) => `${root}/${parts.slice(0, index + 1).join('/')}`)
    return [
      ...above.map((directory) => mkdir(directory, 0o755, { allow: ['EEXIST'] })),
      ...(statSync(path).isDirectory()
        ? [mkdir(place, 0o755, { allow: ['EEXIST'] })]
        : [open(place, ['creat', 'wronly'], { mode: 0o644, keep: 'shown' }), close(ref('shown'))]),
      mount(path, place, null, ['bind', 'rec'], null, { why: 'the host’s own, where the bottle would have nothing' }),
      mount_setattr(place, { set: ['rdonly'], recursive: true }, { why: 'to be looked at, and run, but not changed' }),
    ]
  })
}

const topOf = (path: string): string => path.split('/')[1] ?? ''
