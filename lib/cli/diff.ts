/** `drydock diff`: what a container has changed of its image's files. */
import { Command } from 'commander'
import { findContainer } from '../container/index.js'
import { changes, withoutMountPoints } from '../image/pack/index.js'
import { dataRoot } from '../kernel/places.js'
import { interruptible } from './interrupt.js'
import { parseVerb } from './verb.js'

export async function diff(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock diff')
    .description('Show which files a container has added (A), changed (C) and deleted (D).')
    .argument('<container>')
    .usage('CONTAINER')
  const parsed = parseVerb(command, argv)
  if ('status' in parsed) return parsed.status
  const { record, layout } = findContainer(dataRoot(), parsed.args[0] as string)
  const found = await interruptible((signal) => changes(layout.upper, record.spec.image.layers, { signal }))
  process.stdout.write(
    withoutMountPoints(found)
      .map(({ kind, path }) => `${kind} ${path}\n`)
      .join(''),
  )
  return 0
}
