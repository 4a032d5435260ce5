/** A program in a host that has this terminal, or these pipes, until it ends. */
import { Foreground } from '../cli/foreground.js'
import { terminalSize } from '../cli/terminal.js'
import { DrydockError } from '../kernel/errors.js'
import type { HostRecord } from './house.js'
import { startInside } from './inside.js'

/** Of what is told about the caller's terminal: the rest of the caller's environment stays outside. */
const PASSED = ['TERM', 'COLORTERM', 'LANG', 'LC_ALL', 'NO_COLOR', 'FORCE_COLOR'] as const

/** Returns its exit status. */
export async function attend(record: HostRecord, argv: readonly string[], terminal: boolean): Promise<number> {
  if (terminal && !(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new DrydockError(`a shell needs a terminal, and this is none: npm run hosts -- exec ${record.name} -- COMMAND`)
  }
  const env = [
    ...PASSED.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`])),
    `PS1=${prompt(record.name, argv)}`,
  ]
  const size = terminal ? { terminal: terminalSize() } : {}
  let foreground: Foreground | undefined
  const shim = await startInside(record, { argv, env, stdin: true, ...size }, (one) => {
    foreground = new Foreground(one, {
      spec: { ...size, stdin: true },
      detachKeys: new Uint8Array(),
      signalProxy: !terminal,
      broken: () => one.rollback(),
    })
  })
  try {
    const end = await (foreground as unknown as Foreground).attend(shim.exited)
    return 'exit' in end ? end.exit.code : 0
  } finally {
    await shim.rollback()
  }
}

/** A plain sh knows no \h. */
const prompt = (name: string, argv: readonly string[]) => (argv[0]?.endsWith('/bash') ? '\\u@\\h:\\w\\$ ' : `root@${name}:# `)
