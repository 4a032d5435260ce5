/** The command that does all of it, and the exit codes that it has for what goes wrong. */
import { clone3, execve } from '../../../lib/index.js'
import { DEFAULT_PATH, execute, explainExec } from '../../../lib/primitives/process.js'
import type { Box, LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { enter } from '../../04-rootfs/world.js'
import { buildHull, HULL } from '../container.js'

/** None of them can be executed, each for another reason. */
const WRONG = ['/bin/no-such-program', 'no-such-program', '/etc', '/etc/passwd'] as const

export async function theCommand(stage: Stage): Promise<void> {
  buildHull(stage.bottle)
  const rows: LookRow[] = []
  const box = await stage.box()
  const [missing, different, same] = ['1, as for every error', '127 or 126, as in a shell', '125, as for every error of drydock’s'] as const
  await stage.predict({
    question: `All is made, and then the last call fails: \`${WRONG[0]}\` is not there. Somebody’s script has to tell that from a program that ran and failed. With which exit code does the command end?`,
    choices: [missing, different, same],
    async measure() {
      await box.together('A child in its own root', [clone3(['mnt']), ...enter(HULL)])
      await box.fails(execve(WRONG[0], [WRONG[0]], [], { why: 'the last step of the plan' }), 'ENOENT')
      for (const program of WRONG) rows.push(await attempt(box, program))
      return rows[0]?.value.startsWith('127') ? different : same
    },
    because:
      'Not found is 127, found and not to be executed is 126, and what the engine itself could not do is 125. Scripts all over the world rely on it.',
  })
  await stage.look('This and other programs: the exit code, and the sentence', () => rows)
}

async function attempt(box: Box, program: string): Promise<LookRow> {
  const results = await box.shim.attempt(execute({ argv: [program], env: [`PATH=${DEFAULT_PATH}`] }).steps)
  const failure = explainExec(results)
  return { label: program, value: failure ? `${failure.exitCode}: ${failure.message}` : 'it runs', notice: failure?.exitCode === 126 }
}
