/** With a terminal and without: what a program asks, what a key does, and whose the size is. */
import { childrenOf } from '../../../lib/kernel/proc/processes.js'
import { readStatus } from '../../../lib/kernel/proc/status.js'
import type { Box, LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { until } from '../../01-namespaces/looks.js'
import { build, buildHull, run } from '../container.js'
import { descriptors, sessionOf, terminalSize } from '../looks.js'

/** The trap keeps the shell alive; what it starts has no trap. */
const SCRIPT = 'trap : INT; if test -t 1; then echo "at a terminal"; else echo "at a pipe"; fi; cat; echo "cat ended with status $?"'
const SAID = /cat ended with status (\d+)/

/** Ctrl-C: character 3. It is no signal until a terminal makes one of it. */
const CTRL_C = '\x03'
const SIGINT = 2

export async function aTerminal(stage: Stage): Promise<void> {
  buildHull(stage.bottle)
  const [signal, character] = ['cat is ended by a signal', 'cat reads it as a character, and prints it'] as const
  const choices = [signal, character] as const

  const piped = await started(stage, 'pipes')
  await stage.look('Three pipes', () => streams(piped))
  const press = async (box: Box) => {
    box.shim.stdin(Buffer.from(`${CTRL_C}\n`))
    await until('an answer', () => box.output().includes(CTRL_C) || SAID.test(box.output()))
    return SAID.test(box.output()) ? signal : character
  }
  await stage.predict({
    question:
      'A shell has started `cat`, which reads stdin, a pipe. Somebody types Ctrl-C and Enter into the pipe: the bytes 3 and 10. What happens?',
    choices,
    measure: () => press(piped),
    because:
      'A pipe carries bytes, and knows of no keys. (With `docker run -i` and no `-t` it is the docker program outside that your terminal sends the signal to.)',
  })
  piped.shim.closeStdin()
  await piped.exited()

  const seated = await started(stage, 'terminal')
  await stage.look('A terminal', () => streams(seated))
  await itsSize(stage, seated)
  await stage.predict({
    question: 'The same program with a terminal, and the same two bytes are written into the outer end of it.',
    choices,
    measure: () => press(seated),
    because:
      'The byte never came to `cat`. Between the two ends of a terminal sits a part of the kernel that reads along, and it has made SIGINT of byte 3: for the whole group in front, which is why TIOCSCTTY ' +
      'was needed. The shell adds 128 to the number of the signal.',
  })
  await seated.exited()
  await stage.look('What else the terminal has done to the output', () => [
    { label: 'lines end in, pipes', value: piped.output().includes('\r\n') ? 'CR LF' : 'LF' },
    { label: 'lines end in, terminal', value: seated.output().includes('\r\n') ? 'CR LF' : 'LF', notice: true },
  ])
  await stage.exercise('terminal')
}

/** What a terminal emulator does when its window is drawn larger. */
async function itsSize(stage: Stage, box: Box): Promise<void> {
  const words = () => {
    const size = terminalSize(box.hostPid(), 0)
    return size ? `${size.rows} lines of ${size.columns}` : 'no terminal'
  }
  const before = words()
  box.shim.resize(50, 132)
  await until('the new size', () => words() !== before)
  await stage.look('Somebody draws the window larger: one ioctl on the outer end', () => [
    { label: 'before', value: before },
    { label: 'after, asked at the inner end', value: words(), notice: true },
  ])
}

/** A container in which cat waits for input. */
async function started(stage: Stage, kind: 'pipes' | 'terminal'): Promise<Box> {
  const terminal = kind === 'terminal' ? { terminal: { rows: 24, columns: 80 } } : { stdin: true }
  const built = await build(stage.bottle, { argv: ['/bin/sh', '-c', SCRIPT], hostname: 'ship', bare: true, ...terminal })
  const box = await stage.box(kind, { ownMonitor: true })
  await run(box, built, kind === 'terminal' ? 'A whole container, with a terminal' : 'A whole container, with three pipes')
  await until('cat', () => childrenOf(box.hostPid()).some(({ pid }) => !catches(pid, SIGINT)))
  // It was said before cat was started, and comes by a way of its own.
  await until('what the shell says', () => box.output().includes('\n'))
  return box
}

/** Has the process a handler for this signal? A child of the shell's has the shell's trap for a moment. */
function catches(hostPid: number, signal: number): boolean {
  const caught = readStatus(hostPid)?.lines.get('SigCgt')
  return caught === undefined || ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n
}

function streams(box: Box): LookRow[] {
  const session = sessionOf(box.hostPid())
  const own = session?.leader === box.hostPid() ? 'its own' : 'another’s'
  return [
    ...descriptors(box.hostPid())
      .slice(0, 3)
      .map(([number, target]) => ({ label: `descriptor ${number}`, value: target.replace(/:\[\d+\]/, '') })),
    { label: 'its session', value: own },
    { label: 'controlling terminal', value: session?.terminal ? 'yes' : 'none', notice: true },
    { label: 'it says', value: box.output().split('\n')[0]?.trim() ?? '' },
  ]
}
