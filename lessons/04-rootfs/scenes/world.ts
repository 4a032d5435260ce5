/** Another userland under the same kernel; and what a program needs besides itself. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs'
import { release } from 'node:os'
import type { Bottle } from '../../../lib/bottle.js'
import { readElf } from '../../../lib/image/host/elf.js'
import { chdir, chroot, clone3, execve } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT } from '../../01-namespaces/looks.js'
import { bytesBelow, filesBelow, systemSeenBy } from '../looks.js'
import { makeWorld, WORLD, WORLD_NAME } from '../world.js'

export async function anotherWorld(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  await stage.look(`A directory of the bottle, ${WORLD}: an operating system without a kernel`, () => [
    { label: 'at its top', value: readdirSync(bottle.hostPath(WORLD)).sort().join(' ') },
    {
      label: 'files',
      value: `${filesBelow(bottle.hostPath(WORLD)).length}, with ${(bytesBelow(bottle.hostPath(WORLD)) / 1e6).toFixed(1)} MB`,
    },
    { label: 'a kernel among them', value: kernelsIn(bottle).join(' ') || 'none', notice: true },
  ])
  const box = await stage.box()
  await box.step(
    clone3([], { why: 'a child' }),
    chroot(WORLD, { why: 'its “/” is this directory from here on' }),
    chdir('/', { why: 'and it stands there: the pointer that chroot leaves alone' }),
  )
  await stage.look('PRETTY_NAME in /etc/os-release, read through /proc/PID/root', () => [
    { label: 'of the bottle', value: systemSeenBy(bottle.pid) ?? 'none' },
    { label: 'of the child', value: systemSeenBy(box.hostPid()) ?? 'none', notice: true },
  ])

  const same = `${release()}, as outside`
  const [own, none] = [`a version of ${WORLD_NAME}’s own`, 'nothing: that system has no kernel'] as const
  await stage.predict({
    question: `A shell of ${WORLD_NAME} runs \`uname -r\`, which prints the version of the kernel. What does it print?`,
    choices: [same, own, none],
    async measure() {
      const script = '. /etc/os-release; echo "system: $PRETTY_NAME"; echo "kernel: $(uname -r)"; echo /*'
      await box.step(
        execve('/bin/sh', ['sh', '-c', script], ENVIRONMENT, { why: 'the shell of the other system, looked up from the new root' }),
      )
      await box.exited()
      const version = /^kernel: (.*)$/m.exec(box.output())?.[1] ?? ''
      return version === release() ? same : version === '' ? none : own
    },
    because:
      'There is one kernel, and it answers system calls of all processes, whatever files they see. An image has no kernel in it; "a Debian container" is Debian’s files.',
  })
  await aRaft(stage)
}

/** A program taken along without what it needs. */
async function aRaft(stage: Stage): Promise<void> {
  const { bottle } = stage
  const program = ['/bin/ls', '/usr/bin/ls'].find((path) => existsSync(path))
  if (program === undefined) return
  const path = realpathSync(program)
  mkdirSync(bottle.hostPath('/raft'))
  copyFileSync(path, bottle.hostPath('/raft/ls'))
  const interpreter = readElf(path)?.interpreter
  await stage.say('Could one do with less? Here is a directory `/raft`, with the program `ls` in it and nothing else.')
  const box = await stage.box('raft')
  await box.step(clone3([]), chroot('/raft'), chdir('/'))
  const [runs, missing, denied] = ['it runs, and lists itself', 'it fails: there is no such file', 'it fails: permission denied'] as const
  await stage.predict({
    question: 'The child executes `/ls`, which is there. What happens?',
    choices: [runs, missing, denied],
    async measure() {
      const [started] = await box.step(
        execve('/ls', ['ls', '/'], [], { allow: ['ENOENT', 'EACCES'], why: 'a file that is there, and may be executed' }),
      )
      return started?.status === 'ok' ? runs : started?.errno === 2 ? missing : denied
    },
    because:
      interpreter === undefined
        ? 'This `ls` needs no other file: all its libraries are in it.'
        : `The file is there. What it names as the program to load it with, \`${interpreter}\`, is not, and the kernel has one word for both: ENOENT. ` +
          'So an image has to hold every library of its programs, and that is most of what an image is.',
  })
}

const kernelsIn = (bottle: Bottle) =>
  filesBelow(bottle.hostPath(WORLD))
    .filter(({ path, stat }) => stat.isFile() && /(^|\/)(vmlinu[xz]|bzImage|Image(\.gz)?|kernel)(-|$)/.test(path))
    .map(({ path }) => path)
