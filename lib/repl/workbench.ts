/**
 * What a prompt works on: a bottle, one shim in it at a time, the numbers that were kept, and the list of calls made so far. A shim
 * has one child; when that has ended, what follows is made by a fresh shim in the same bottle.
 */
import type { Bottle } from '../bottle.js'
import { DrydockError } from '../kernel/errors.js'
import type { Exit } from '../kernel/frames.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { type Actor, type Step, withActor } from '../kernel/step.js'
import type { Witness } from '../trace/witness.js'
import type { ProcessState } from '../tutor/changes.js'
import { explainFailure } from '../tutor/explain.js'
import { readFacts } from '../tutor/facts.js'
import { hostPidOf } from '../tutor/host-pid.js'
import { readHostname, readState } from '../tutor/state.js'
import { Testimony } from '../tutor/testimony.js'
import type { Call } from './parse.js'
import type { Stage } from './stage.js'

export interface Made {
  readonly call: Call
  readonly result: Result
}

export interface States {
  readonly host: ProcessState | undefined
  readonly container: ProcessState | undefined
}

export class Workbench {
  readonly #open: () => Promise<Bottle>
  readonly #stage: (bottle: Bottle) => Promise<Stage>
  #bottle: Bottle | undefined
  #current: Stage | undefined
  #baseline: ProcessState | undefined
  #exit: Exit | undefined
  #over = false
  #kept = new Map<string, bigint>()
  #made: Made[] = []
  /** What was made so far belongs to a shim that has ended; the next call begins a new list. */
  #stale = false
  /** The reset that is under way, or was last: each begins where the one before has come to its end. */
  #reset: Promise<void> = Promise.resolve()
  #actor: Actor | undefined
  readonly #testimony: Testimony
  /** Called when the child ends by itself while nobody waits for a call. */
  onEnd: ((exit: Exit) => void) | undefined

  /** `witness`: who else is told of the calls. */
  constructor(open: () => Promise<Bottle>, stage: (bottle: Bottle) => Promise<Stage>, witness?: Witness) {
    this.#open = open
    this.#stage = stage
    const focus = () => (['host', 'container'] as const).flatMap((actor) => this.hostPid(actor) ?? [])
    const beside = () => (this.#bottle ? [this.#bottle.pid] : [])
    this.#testimony = new Testimony({ box: 'prompt', focus, beside, witness })
  }

  get bottle(): Bottle {
    if (!this.#bottle) throw new DrydockError('there is no bottle')
    return this.#bottle
  }

  get stage(): Stage {
    if (!this.#current) throw new DrydockError('there is no shim')
    return this.#current
  }

  get shim(): Shim {
    return this.stage.shim
  }

  /** Process id of the child as the bottle counts, while it lives. */
  get child(): number | undefined {
    return this.#over ? undefined : this.#current?.shim.childPid
  }

  /** How the child ended, once it has. */
  get exit(): Exit | undefined {
    return this.#exit
  }

  /** Who makes a call for which nothing is said: what was chosen, otherwise the container as soon as there is one. */
  get actor(): Actor {
    return this.#actor ?? this.#usual
  }

  /** What a typed step must say to be made by the actor of now; undefined when that goes without saying. */
  get explicitActor(): Actor | undefined {
    return this.actor === this.#usual ? undefined : this.actor
  }

  get #usual(): Actor {
    return this.child === undefined ? 'host' : 'container'
  }

  choose(actor: Actor): void {
    if (actor === 'container') this.#needChild()
    this.#actor = actor
  }

  /** Numbers that were kept, `child` included. */
  get kept(): ReadonlyMap<string, bigint> {
    return this.#kept
  }

  /** The calls that were made, of the present shim or of the last that made any. */
  get plan(): readonly Made[] {
    return this.#made
  }

  async start(): Promise<void> {
    this.#bottle = await this.#open()
    await this.#fresh()
  }

  /** Make one call, and after an execve wait for the program's end. An error of the kernel's is an answer like another. */
  async make(call: Call, show: (result: Result) => void = () => undefined): Promise<Result> {
    if (this.#over) await this.renew()
    this.#check(call.step)
    const earlier = this.#made.map(({ call: made }) => made.step)
    this.#testimony.ahead(undefined, [withActor(call.step, this.#actorOf(call.step))])
    await this.#testimony.picture({ fresh: true })
    const results: Result[] = []
    let pictured: Promise<void> | undefined
    const answered = (result: Result) => {
      results.push(result)
      if (result.status === 'ok') this.#record(call, result)
      if (result.status !== 'not run') show(result)
      this.#testimony.done([result], [], explainFailure(result, readFacts, earlier))
      // While the program runs, when that is what the call has begun.
      pictured = this.#testimony.picture()
    }
    if (call.step.call.startsWith('execve')) await this.stage.execute(call.step, answered)
    else (await this.stage.attempt([call.step])).forEach(answered)
    await pictured
    const [result] = results
    if (result && result.status !== 'not run') return result
    await this.shim.ended
    throw new DrydockError('the call was not made: the process that should make it has ended')
  }

  #record(call: Call, result: Result): void {
    if (this.#stale) this.#made = []
    this.#stale = false
    this.#made.push({ call, result })
    this.#keep(result)
    if (call.step.call === 'clone3') this.#actor = undefined
  }

  #check(step: Step): void {
    const actor = this.#actorOf(step)
    if (actor === 'container') this.#needChild()
    if (step.call.startsWith('execve') && actor === 'host') {
      throw new DrydockError('the host’s side is the shim itself, which cannot become another program: clone comes first')
    }
    if (step.call === 'clone3' && this.child !== undefined) {
      throw new DrydockError('there is a container already, and a shim has one child: reset starts over')
    }
  }

  #actorOf(step: Step): Actor {
    return step.call === 'clone3' ? 'host' : (step.actor ?? this.#usual)
  }

  /** What the prompt says of its own accord: that the child has ended, that all was taken back. */
  async said(sentence: string): Promise<void> {
    this.#testimony.said(sentence)
    await this.#testimony.picture()
  }

  #needChild(): void {
    if (this.child === undefined) throw new DrydockError('there is no container yet: clone makes one')
  }

  #keep({ step, ret, outs }: Result): void {
    if (step.call === 'clone3') this.#kept.set('child', ret)
    for (const { slot, out, offset = 0, width = 8 } of step.keep ?? []) {
      const buffer = out === undefined ? undefined : outs[out]
      if (out === undefined) this.#kept.set(slot, ret)
      else if (buffer) this.#kept.set(slot, width === 4 ? BigInt(buffer.readInt32LE(offset)) : buffer.readBigInt64LE(offset))
    }
  }

  /** What /proc says now, and what it said of the shim when it was fresh. */
  async states(): Promise<States & { readonly before: ProcessState | undefined }> {
    const container = this.child === undefined ? undefined : await this.#state(this.child)
    return { before: this.#baseline, host: await this.#state(this.shim.pid), container }
  }

  /** The process on the machine that makes a call of this actor. */
  hostPid(actor: Actor): number | undefined {
    const pid = actor === 'container' ? this.child : this.#current?.shim.pid
    try {
      return pid === undefined ? undefined : hostPidOf(this.bottle, pid)
    } catch {
      return undefined
    }
  }

  async #state(pid: number): Promise<ProcessState | undefined> {
    try {
      const state = readState(hostPidOf(this.bottle, pid))
      return state && { ...state, hostname: await readHostname(this.bottle, pid) }
    } catch {
      return undefined
    }
  }

  /** A fresh shim in the same bottle, when the child has ended. */
  async renew(): Promise<void> {
    await this.#current?.close()
    await this.#fresh()
  }

  /**
   * A fresh bottle; nothing of what was done is left. `force`: also when a call is still going on. Of two at once (Ctrl-C during a reset) the second ends
   * what the first has begun.
   */
  reset(options: { force?: boolean } = {}): Promise<void> {
    const before = this.#reset.catch(() => undefined)
    const reset = async () => {
      await this.close(options)
      await before
      await this.close(options)
      this.#made = []
      await this.start()
    }
    this.#reset = reset()
    return this.#reset
  }

  async close({ force = false }: { force?: boolean } = {}): Promise<void> {
    const [stage, bottle] = [this.#current, this.#bottle]
    this.#current = undefined
    this.#bottle = undefined
    this.#over = true
    if (!force) await stage?.close()
    // The end of the bottle is the end of every process in it, whatever it is doing.
    await bottle?.close()
    await stage?.gone
  }

  async #fresh(): Promise<void> {
    const stage = await this.#stage(this.bottle)
    this.#current = stage
    this.#over = false
    this.#exit = undefined
    this.#actor = undefined
    this.#kept = new Map()
    this.#stale = true
    stage.shim.once('exit', (exit) => {
      if (this.#current !== stage) return
      this.#over = true
      this.#exit = exit
      this.#actor = undefined
      this.onEnd?.(exit)
    })
    this.#baseline = await this.#state(stage.shim.pid)
  }
}
