/**
 * Calls outside for a box whose program has ended, and with it the box's shim (native/PROTOCOL.md): another shim in the same bottle
 * makes them; to the kernel it is the same who asks.
 */
import { pidfd_getfd, pidfd_open } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { showStep } from '../kernel/show.js'
import { type Arg, type ArgValue, host, type Ref, ref, type Step } from '../kernel/step.js'

/** Numbers that the box's steps have kept: `child`, and descriptors of its shim. */
export type Kept = ReadonlyMap<string, bigint>

/** Makes host steps by a shim of its own, with the numbers and descriptors of another. */
export class HelpingShim {
  readonly #shim: Shim
  readonly #of: Shim
  readonly #borrowed = new Set<string>()

  constructor(shim: Shim, of: Shim) {
    this.#shim = shim
    this.#of = of
  }

  async attempt(steps: readonly Step[], kept: Kept): Promise<Result[]> {
    for (const step of steps) {
      if (step.actor !== 'host') {
        throw new DrydockError(
          `${showStep(step)}: the process runs another program now, which makes its own calls and none of ours; the host's side still can`,
        )
      }
      for (const name of refsIn(step)) if (name !== 'child') await this.#borrow(name, kept)
      for (const { slot } of step.keep ?? []) this.#borrowed.add(slot)
    }
    const child = kept.get('child')
    const results = await this.#shim.attempt(steps.map((step) => (child === undefined ? step : withNumber(step, 'child', child))))
    return results.map((result, index) => ({ ...result, step: { ...(steps[index] as Step), actor: 'host' } }))
  }

  /** It has nothing to undo. */
  close(): Promise<void> {
    return this.#shim.close()
  }

  /** A copy of the other shim's descriptor, under the name that it has there. */
  async #borrow(name: string, kept: Kept): Promise<void> {
    const number = kept.get(name)
    if (this.#borrowed.has(name) || number === undefined) return
    await this.#shim.run(host([pidfd_open(this.#of.pid, { keep: 'lender' }), pidfd_getfd(ref('lender'), Number(number), { keep: name })]))
    this.#borrowed.add(name)
  }
}

function refsIn(step: Step): string[] {
  const names: string[] = []
  const visit = (value: Arg | ArgValue) => {
    if (value.kind === 'ref') names.push(value.ref)
    else if (value.kind === 'text') for (const part of value.parts) if (typeof part !== 'string') names.push(part.ref)
    if (value.kind === 'bytes') for (const patch of value.patches ?? []) names.push(patch.ref)
    if (value.kind === 'struct') for (const member of value.fields) visit(member.value)
  }
  for (const argument of step.args) visit(argument)
  return names
}

/** The step with a kept number written out. */
function withNumber(step: Step, name: string, number: bigint): Step {
  const part = (one: string | Ref) => (typeof one !== 'string' && one.ref === name ? String(number) : one)
  const change = <T extends ArgValue>(value: T): T => {
    if (value.kind === 'ref') return value.ref === name ? ({ ...value, kind: 'int', value: number } as unknown as T) : value
    if (value.kind === 'text') return { ...value, parts: value.parts.map(part) }
    if (value.kind === 'struct') return { ...value, fields: value.fields.map((member) => ({ ...member, value: change(member.value) })) }
    return value
  }
  return { ...step, args: step.args.map((argument) => change(argument)) }
}
