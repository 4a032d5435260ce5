/** seccomp: a filter seen at work, in /proc, and as a program; and who may load one. */
import { release } from 'node:os'
import { capset, clone3, execve, forbid, mkdir, type Step, set_no_new_privs, uname } from '../../../lib/index.js'
import { SYSCALLS } from '../../../lib/kernel/constants.js'
import { DEFAULT_CAPABILITIES } from '../../../lib/primitives/capabilities.js'
import { compileProfile, DEFAULT_PROFILE, explainProgram, verdict } from '../../../lib/primitives/seccomp/index.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, newName } from '../../01-namespaces/looks.js'
import { effectiveOf, statusOf } from '../looks.js'

/** x86-64 has an older call of the same use; arm64 has not. */
const MKDIRS = ['mkdir', 'mkdirat'].filter((call) => Object.hasOwn(SYSCALLS, call))

export async function filter(stage: Stage): Promise<void> {
  const box = await stage.box('container')
  await box.step(
    clone3([], { why: 'a child of user 0 with every capability of the bottle' }),
    mkdir(`/tmp/${newName('before')}`, 0o755, { why: 'a directory, while that is still possible' }),
  )
  const load = forbid('mkdirat', { why: 'from here on this call is answered by the filter, and never reaches the kernel’s own code' })
  const choices = ['it works: root may', 'it fails with EPERM', 'the process is killed'] as const
  await stage.predict({
    question: 'A filter forbids `mkdirat`. The process has all the capabilities that there are. It calls `mkdirat`. What happens?',
    choices,
    async measure() {
      const [, made] = await box.step(load, mkdir(`/tmp/${newName('after')}`, 0o755, { allow: ['EPERM'], why: 'another directory' }))
      return made?.status === 'ok' ? choices[0] : made?.status === 'allowed' ? choices[1] : choices[2]
    },
    because:
      'The filter answers before anybody looks at users, capabilities or files. EPERM is only what it was told to say; it could say any other error.',
  })
  await stage.look('In /proc/PID/status', () => filterRows(box.childPid === undefined ? undefined : statusOf(box)))
  await stage.look('The filter itself: what the kernel runs at each call', () => listing(load))
  await stage.say(
    'It loads a number, compares, and goes on at the first line if that was so and at the second if not. The first questions are about the architecture: the same number means ' +
      'another call in another mode of the processor, and a filter that forgets it has a hole.',
  )
  await box.step(forbid('uname', { why: 'a second filter, which does not mention mkdirat: does it lift the first one?' }))
  await box.fails({ ...mkdir(`/tmp/${newName('again')}`), why: 'all filters are asked, and the strictest answer counts' }, 'EPERM')
  await box.fails({ ...uname(), why: 'and this one is gone as well' }, 'EPERM')
  await stage.look('In /proc/PID/status', () => filterRows(statusOf(box)))
  await deadly(stage)
  await whoMayLoad(stage)
  await stage.look('The filter of docker run, for root with fourteen capabilities', dockersFilter)
  await stage.exercise('silence')
}

/** A filter that kills. */
async function deadly(stage: Stage): Promise<void> {
  const box = await stage.box('strict')
  await box.step(
    clone3([]),
    forbid(MKDIRS, { answer: 'kill', why: `every name of it: ${MKDIRS.join(' and ')} do the same, and mkdir(1) uses one of them` }),
    execve('/bin/sh', ['sh', '-c', 'mkdir /tmp/last-words; echo "mkdir ended with status $?"; :'], ENVIRONMENT, {
      why: 'the shell is filtered too, and so is the mkdir that it starts',
    }),
  )
  await box.exited()
  await stage.say(
    '128 + 31: the program was ended by signal 31, SIGSYS. The kernel had nothing to say to it any more. The shell, which made no such call, lives on.',
  )
}

async function whoMayLoad(stage: Stage): Promise<void> {
  const box = await stage.box('weak')
  await box.together('A child that has given up everything', [clone3([]), capset({ effective: [], permitted: [], inheritable: [] })])
  const load = forbid('mkdirat')
  await box.fails({ ...load, why: 'could an ordinary process lie to a setuid program with a filter? It may not try' }, 'EACCES')
  await box.step(set_no_new_privs({ why: 'unless it promises never to start a program with more rights than itself' }), {
    ...load,
    why: 'now anybody may lock himself up',
  })
}

function filterRows(status: ReturnType<typeof statusOf> | undefined): LookRow[] {
  if (!status) return []
  return [
    { label: 'Seccomp', value: `${status.lines.get('Seccomp')} (${status.seccomp})`, notice: true },
    { label: 'Seccomp_filters', value: String(status.seccompFilters ?? 'not told by this kernel') },
    { label: 'CapEff', value: `${effectiveOf(status).length} capabilities: they do not help` },
  ]
}

function listing(load: Step): LookRow[] {
  const program = programOf(load)
  return explainProgram(program).map((line) => {
    const [number = '', ...rest] = line.trim().split(/\s{2}/)
    return { label: number.padStart(2), value: rest.join('  '), notice: line.includes('errno') }
  })
}

function programOf(step: Step): Uint8Array {
  const argument = step.args[2]
  const found = argument?.kind === 'struct' ? argument.fields.map(({ value }) => value).find(({ kind }) => kind === 'bytes') : undefined
  return found?.kind === 'bytes' ? found.bytes : new Uint8Array()
}

function dockersFilter(): LookRow[] {
  const { program } = compileProfile(DEFAULT_PROFILE, { capabilities: DEFAULT_CAPABILITIES, kernel: release() })
  const calls = Object.keys(SYSCALLS)
  const allowed = calls.filter((call) => verdict(program, call) === 'allow')
  const asked = ['mount', 'unshare', 'setns', 'bpf', 'kexec_load', 'keyctl', 'reboot'].filter((call) => Object.hasOwn(SYSCALLS, call))
  return [
    { label: 'calls of this machine', value: String(calls.length) },
    { label: 'let through', value: String(allowed.length), notice: true },
    { label: 'refused, at least without arguments', value: String(calls.length - allowed.length) },
    ...asked.map((call) => ({ label: call, value: verdict(program, call) })),
    { label: 'instructions', value: String(program.length / 8) },
  ]
}
