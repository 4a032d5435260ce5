/** The checks of lesson 3's exercises: what /proc/PID/status says of the process, and calls that are tried in it. */
import type { Capability, Step } from '../../lib/index.js'
import { errnoOf } from '../../lib/kernel/constants.js'
import { readIdMaps, toInside } from '../../lib/kernel/proc/idmap.js'
import { type CapabilityStatus, readStatus, type Status } from '../../lib/kernel/proc/status.js'
import { capabilitiesOf } from '../../lib/primitives/capabilities.js'
import type { Trial, TrialBox } from '../../lib/tutor/lesson.js'
import { living } from '../../lib/tutor/living.js'
import { newName } from '../01-namespaces/looks.js'
import { listed, setuidCopy } from './looks.js'
import { TRIES, type TriedCall } from './tries.js'

export async function checkWeakRoot(trial: Trial): Promise<void> {
  const keep = trial.challenge.keep as readonly Capability[]
  const box = await trial.run()
  const status = await livingStatus(trial, box)
  if (status === undefined) return
  expectUser(trial, status, 0)
  expectSet(trial, status, 'bounding', keep, executed(box) ? 3 : 1)
  expectSet(trial, status, 'permitted', keep, 1)
  expectSet(trial, status, 'effective', keep, 1)
}

export async function checkKeepOne(trial: Trial): Promise<void> {
  const user = trial.challenge.user as number
  const keep = [trial.challenge.keep as Capability]
  const box = await trial.run()
  const status = await livingStatus(trial, box)
  if (status === undefined) return
  expectUser(trial, status, user, 1)
  const lost = executed(box) ? 3 : 2
  expectSet(trial, status, 'permitted', keep, extra(status, 'permitted', keep) ? 4 : lost)
  expectSet(trial, status, 'effective', keep, extra(status, 'effective', keep) ? 4 : lost)
  trial.expect(executed(box), 'the process has executed no program', 3)
}

export async function checkNoNewPower(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const [user, program] = [challenge.user as number, challenge.program as string]
  await setuidCopy(bottle, 'sleep', program)
  const box = await trial.run()
  const status = await livingStatus(trial, box)
  if (status === undefined) return
  const last = box.results.filter(({ step, status: outcome }) => step.call === 'execve' && outcome === 'ok').at(-1)
  const path = last?.step.args[0]
  const run = path?.kind === 'text' ? path.parts.join('') : 'no program'
  trial.expect(run === program, `the process runs ${run}, not ${program}`, 4)
  trial.expect(status.noNewPrivs, 'NoNewPrivs is 0', 1)
  expectUser(trial, status, user, status.noNewPrivs ? 3 : 1)
  expectSet(trial, status, 'bounding', [], 2)
  expectSet(trial, status, 'permitted', [], 1)
  expectSet(trial, status, 'effective', [], 1)
}

export async function checkSilence(trial: Trial): Promise<void> {
  const { forbidden, allowed, answer } = trial.challenge as Record<'forbidden' | 'allowed' | 'answer', string>
  const box = await trial.run()
  const status = await livingStatus(trial, box)
  if (status === undefined) return
  trial.expect(!executed(box), 'the process has executed a program, so no call can be tried in it')
  if (executed(box)) return
  trial.expect(status.seccomp === 'filter', `its line Seccomp says ${status.lines.get('Seccomp')} (${status.seccomp}): it has no filter`, 1)
  const first = await answerTo(box, forbidden)
  const hint = first === 'success' ? 2 : 3
  trial.expect(first === answer, `${forbidden} answers ${first} in the process, not ${answer}`, hint)
  const second = await answerTo(box, allowed)
  trial.expect(second === 'success', `${allowed} answers ${second} in the process; it should work`, 4)
}

/** What a call that would succeed without a filter answers in the process. */
async function answerTo(box: TrialBox, call: string): Promise<string> {
  const tried = TRIES.find((one) => one.call === call) as TriedCall
  const [result] = await box.shim.attempt([{ ...tried.step(newName('tried')), actor: 'container' } satisfies Step])
  if (result === undefined || result.status === 'not run') return 'nothing: the process has ended'
  return result.errno === 0 ? 'success' : errnoOf(result.errno).name
}

const executed = ({ results }: TrialBox) => results.some(({ step, status }) => step.call.startsWith('execve') && status === 'ok')

async function livingStatus(trial: Trial, box: TrialBox): Promise<Status | undefined> {
  const process = await living(trial, box)
  return process && readStatus(process.onMachine)
}

function expectUser(trial: Trial, { uid }: Status, wanted: number, hint?: number): void {
  const inside = (id: number) => toInside(readIdMaps(trial.bottle.pid)?.uid ?? [], id) ?? 65534
  const ids = [uid.real, uid.effective, uid.saved].map(inside)
  const saw = `its user ids (real, effective, saved) are ${ids.join(', ')}; all three should be ${wanted}`
  trial.expect(
    ids.every((one) => one === wanted),
    saw,
    hint,
  )
}

function expectSet(trial: Trial, status: Status, set: keyof CapabilityStatus, wanted: readonly Capability[], hint: number): void {
  const held = capabilitiesOf(status.capabilities[set].bits)
  const [more, less] = [held.filter((one) => !wanted.includes(one)), wanted.filter((one) => !held.includes(one))]
  const what = [more.length > 0 ? `has too much: ${listed(more)}` : '', less.length > 0 ? `lacks ${listed(less)}` : '']
  trial.expect(more.length + less.length === 0, `the ${set} set ${what.filter(Boolean).join(', and ')}`, hint)
}

const extra = ({ capabilities }: Status, set: keyof CapabilityStatus, wanted: readonly Capability[]) =>
  capabilitiesOf(capabilities[set].bits).some((one) => !wanted.includes(one))
