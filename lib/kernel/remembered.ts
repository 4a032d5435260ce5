/**
 * Steps that many containers have in common. A primitive is a pure function, so that what it was asked before it need not think about again; and of
 * steps that are the same objects as before the encoder knows the bytes (encode.ts).
 */
import type { Fragment, Step } from './step.js'

/** How many answers of each primitive are known: containers of one engine differ in few of their ways. */
const KNOWN = 32

/** What is known of a step that comes again, beside itself. */
export interface Memo {
  encoded?: { readonly bytes: Uint8Array; readonly places: readonly SlotPlace[] }
}

/** Where a slot's number stands in the bytes, and the name that it is kept under. */
export interface SlotPlace {
  readonly at: number
  readonly name: string
  /** It is kept here, and not only used. */
  readonly kept: boolean
}

const memos = new WeakMap<Step, Memo>()

/** Undefined for a step that was made for this one time. */
export const memoOf = (step: Step): Memo | undefined => memos.get(step)

/** The same function, which is asked once for each spec: what differs in JSON is another one. What it gives belongs to all who ask. */
export function remembered<Spec, Made extends Fragment>(make: (spec: Spec) => Made): (spec: Spec) => Made {
  const known = new Map<string, Made>()
  return (spec) => {
    const key = JSON.stringify(spec)
    const found = known.get(key)
    if (found) return found
    const made = make(spec)
    for (const step of made.steps) memos.set(step, {})
    const [oldest] = known.size >= KNOWN ? known.keys() : []
    if (oldest !== undefined) known.delete(oldest)
    known.set(key, made)
    return made
  }
}
