/** `drydock load`: the images of an archive, as docker save, skopeo and others write it, or of a directory with an OCI layout. */
import { statSync } from 'node:fs'
import { Command } from 'commander'
import { loadImages } from '../image/load.js'
import { parsePlatform } from '../image/platform.js'
import { Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { openArchive } from './archive.js'
import { freeBuffersSoon } from './buffers.js'
import { interruptible } from './interrupt.js'
import { displayOn, type ProgressEvent } from './progress.js'
import { parseVerb } from './verb.js'

interface Options {
  readonly input?: string
  readonly quiet: boolean
  readonly platform?: string
}

export async function load(argv: readonly string[]): Promise<number> {
  freeBuffersSoon()
  const command = new Command('drydock load')
    .description('Read images from an archive.')
    .usage('[OPTIONS]')
    .option('-i, --input <file>', 'this file, or a directory with an OCI layout; standard input otherwise')
    .option('-q, --quiet', 'do not show how it is read', false)
    .option('--platform <os/architecture>', 'of an image for several machines, this one')
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { input, quiet, platform } = parsed.options
  const layout = input !== undefined && statSync(input, { throwIfNoEntry: false })?.isDirectory() === true
  const source = layout ? input : await openArchive(input, 'load')
  const display = displayOn(process.stdout)
  try {
    await interruptible((signal) =>
      loadImages(source, {
        store: new Store(dataRoot()),
        ...(platform !== undefined && { platform: parsePlatform(platform) }),
        onProgress: (event) => {
          if (!quiet || isResult(event)) display.show(event)
        },
        signal,
      }),
    )
  } finally {
    display.end()
  }
  return 0
}

/** What is said with --quiet too. */
const isResult = ({ id, status }: ProgressEvent): boolean => id === undefined && status.startsWith('Loaded image')
