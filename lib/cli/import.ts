/** `drydock import`: an image of one layer, out of an archive of a root file system. */
import { Command } from 'commander'
import { counted, download } from '../engine/download.js'
import { importImage } from '../image/import.js'
import { parsePlatform } from '../image/platform.js'
import { parseReference } from '../image/reference.js'
import { Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { openArchive } from './archive.js'
import { freeBuffersSoon } from './buffers.js'
import { interruptible } from './interrupt.js'
import { displayOn } from './progress.js'
import { parseVerb, repeated } from './verb.js'

interface Options {
  readonly change: readonly string[]
  readonly message?: string
  readonly platform?: string
}

/** The archive may be compressed. */
export async function importTree(argv: readonly string[]): Promise<number> {
  freeBuffersSoon()
  const command = new Command('drydock import')
    .description('Make an image of an archive that holds a root file system.')
    .argument('<source>', 'a file, an address (http://…), or - for standard input')
    .argument('[name]')
    .usage('[OPTIONS] file|URL|- [REPOSITORY[:TAG]]')
    .addOption(repeated('-c, --change <instruction>', 'an instruction of a Dockerfile, such as CMD ["sh"]'))
    .option('-m, --message <text>', 'what it is about')
    .option('--platform <os/architecture>', 'for which machine it is')
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const [source = '', name] = parsed.args
  const { change, message, platform } = parsed.options
  const reference = name === undefined ? undefined : parseReference(name)
  const { id } = await interruptible(async (signal) =>
    importImage(await opened(source, signal), {
      store: new Store(dataRoot()),
      ...(reference && { reference }),
      changes: change,
      message: message ?? `Imported from ${isAddress(source) ? source : '-'}`,
      ...(platform !== undefined && { platform: parsePlatform(platform) }),
      signal,
    }),
  )
  process.stdout.write(`${id}\n`)
  return 0
}

const isAddress = (source: string): boolean => /^https?:\/\//.test(source)

async function opened(source: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  if (source === '-') return openArchive(undefined, 'import')
  return isAddress(source) ? downloaded(source, signal) : openArchive(source, 'import')
}

async function* downloaded(url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const display = displayOn(process.stderr)
  try {
    display.show({ status: `Downloading from ${url}` })
    yield* counted(await download(url, signal), (current) =>
      display.show({ id: 'import', status: 'Importing', progressDetail: { current } }),
    )
  } finally {
    display.end()
  }
}
