/**
 * The image of `drydock run`: the host's own programs, a directory, or one from the store. `host` is the first of these always: lessons and scripts rely on it. An
 * image of that name in the store is `library/host`.
 */
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { RunnableImage } from '../engine/request/image.js'
import { hostImage } from '../image/host/index.js'
import { DrydockError } from '../kernel/errors.js'
import type { RunArguments } from './run-options.js'

/** `release`: to be called when the container is made. */
export async function findImage({ image, flags }: RunArguments, dataRoot: string): Promise<RunnableImage & { release?: () => void }> {
  if (flags.rootfs) return directoryImage(image)
  if (image === 'host' || image === 'host:latest') {
    const { layers, config } = await hostImage({ dataRoot })
    return { name: 'host', layers, env: config.env, entrypoint: [], cmd: config.cmd, workingDir: config.workingDir, user: '' }
  }
  return (await import('./stored-image.js')).storedImage(image, flags, dataRoot)
}

function directoryImage(path: string): RunnableImage {
  const directory = resolve(path)
  const found = statSync(directory, { throwIfNoEntry: false })
  if (!found?.isDirectory()) {
    throw new DrydockError(`the root file system ${directory} ${found ? 'is no directory' : 'does not exist'}`, { status: 400 })
  }
  if (directory === '/')
    throw new DrydockError("the host's own / cannot be a container's root: name a directory that holds its files", { status: 400 })
  return { name: join(directory), layers: [directory], env: [], entrypoint: [], cmd: [], workingDir: '/', user: '' }
}
