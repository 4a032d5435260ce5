/** Asks the engine for a container; when the image is missing there, it fetches it and asks again. */
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { familiar, parseAnyReference, withDefaultTag } from '../../../image/reference.js'
import { DrydockError } from '../../../kernel/errors.js'
import { type Engine, EngineError } from '../../engine/client.js'
import type { CreateBody } from './body.js'
import type { MakingFlags } from './options.js'

export interface Made {
  readonly id: string
  readonly warnings: readonly string[]
}

const WHEN = ['always', 'missing', 'never']

export function checkPull({ pull }: Pick<MakingFlags, 'pull'>): void {
  if (!WHEN.includes(pull))
    throw new DrydockError(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`, { status: 400 })
}

type Flags = Pick<MakingFlags, 'name' | 'platform' | 'pull' | 'quiet' | 'cidfile'>

/** What is said on the way goes to standard error. */
export async function makeContainer(engine: Engine, body: CreateBody, flags: Flags): Promise<Made> {
  const image = imageName(body.Image)
  const file = flags.cidfile === undefined ? undefined : idFile(flags.cidfile)
  try {
    if (flags.pull === 'always') await fetched(engine, image, flags)
    const made = await asked(engine, body, flags).catch(async (error: unknown) => {
      if (!isMissingImage(error, image) || flags.pull !== 'missing') throw error
      process.stderr.write(`Unable to find image '${image}' locally\n`)
      await fetched(engine, image, flags)
      return asked(engine, body, flags)
    })
    for (const warning of made.warnings) process.stderr.write(`WARNING: ${warning}\n`)
    file?.write(made.id)
    return made
  } catch (error) {
    file?.drop()
    throw error
  }
}

/** With the tag that is meant when none is said; an id as it is. */
export function imageName(word: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(word)) return word
  const reference = parseAnyReference(word)
  return typeof reference === 'string' ? word : familiar(withDefaultTag(reference))
}

async function asked(engine: Engine, body: CreateBody, { name, platform }: Flags): Promise<Made> {
  const { Id, Warnings } = await engine.call<{ Id: string; Warnings: string[] | null }>({
    method: 'POST',
    path: '/containers/create',
    query: { ...(name && { name }), ...(platform && engine.atLeast('1.41') && { platform }) },
    body,
  })
  return { id: Id, warnings: Warnings ?? [] }
}

/** 404 is about a network too; docker's sentence names the image then. */
const isMissingImage = (error: unknown, image: string): boolean =>
  error instanceof EngineError && error.status === 404 && (error.said.includes(image) || /no such image/i.test(error.said))

/** What knows registries is loaded only where there is something to fetch. */
async function fetched(engine: Engine, image: string, { platform, quiet }: Flags): Promise<void> {
  if (image === 'host:latest') {
    if (!quiet) process.stderr.write('It is made of the programs of this machine\n')
    return (await import('../host-image.js')).sendHostImage(engine)
  }
  const { pullImage } = await import('../pulling.js')
  await pullImage(engine, image, { ...(platform !== undefined && { platform }), ...(!quiet && { screen: process.stderr }) })
}

/** A file that says which container it became; it must be new, and is gone again when none is made. */
function idFile(path: string): { write(id: string): void; drop(): void } {
  if (existsSync(path))
    throw new DrydockError(`container ID file found, make sure the other container isn't running or delete ${path}`, { status: 409 })
  try {
    writeFileSync(path, '', { flag: 'wx' })
  } catch (cause) {
    throw new DrydockError(`failed to create the container ID file: open ${path}: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
  return {
    write: (id) => writeFileSync(path, id),
    drop: () => {
      if (statSync(path, { throwIfNoEntry: false })?.size === 0) rmSync(path)
    },
  }
}
