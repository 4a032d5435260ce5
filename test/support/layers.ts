/** Layers as a container leaves them: real overlay mounts, changed by a shell in a mount namespace of its own. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { readTar } from './tar.js'

export interface Layers {
  readonly upper: string
  /** The top one first. */
  readonly lowers: readonly string[]
}

/** The first script makes the bottom layer, each further one changes what it sees; the last one's layer is `upper`. */
export async function layersOf(base: string, scripts: readonly string[], options = ''): Promise<Layers> {
  const made: string[] = []
  for (const [at, script] of scripts.entries()) {
    const directory = (name: string) => join(base, `${name}${at}`)
    for (const name of ['diff', 'work', 'merged']) mkdirSync(directory(name), { recursive: true })
    const data = `lowerdir=${made.join(':')},upperdir=${directory('diff')},workdir=${directory('work')}${options}`
    const enter =
      at === 0 ? `cd ${directory('diff')}` : `mount -t overlay -o '${data}' overlay ${directory('merged')}; cd ${directory('merged')}`
    await execa('unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', `${enter}; umask 022; ${script}`])
    made.unshift(directory('diff'))
  }
  const [upper, ...lowers] = made
  return { upper: upper as string, lowers }
}

export async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

/** An archive as lines, for comparing: all but the times of what has none. */
export function linesOf(archive: Buffer, options: { fraction?: boolean } = {}): string[] {
  return readTar(archive).map(({ path, type, mode, uid, gid, linkPath, content, major, minor, mtime, xattrs }) => {
    const name = path.toString('latin1')
    const time = /(^|\/)\.wh\./.test(name) ? '' : `${mtime.seconds}${options.fraction === false ? '' : `.${mtime.nanoseconds}`}`
    const attributes = [...xattrs].map(([key, value]) => `${key}=${value.toString('hex')}`).join()
    const body = content.length < 100 ? JSON.stringify(content.toString('latin1')) : `${content.length} bytes`
    return [name, type, mode.toString(8), `${uid}:${gid}`, linkPath.toString('latin1'), body, `${major}:${minor}`, time, attributes].join(
      ' ',
    )
  })
}
