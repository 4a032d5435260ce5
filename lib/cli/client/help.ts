/** What can be asked of an engine: all verbs, and those of a group. */
import { globalCommand } from '../globals.js'
import { GROUPS, type Group, HERE, type Shelf, TOP } from './shelf.js'

const rows = (shelf: Readonly<Record<string, { readonly text: string }>>): string =>
  Object.entries(shelf)
    .filter(([, { text }]) => text !== '')
    .map(([name, { text }]) => `  ${name.padEnd(11)} ${text}\n`)
    .join('')

export function help(): string {
  const options = globalCommand()
    .helpInformation()
    .split('\n')
    .filter((line) => /^ {2,}/.test(line) && !line.includes('words'))
    .join('\n')
  return `Usage:  drydock [OPTIONS] COMMAND\n\nCommands:\n${rows(TOP as Shelf)}\nGroups:\n${rows(GROUPS)}\nOn this machine:\n${rows(HERE)}\nOptions:\n${options}\n\nRun 'drydock COMMAND --help' for more of one.\n`
}

export const groupHelp = (name: string, { verbs }: Group): string =>
  `Usage:  drydock ${name} COMMAND\n\nCommands:\n${rows(verbs)}\nRun 'drydock ${name} COMMAND --help' for more of one.\n`
