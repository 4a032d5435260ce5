/** The verbs that ask an engine. Each is loaded when it is called. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import type { Globals } from '../globals.js'
import { sessionOf } from './session.js'
import { GROUPS, type Shelf, TOP } from './shelf.js'
import type { Session } from './verb.js'

export async function runVerb([name = '', ...rest]: readonly string[], globals: Globals): Promise<number> {
  const session = sessionOf(globals)
  const group = GROUPS[name]
  if (!group) return runOn(TOP, 'drydock', [name, ...rest], session)
  const [verb] = rest
  if (verb === undefined || verb === '--help') {
    const output = verb === undefined ? process.stderr : process.stdout
    output.write((await import('./help.js')).groupHelp(name, group))
    return 0
  }
  return runOn(group.verbs, `drydock ${name}`, rest, session)
}

async function runOn(shelf: Shelf, path: string, [name = '', ...rest]: readonly string[], session: Session): Promise<number> {
  const found = Object.entries(shelf).find(([one, { aliases }]) => one === name || aliases?.includes(name))
  if (!found) {
    const usage = path === 'drydock' ? '' : `Usage:  ${path}\n\n`
    process.stderr.write(`drydock: unknown command: ${path} ${name}\n\n${usage}Run '${path} --help' for more information\n`)
    return 1
  }
  const verb = await found[1].load()
  return verb.run(rest, session, `${path} ${name}`)
}

/** For what goes wrong before a verb is known. */
export const complain = (error: unknown): number => {
  if (!(error instanceof DrydockError)) throw error
  process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
  return 1
}
