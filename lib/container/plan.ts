/** Fragments into one plan: the steps in the order of the phases, with an error that explains itself for what cannot be. */
import { DrydockError } from '../kernel/errors.js'
import { showStep } from '../kernel/show.js'
import type { Actor, ArgValue, Fragment, Keep, Phase, Step } from '../kernel/step.js'
import { PHASE, PHASES, PLACES } from './phases.js'

export { PHASE, PHASES, type PhaseEntry, PLACES, type Place } from './phases.js'

/** A step that knows its phase and its actor. */
export type PlannedStep = Step & { readonly phase: Phase; readonly actor: Actor }

const ORDER = new Map(PHASES.map(({ name }, index) => [name, index]))

const FRAGMENT =
  "a fragment is { primitive, title, steps: inPhase('name', 'container', [sethostname('whale')]) }, or what namespaces, rootfs and their like return"

const described = (stray: unknown): string =>
  stray && typeof stray === 'object' && 'call' in stray
    ? `a step alone (${stray.call})`
    : Array.isArray(stray)
      ? 'a list'
      : `what is none (${stray})`

/**
 * All steps, stably sorted by phase: within a phase the fragments' order is kept. Checked are each step's phase and actor, what
 * every reference refers to, and that the program comes last. Throws one sentence about the first thing that is wrong.
 */
export function plan(fragments: readonly Fragment[]): PlannedStep[] {
  const phases: PlannedStep[][] = PHASES.map(() => [])
  for (const fragment of fragments) {
    const { primitive, steps } = fragment
    if (!Array.isArray(steps)) throw new DrydockError(`${described(fragment)} is among the fragments of a plan: ${FRAGMENT}`)
    for (const step of steps) {
      const placed = place(step, primitive)
      phases[position(placed.phase)]?.push(placed)
    }
  }
  const steps: PlannedStep[] = []
  for (const phase of phases) for (const step of phase) steps.push(step)
  checkClone(steps)
  checkWithin(phases)
  checkReferences(steps)
  checkExec(steps)
  return steps
}

/**
 * A plan cut where something else has to happen first: the steps before `phase`, and those from it on. The meeting for newuidmap
 * is at 'become'.
 */
export function meetBefore(phase: Phase, steps: readonly PlannedStep[]): [before: PlannedStep[], after: PlannedStep[]] {
  const cut = steps.findIndex((step) => position(step.phase) >= position(phase))
  return cut === -1 ? [[...steps], []] : [steps.slice(0, cut), steps.slice(cut)]
}

/** The key of a call in the table of places: prctl, ioctl and seccomp are many calls under one name. */
export function callKey(step: Pick<Step, 'call' | 'args'>): string {
  const { call } = step
  if (call !== 'prctl' && call !== 'ioctl' && call !== 'seccomp') return call
  const operation = step.args.find(({ kind }) => kind === 'word')
  return operation?.kind === 'word' ? `${call} ${operation.word}` : call
}

const position = (phase: Phase): number => ORDER.get(phase) ?? PHASES.length

const list = (phases: readonly Phase[]) => phases.map((phase) => `'${phase}'`).join(' or ')

/** The step with its phase and actor, which it mostly has already. */
function place(step: Step, primitive: string): PlannedStep {
  const { phase } = step
  const entry = phase && PHASE[phase]
  const actor = step.actor ?? entry?.actors[0] ?? 'container'
  const allowed = PLACES[callKey(step)]
  const right =
    entry?.actors.includes(actor) && (!allowed || (allowed.phases.includes(entry.name) && (allowed.actors?.includes(actor) ?? true)))
  if (!right) throw misplaced(step, actor, primitive)
  return step.actor === actor ? (step as PlannedStep) : { ...step, phase: phase as Phase, actor }
}

/** What is wrong with a step's place. */
function misplaced(step: Step, actor: Actor, primitive: string): DrydockError {
  const { phase } = step
  const shown = `${callKey(step)} (${primitive}: ${showStep(step)})`
  if (phase === undefined) return new DrydockError(`${shown} is in no phase, so the plan cannot tell when it is to happen`)
  const entry = PHASE[phase]
  if (entry === undefined) return new DrydockError(`${shown} is in a phase '${String(phase)}' that there is not`)
  const allowed = PLACES[callKey(step)]
  if (allowed && !allowed.phases.includes(phase)) {
    return new DrydockError(
      `${callKey(step)} in phase '${phase}': it belongs to ${list(allowed.phases)}, because ${allowed.why} (phase '${phase}' is for ${entry.what}: ${entry.why})`,
    )
  }
  if (!entry.actors.includes(actor)) {
    return new DrydockError(
      `${shown} in phase '${phase}' is the ${side(actor)}'s, but that phase is the ${side(entry.actors[0])}'s: ${entry.why}`,
    )
  }
  return new DrydockError(
    `${shown} is the ${side(actor)}'s, but it can only be the ${side(allowed?.actors?.[0])}'s, because ${allowed?.why}`,
  )
}

const side = (actor: Actor | undefined) => (actor === 'host' ? 'host' : 'container')

function checkClone(steps: readonly PlannedStep[]): void {
  const clones = steps.filter(({ call }) => call === 'clone3').length
  if (clones > 1) throw new DrydockError(`a plan makes one container, this one has ${clones} clones`)
  const first = steps.find(({ actor }) => actor === 'container')
  if (clones === 0 && first) {
    throw new DrydockError(
      `${showStep(first)} is the container's, but no step of the plan makes the container: a clone is missing (namespaces)`,
    )
  }
}

/** Where the order of fragments matters within a phase: those of `first` do not come after those of `later`. */
const WITHIN = [
  {
    phase: 'become',
    first: ['setns', 'unshare'],
    later: ['setgroups', 'setresgid', 'setresuid'],
    why: 'ids are taken in the user namespace that was joined, and a process whose ids have changed may not write in its own /proc: give namespaces before idmap',
  },
  {
    phase: 'confine',
    first: ['write'],
    later: ['unshare', 'setns'],
    why: 'the cgroup where the process is then becomes the root that it sees: give cgroups before namespaces',
  },
] as const

function checkWithin(phases: readonly (readonly PlannedStep[])[]): void {
  for (const { phase, first, later, why } of WITHIN) {
    const calls = phases[position(phase)] ?? []
    const early = calls.findIndex(({ call }) => (later as readonly string[]).includes(call))
    const late = calls.slice(early + 1).find(({ call }) => (first as readonly string[]).includes(call))
    if (early !== -1 && late) {
      throw new DrydockError(`${showStep(late)} comes after ${showStep(calls[early] as Step)} in phase '${phase}', but ${why}`)
    }
  }
}

/** Each number that a step uses was kept by a step before it. */
function checkReferences(steps: readonly PlannedStep[]): void {
  const kept = new Set<string>()
  for (const step of steps) {
    const name = unknownIn(step, kept)
    if (name !== undefined) throw new DrydockError(`${showStep(step)} refers to '${name}', which ${whoKeeps(name, steps)}`)
    for (const { slot } of step.keep ?? NOTHING) kept.add(slot)
    if (step.call === 'clone3') kept.add('child')
    if (step.undo) checkUndo(step, step.undo, kept, steps)
  }
}

const NOTHING: readonly Keep[] = []

/** What undo steps keep is known to those after them, and to no step of the plan. */
function checkUndo(step: Step, undo: readonly Step[], kept: ReadonlySet<string>, steps: readonly PlannedStep[]): void {
  let known = kept
  for (const one of undo) {
    const name = unknownIn(one, known)
    if (name !== undefined) {
      throw new DrydockError(`what undoes ${showStep(step)}, ${showStep(one)}, refers to '${name}', which ${whoKeeps(name, steps)}`)
    }
    if (one.keep) known = new Set([...known, ...one.keep.map(({ slot }) => slot)])
  }
}

function whoKeeps(name: string, steps: readonly PlannedStep[]): string {
  const later = steps.find(({ call, keep }) => keep?.some(({ slot }) => slot === name) || (name === 'child' && call === 'clone3'))
  return later ? `is kept only later, by ${showStep(later)} in phase '${later.phase}'` : 'no step keeps'
}

/** The first number that a step refers to and that is not among those kept. */
function unknownIn(step: Step, kept: ReadonlySet<string>): string | undefined {
  for (const arg of step.args) {
    const name = unknownInArg(arg, kept)
    if (name !== undefined) return name
  }
  return undefined
}

function unknownInArg(arg: ArgValue, kept: ReadonlySet<string>): string | undefined {
  switch (arg.kind) {
    case 'ref':
      return kept.has(arg.ref) ? undefined : arg.ref
    case 'text':
      for (const part of arg.parts) if (typeof part !== 'string' && !kept.has(part.ref)) return part.ref
      return undefined
    case 'bytes':
      return arg.patches?.find(({ ref }) => !kept.has(ref))?.ref
    case 'struct':
      for (const { value } of arg.fields) {
        const name = unknownInArg(value, kept)
        if (name !== undefined) return name
      }
      return undefined
    default:
      return undefined
  }
}

/** Nothing follows the program but other places where it may be found (a PATH search: all but the last allow ENOENT). */
function checkExec(steps: readonly PlannedStep[]): void {
  const isExec = ({ call }: Step) => call === 'execve' || call === 'execveat'
  const first = steps.findIndex(isExec)
  if (first === -1) return
  const after = steps.slice(first).find((step) => !isExec(step))
  if (after) throw new DrydockError(`${showStep(after)} comes after execve, when the program has replaced the process that would run it`)
  const certain = steps.slice(first, -1).find(({ allow }) => !allow?.includes('ENOENT'))
  if (certain)
    throw new DrydockError(`${showStep(certain)} is followed by another execve, which only a failure that it allows (ENOENT) can reach`)
}
