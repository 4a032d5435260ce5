/** `drydock export`: a container's files, all layers as one, in an archive. */
import { Command } from 'commander'
import { findContainer } from '../container/index.js'
import { packTree } from '../image/pack/index.js'
import { dataRoot } from '../kernel/places.js'
import { checkOutput, writeArchive } from './archive.js'
import { interruptible } from './interrupt.js'
import { parseVerb } from './verb.js'

export async function exportTree(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock export')
    .description('Write a container’s files into an archive.')
    .argument('<container>')
    .usage('[OPTIONS] CONTAINER')
    .option('-o, --output <file>', 'into this file; to standard output otherwise')
  const parsed = parseVerb<{ output?: string }>(command, argv)
  if ('status' in parsed) return parsed.status
  const { output } = parsed.options
  checkOutput(output, 'export container')
  const { record, layout } = findContainer(dataRoot(), parsed.args[0] as string)
  const onWarning = (sentence: string) => process.stderr.write(`WARNING: ${sentence}\n`)
  await interruptible((signal) =>
    writeArchive(packTree([layout.upper, ...record.spec.image.layers], { signal, onWarning }), output, signal),
  )
  return 0
}
