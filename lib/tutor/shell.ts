/** A real shell inside: in the child's namespaces when there is a child, otherwise in the bottle (or on the host, where the box stands there). */
import { ioctl_tiocsctty } from '../kernel/calls/files.js'
import { execve, setsid } from '../kernel/calls/process.js'
import { differingNamespaces, type Namespaces, readNamespaces } from '../kernel/proc/namespaces.js'
import type { Step } from '../kernel/step.js'
import { enterAll, NAMESPACES } from '../primitives/namespaces.js'
import type { StageBox } from './box.js'
import type { Display } from './display.js'
import { hostPidOf, inWords, ownName } from './host-pid.js'
import type { Keyboard } from './keys.js'

const SHELLS = [
  ['/bin/bash', 'bash', '--norc', '--noprofile', '-i'],
  ['/bin/sh', 'sh', '-i'],
] as const

/** Ctrl-] */
const LEAVE = '\x1d'

/** Open one, and come back when it ends (exit, Ctrl-D) or is left (Ctrl-]). */
export async function openShell(box: StageBox, display: Display, keyboard: Keyboard): Promise<void> {
  const size = { cols: process.stdout.columns || 80, rows: process.stdout.rows || 24 }
  const { pty, shim } = await box.place.terminal(size)
  const ended = shim.ended
  let left = false
  const leave = () => {
    left = true
    void shim.rollback()
  }
  const resize = () => pty.resize(process.stdout.columns || 80, process.stdout.rows || 24)
  const forward = (chunk: Buffer) => (chunk.includes(LEAVE) ? leave() : pty.write(chunk.toString()))
  display.note(`A shell in ${where(box)}. Leave it with exit, or at any time with Ctrl-].`)
  // Listened to from the first byte on: the prompt comes as soon as the shell runs.
  const output = pty.onData((data) => process.stdout.write(data))
  try {
    await keyboard.away(async () => {
      await shim.run(shellSteps(box))
      process.stdin.setRawMode(true)
      process.stdin.on('data', forward)
      process.stdin.resume()
      process.stdout.on('resize', resize)
      try {
        await ended
      } finally {
        process.stdout.off('resize', resize)
        process.stdin.off('data', forward)
        process.stdin.pause()
        process.stdin.setRawMode(false)
      }
    })
  } finally {
    output.dispose()
    await shim.rollback()
    pty.kill()
  }
  if (left) display.line()
}

const where = (box: StageBox) => (box.alive ? `${box.name}, beside its process` : `${inWords(box.place)}: there is no process in the box`)

/** Into the namespaces in which the child differs from the place around it, and there become a shell. */
function shellSteps(box: StageBox): Step[] {
  const pid = box.alive ? box.childPid : undefined
  const kinds = pid === undefined ? [] : differing(box, pid)
  const enter = enterAll({ pid: pid ?? 1, kinds })
  const env = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `TERM=${process.env.TERM ?? 'xterm'}`,
    'HOME=/root',
    // A plain sh has no \\h; what is the same in both is said by words.
    `PS1=(${ownName(box.place) ?? 'inside'}) # `,
  ]
  const shells = SHELLS.map(([path, ...argv], index) => execve(path, argv, env, index < SHELLS.length - 1 ? { allow: ['ENOENT'] } : {}))
  // A session of its own on the terminal: without, there is neither job control nor Ctrl-C.
  return [...enter.steps, setsid(), ioctl_tiocsctty(0), ...shells]
}

function differing(box: StageBox, pid: number) {
  const own = readNamespaces(hostPidOf(box.place, pid))
  const around = readNamespaces(box.place.pid)
  const different = own && around ? differingNamespaces(own as Namespaces, around as Namespaces) : []
  return NAMESPACES.filter((kind) => different.includes(kind))
}
