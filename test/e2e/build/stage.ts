/** How a build is played: a directory for its context, and what is asked of the image that it made. */
import { chmodSync, lutimesSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { CommandOptions } from '../../support/engines/clients.js'
import type { Stage } from '../engine/player.js'

/** Content by path; a path that ends with a slash is a directory, `name -> target` a link, `*name` a program. */
export type Files = Readonly<Record<string, string | Buffer>>

/** What every file of a context was changed at, in seconds since 1970. */
const CHANGED = 1e9

export function writeFiles(place: string, files: Files): void {
  for (const [key, content] of Object.entries(files)) {
    const [name = '', target] = key.split(' -> ')
    const path = join(place, name.replace(/^\*/, ''))
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true })
    if (name.endsWith('/')) continue
    if (target !== undefined) symlinkSync(target, path)
    else writeFileSync(path, content)
    if (name.startsWith('*')) chmodSync(path, 0o755)
  }
  settle(place)
}

/** Times and modes are the same whenever and by whomever it is played. */
function settle(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) {
      settle(path)
      chmodSync(path, 0o755)
    }
    lutimesSync(path, CHANGED, CHANGED)
  }
}

/** `docker build`, in a directory with these files. */
export async function build(
  stage: Stage,
  files: Files,
  ...rest: readonly [CommandOptions, ...string[]] | readonly string[]
): Promise<void> {
  const [first, ...others] = rest
  const [options, args] = typeof first === 'object' ? [first, others as string[]] : [{}, rest as readonly string[]]
  const place = mkdtempSync(join(tmpdir(), 'drydock-context-'))
  try {
    chmodSync(place, 0o755)
    writeFiles(place, files)
    await stage.dockerWith({ ...options, cwd: place }, 'build', ...args, '.')
  } finally {
    rmSync(place, { recursive: true })
  }
}

/** It is to fail; containers that it leaves do not matter. */
export const wronglyBuilt = (stage: Stage, files: Files) => build(stage, files, '--force-rm')

/** What the image says of itself, and how it came to be. */
export async function made({ docker }: Stage, image: string): Promise<void> {
  await docker('inspect', '-f', '{{json .Config}} {{.Author}} {{.Comment}} {{len .RootFS.Layers}}', image)
  await docker('inspect', '-f', '{{json .ContainerConfig}}', image)
  await docker('history', '--no-trunc', '--format', '{{.CreatedBy}}|{{.Comment}}', image)
}

/** Kind, mode, owner, size, age and target of what is below these paths of an image. */
export async function seen({ docker }: Stage, image: string, ...paths: readonly string[]): Promise<void> {
  const script =
    'for p in "$@"; do find "$p" | sort | while read -r f; do stat -c "%A %u:%g %s %n" "$f"; [ -d "$f" ] || stat -c %Y "$f"; readlink "$f"; done; done; true'
  await docker('run', '--rm', '--entrypoint', 'sh', image, '-c', script, 'sh', ...paths)
}
