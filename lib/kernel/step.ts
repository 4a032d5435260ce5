/**
 * A step: one system call as data. Constructors in `calls/` make them, the encoder sends them to the shim, the tutor explains
 * them, tests compare them. Nothing here runs anything.
 */
import type { Group } from './words.js'

/** Who makes the call: the shim (host) or the process that it clones (container). */
export type Actor = 'host' | 'container'

/** Where in the making of a container a step belongs; the reasons stand in lib/container/plan.ts. */
export type Phase =
  | 'prepare'
  | 'clone'
  | 'admit'
  | 'become'
  | 'confine'
  | 'network'
  | 'mounts'
  | 'root'
  | 'mask'
  | 'name'
  | 'terminal'
  | 'filter'
  | 'privileges'
  | 'exec'

/** The number that an earlier step's call returned (or wrote), by the name that the step kept it under. */
export interface Ref {
  readonly ref: string
}

/** A string with numbers of earlier steps in it, such as `/proc/${child}/uid_map`. Made by the tag `text`. */
export interface Text {
  readonly text: readonly (string | Ref)[]
}

/** Bytes: a name as the kernel has it, which need not be UTF-8. */
export type Pathname = string | Text | Uint8Array
export type Descriptor = number | Ref

/** One argument as it is meant; the encoder turns it into what the kernel takes. `name` is the man page's. */
export type Arg = { readonly name: string } & ArgValue

export type ArgValue =
  | { readonly kind: 'int'; readonly value: number | bigint; readonly shown?: string }
  | { readonly kind: 'flags'; readonly group: Group; readonly words: readonly string[]; readonly extra?: number }
  | { readonly kind: 'word'; readonly group: Group; readonly word: string }
  | { readonly kind: 'ref'; readonly ref: string }
  | { readonly kind: 'text'; readonly parts: readonly (string | Ref)[] }
  | {
      readonly kind: 'bytes'
      readonly bytes: Uint8Array
      readonly patches?: readonly Patch[]
      readonly shown?: string
      readonly returned?: boolean
    }
  | { readonly kind: 'strings'; readonly values: readonly string[] }
  | { readonly kind: 'out'; readonly size: number }
  | {
      readonly kind: 'struct'
      readonly struct: string
      readonly size: number
      readonly fields: readonly Field[]
      readonly returned?: boolean
    }
  | { readonly kind: 'null' }

/** A member of a structure: `value` stands at `offset`, `width` bytes little-endian (pointers are 8). */
export interface Field {
  readonly name: string
  readonly offset: number
  readonly width: 1 | 2 | 4 | 8
  readonly value: ArgValue
}

/** A number kept by an earlier step, written into a buffer before the call. */
export interface Patch {
  readonly offset: number
  readonly width: 4 | 8
  readonly ref: string
}

/** What a step keeps for later steps: its return value, or a number in one of its out-buffers. */
export interface Keep {
  readonly slot: string
  /** Number of the out-buffer (0 is the step's first); absent: the return value. */
  readonly out?: number
  readonly offset?: number
  readonly width?: 4 | 8
}

export interface Step {
  /** Absent: the host before the clone, the container after it. */
  readonly actor?: Actor
  readonly call: string
  readonly args: readonly Arg[]
  readonly phase?: Phase
  /** Why this call stands here, in one sentence, for the tutor. */
  readonly why?: string
  /** Names of errors that are an expected outcome: the plan goes on. */
  readonly allow?: readonly string[]
  readonly keep?: readonly Keep[]
  /** What puts the host back; armed in the shim at the moment this step succeeds, run in reverse order. */
  readonly undo?: readonly Step[]
}

/** What a constructor takes besides the call's own arguments. */
export interface StepOptions {
  readonly actor?: Actor
  readonly phase?: Phase
  readonly why?: string
  readonly allow?: readonly string[]
  /** Name under which later steps refer to the returned number. */
  readonly keep?: string
  readonly undo?: readonly Step[]
}

/** The number kept under `name`. */
export function ref(name: string): Ref {
  return { ref: name }
}

/** The child's process id as the shim sees it: what clone3 returned. */
export const child: Ref = ref('child')

/** A string with references in it: text`/proc/${child}/uid_map`. */
export function text(strings: TemplateStringsArray, ...values: (string | number | Ref)[]): Text {
  const parts: (string | Ref)[] = []
  const add = (part: string | Ref) => {
    const last = parts.at(-1)
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part
    else if (part !== '') parts.push(part)
  }
  strings.forEach((literal, index) => {
    add(literal)
    const value = values[index]
    if (value !== undefined) add(typeof value === 'object' ? value : String(value))
  })
  return { text: parts }
}

/** A step with its options; for constructors. An option that is absent leaves no key. */
export function step(call: string, args: readonly Arg[], options: StepOptions & { keeps?: readonly Keep[] } = {}): Step {
  const { actor, phase, why, allow, keep, keeps = NOTHING, undo } = options
  const made: Mutable<Step> = { call, args }
  if (actor) made.actor = actor
  if (phase) made.phase = phase
  if (why) made.why = why
  if (allow) made.allow = allow
  if (keep !== undefined) made.keep = [{ slot: keep }, ...keeps]
  else if (keeps.length > 0) made.keep = keeps
  if (undo) made.undo = undo
  return made
}

const NOTHING: readonly Keep[] = []

type Mutable<T> = { -readonly [key in keyof T]: T[key] }

type OneOrMore = Step | readonly Step[]

/** The same step made by the host's side, wherever it stands in the list. */
export function host(one: Step): Step
export function host(many: readonly Step[]): Step[]
export function host(steps: OneOrMore): OneOrMore {
  return onActor('host', steps)
}

/** The same step made by the container's side. */
export function container(one: Step): Step
export function container(many: readonly Step[]): Step[]
export function container(steps: OneOrMore): OneOrMore {
  return onActor('container', steps)
}

function onActor(actor: Actor, steps: OneOrMore): OneOrMore {
  const change = (one: Step): Step => ({ ...one, actor })
  return Array.isArray(steps) ? (steps as readonly Step[]).map(change) : change(steps as Step)
}

/** All steps get this phase (and actor, when it is given). For fragments. */
export function inPhase(phase: Phase, actor: Actor, steps: readonly Step[]): Step[] {
  return steps.map((one) => {
    // Key by key: a spread of objects that differ in their keys costs more than all else in a plan's making.
    const { why, allow, keep, undo } = one
    const placed: Mutable<Step> = { call: one.call, args: one.args, actor, phase }
    if (why) placed.why = why
    if (allow) placed.allow = allow
    if (keep) placed.keep = keep
    if (undo) placed.undo = undo
    return placed
  })
}

/** Every step with its actor filled in: host up to and including clone3, container after it, unless the step says otherwise. */
export function withActors(steps: readonly Step[]): (Step & { actor: Actor })[] {
  let actor: Actor = 'host'
  return steps.map((one) => {
    const resolved = withActor(one, one.call === 'clone3' ? 'host' : (one.actor ?? actor))
    if (one.call === 'clone3') actor = 'container'
    return resolved
  })
}

/** The step itself if it is this actor's already. */
export function withActor(step: Step, actor: Actor): Step & { actor: Actor } {
  return step.actor === actor ? (step as Step & { actor: Actor }) : { ...step, actor }
}

/** What a primitive returns: its steps, each in its phase, each with the undo that puts the host back. */
export interface Fragment {
  readonly primitive: string
  readonly title: string
  readonly steps: readonly Step[]
}
