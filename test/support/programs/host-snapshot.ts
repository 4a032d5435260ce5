/** Prints a snapshot of the host as JSON; or, with an earlier one on standard input, what has changed since and stays so. */
import { text } from 'node:stream/consumers'
import { hostSnapshot, lastingDifferences, type Snapshot } from '../../../lib/kernel/snapshot.js'

const before = await text(process.stdin)
if (before === '') console.log(JSON.stringify(await hostSnapshot()))
else for (const line of await lastingDifferences(JSON.parse(before) as Snapshot)) console.log(`  ${line}`)
