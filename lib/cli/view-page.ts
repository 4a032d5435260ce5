/** `drydock view`: the workshop page, or a recorded session as a file. A bundle of its own (scripts/bundle.cjs): no other verb is to carry its server. */
import { Readable } from 'node:stream'
import { Command } from 'commander'
import { ago } from '../engine/durations.js'
import { DrydockError } from '../kernel/errors.js'
import { printable } from '../kernel/printable.js'
import { type ServeOptions, serve, told, withServeOptions } from '../workshop/command.js'
import { exportedDocument } from '../workshop/document.js'
import { pageFiles } from '../workshop/page-files.js'
import { Recorded } from '../workshop/traces.js'
import { checkOutput, writeArchive } from './archive.js'
import { interruptible } from './interrupt.js'
import { table } from './table.js'
import { parseVerb } from './verb.js'

interface Options extends ServeOptions {
  readonly export?: string
  readonly output?: string
  readonly list?: boolean
}

/** The exit status. */
export async function view(argv: readonly string[]): Promise<number> {
  const command = withServeOptions(
    new Command('drydock view')
      .usage('[OPTIONS]')
      .description('Show a live picture of this machine’s kernel on a page, beside what is stepped through; or export what was recorded'),
  )
    .option('--list', 'list the sessions that were recorded here')
    .option('--export <trace>', 'write a session as one HTML file that works offline: by its name, `last`, or the file of a trace')
    .option('-o, --output <file>', 'where to; without, to standard output')
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { export: trace, output, list, ...rest } = parsed.options
  return told(async () => {
    const serves = Object.keys(rest).length > 0
    if (serves && (list || trace !== undefined)) throw new DrydockError('--list and --export open no page: leave out what is meant for one')
    if (list && trace !== undefined) throw new DrydockError('--list and --export are two things: leave one out')
    if (output !== undefined && trace === undefined) throw new DrydockError('--output says where --export writes: name a session too')
    if (list) return listSessions()
    return trace === undefined ? serve(rest) : exportTrace(trace, output)
  })
}

function listSessions(): number {
  const rows = new Recorded().list().map(({ id, title, user, began, running, events }) => {
    const since = `${ago(new Date(began).toISOString())} ago`
    return [id, printable(title), user, since, running ? 'running' : 'over', String(events)]
  })
  process.stdout.write(table(['TRACE', 'TITLE', 'USER', 'BEGAN', 'STATE', 'EVENTS'], rows))
  return 0
}

async function exportTrace(words: string, output: string | undefined): Promise<number> {
  checkOutput(output, 'export the session')
  const document = exportedDocument(pageFiles(), new Recorded().export(words))
  await interruptible((signal) => writeArchive(Readable.from([Buffer.from(document)]), output, signal))
  return 0
}
