/** A verb of several: `drydock network create`, `drydock image ls`. */

export type Run = (argv: readonly string[]) => Promise<number>

export interface Action {
  readonly text: string
  readonly run: Run
  /** Other words for the same, which the help does not list. */
  readonly aliases?: readonly string[]
}

export async function runGroup(
  group: string,
  actions: Readonly<Record<string, Action>>,
  [name, ...rest]: readonly string[],
): Promise<number> {
  const action = Object.entries(actions).find(([one, { aliases }]) => one === name || aliases?.includes(name ?? ''))?.[1]
  if (action) return action.run(rest)
  const rows = Object.entries(actions).map(([one, { text }]) => `  ${one.padEnd(10)} ${text}`)
  const asked = name === undefined || name === '--help' || name === '-h'
  const help = `Usage:  drydock ${group} COMMAND\n\n${rows.join('\n')}\n\nRun 'drydock ${group} COMMAND --help' for more of one.\n`
  if (asked) process.stdout.write(help)
  else process.stderr.write(`drydock: unknown command: drydock ${group} ${name}\n\n${help}`)
  return asked ? 0 : 1
}

/** Says so; docker's words and status. */
export function unknownCommand(path: string, name: string): number {
  process.stderr.write(`drydock: '${name}' is no ${path} command.\nSee '${path} --help'\n`)
  return 1
}
