/** A shim on the stage: each step is shown, waits for the learner, is made, and shows what it answered and changed. */
import { DrydockError } from '../kernel/errors.js'
import type { Exit } from '../kernel/frames.js'
import { begun } from '../kernel/proc/begun.js'
import { readStatus } from '../kernel/proc/status.js'
import { type Result, StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { showStep } from '../kernel/show.js'
import { type Actor, type Step, withActors } from '../kernel/step.js'
import type { Witness } from '../trace/witness.js'
import { signalName } from './answers.js'
import { missingCards } from './cards/index.js'
import type { ProcessState } from './changes.js'
import { changeGroups, type States } from './difference.js'
import type { Display } from './display.js'
import { explainFailure } from './explain.js'
import { FileWatch } from './files.js'
import type { Act, Guide } from './guide.js'
import { HelpingShim } from './helper.js'
import { hostPidOf, inWords, ownName, type Place } from './host-pid.js'
import type { Box } from './lesson.js'
import { MARGIN, showAct, showChanges, showOutput, showResult } from './show-act.js'
import { readHostname, readState } from './state.js'
import { BoxStdio } from './stdio.js'
import { Testimony } from './testimony.js'
import { within } from './trial.js'

/** The boxes of one stage: with several of them, each says its name when its turn comes. */
export interface Turns {
  boxes: number
  last: StageBox | undefined
}

export interface BoxSurroundings {
  readonly place: Place
  readonly display: Display
  readonly guide: Guide
  readonly turns: Turns
  /** The steps lay the child's streams themselves: no pipes to the tutor are laid around the clone. */
  readonly ownStreams?: boolean
  /** The same, but the shim's monitor is told of them, so that what they bring is shown. */
  readonly ownMonitor?: boolean
  /** Who else is told what is done here. */
  readonly witness?: Witness
  /** What belongs to the picture besides this box: processes, by the host's pids. */
  readonly beside?: () => readonly number[]
}

/** After an execve, a program gets so many milliseconds to print before the next act is shown; what comes later is shown later. */
const FIRST_WORDS = 150

/** So many milliseconds a shim gets to undo what it did. */
const PATIENCE = 1500

/** Calls after which a process may see another host name. */
const RENAMING = new Set(['sethostname', 'setns', 'unshare', 'clone3'])

export class StageBox implements Box {
  readonly name: string
  readonly shim: Shim
  readonly place: Place
  readonly #display: Display
  readonly #guide: Guide
  readonly #turns: Turns
  readonly #stdio: BoxStdio
  readonly #ownStreams: boolean
  readonly #pipes: boolean
  readonly #kept = new Map<string, bigint>()
  /** Steps of all acts that are over. */
  readonly made: Step[] = []
  readonly #testimony: Testimony
  #executed = false
  #helper: HelpingShim | undefined
  #exit: Exit | undefined
  #exitShown = false

  constructor(name: string, shim: Shim, surroundings: BoxSurroundings) {
    const { place, display, guide, turns, ownStreams = false, ownMonitor = false, witness, beside } = surroundings
    this.name = name
    this.shim = shim
    this.place = place
    this.#ownStreams = ownStreams
    this.#pipes = !ownStreams && !ownMonitor
    this.#display = display
    this.#guide = guide
    this.#turns = turns
    this.#testimony = new Testimony({ box: name, focus: () => this.focus, witness, beside })
    this.#stdio = new BoxStdio(shim)
    shim.once('exit', (exit) => {
      this.#exit = exit
    })
  }

  get childPid(): number | undefined {
    return this.shim.childPid
  }

  hostPid(): number {
    if (this.childPid === undefined) throw new DrydockError(`box "${this.name}" has no child yet: clone3 comes first`)
    return hostPidOf(this.place, this.childPid)
  }

  /** The host's pids of the shim and of its child, where they are. */
  get focus(): number[] {
    const pids = [this.#exit === undefined || this.alive ? this.shim.pid : undefined, this.alive ? this.childPid : undefined]
    return pids.flatMap((pid) => (pid === undefined ? [] : (this.place.hostPid(pid) ?? [])))
  }

  /** Is there a child that has not ended? */
  get alive(): boolean {
    return this.childPid !== undefined && this.#exit === undefined
  }

  async step(...steps: Step[]): Promise<Result[]> {
    const results: Result[] = []
    for (const step of steps) results.push(...this.#unfailed(await this.#perform({ steps: [step] })))
    return results
  }

  async together(title: string, steps: readonly Step[]): Promise<Result[]> {
    return this.#unfailed(await this.#perform({ title, steps }))
  }

  /** One after the other, each with its pause; what failed is among the answers and was explained, the rest is not made; nor is what follows an execve. */
  async attempt(steps: readonly Step[]): Promise<Result[]> {
    const results: Result[] = []
    for (const step of steps) {
      results.push(...(await this.#perform({ steps: [step] })))
      // A search for the program ends where it was found.
      if (results.at(-1)?.status === 'failed' || this.#executed) break
    }
    return results
  }

  async fails(step: Step, ...errnos: string[]): Promise<Result> {
    const [result] = await this.#perform({ steps: [{ ...step, allow: [...errnos, ...(step.allow ?? [])] }], fails: errnos })
    if (result?.status === 'allowed') return result
    if (result?.status === 'failed') throw new StepError(result, `the lesson expects ${errnos.join(' or ')} here`)
    throw new DrydockError(`${showStep(step)}: the lesson expects ${errnos.join(' or ')} here, and it succeeded`)
  }

  output(): string {
    return this.#stdio.text
  }

  hear(): void {
    this.#takeTurn()
    this.#showNews()
  }

  async exited(): Promise<Exit> {
    const exit = await this.shim.exited
    this.#showNews()
    return exit
  }

  /** Kill what runs, undo what was done. */
  async close(): Promise<void> {
    // That what still runs is killed now is news to nobody.
    this.#exitShown = true
    const done = await within(
      this.shim.rollback().then(() => true),
      PATIENCE,
    )
    // A shim that waits in a call of its own hears nothing; it goes with the bottle.
    if (!done) await this.shim.close()
    await this.#helper?.close()
    this.#showNews()
  }

  /** What /proc says now of the shim and of its child. */
  async states(hostname = false): Promise<States> {
    const of = async (pid: number | undefined) => {
      if (pid === undefined) return undefined
      const state = this.#stateOf(pid)
      return state && hostname ? { ...state, hostname: await readHostname(this.place, pid) } : state
    }
    return { host: await of(this.shim.pid), container: this.alive ? await of(this.childPid) : undefined }
  }

  #stateOf(pid: number): ProcessState | undefined {
    try {
      return readState(hostPidOf(this.place, pid))
    } catch {
      // It has ended between two looks.
      return undefined
    }
  }

  async #perform(act: Act): Promise<Result[]> {
    this.#showNews()
    this.#takeTurn()
    const steps = this.#actors(act.steps)
    // Played by itself a lesson is a test of itself: a learner could ask for any of these to be explained.
    const unexplained = this.#guide.auto ? missingCards(steps) : []
    if (unexplained.length > 0) throw new Error(`no card explains ${unexplained.join(', ')} (lib/tutor/cards)`)
    showAct(this.#display, { ...act, steps })
    this.#testimony.ahead(act.title, steps)
    await this.#guide.before(this, { ...act, steps })
    // Only now: while the learner has looked around in a shell, things may have changed that are not the act's.
    await this.#testimony.picture({ fresh: true })
    const hostname = steps.some(({ call }) => RENAMING.has(call))
    const before = await this.states(hostname)
    const files = new FileWatch((step) => this.#locate(step))
    files.before(steps)
    const results = await this.#attempt(steps)
    for (const result of results) this.#keep(result)
    const executed = results.some(({ step, status }) => step.call.startsWith('execve') && status === 'ok')
    if (executed) await this.#firstWords()
    showResult(this.#display, { ...act, steps }, results)
    const after = await this.states(hostname && !executed)
    const changes = changeGroups({ before, after, files: files.after(steps), executed, pids: ({ pid }) => this.#pids(pid) })
    for (const group of changes) showChanges(this.#display, group)
    // What fails on purpose among many is the plan's own business (a place that may be there already).
    const because = act.title === undefined || results.some(({ status }) => status === 'failed') ? this.#reasons(results) : []
    this.made.push(...results.map(({ step }) => step))
    this.#testimony.done(results, changes, because)
    this.#showNews()
    for (const line of because) this.#display.text(line, MARGIN)
    await this.#testimony.picture()
    return results
  }

  /** By the box's own shim, which makes the host's steps while the program runs too; when that has ended, by another one. */
  async #attempt(steps: readonly (Step & { actor: Actor })[]): Promise<Result[]> {
    if (!this.#executed) return this.#pipes ? this.#stdio.attempt(steps) : this.shim.attempt(steps)
    if (this.#exit === undefined && steps.every(({ actor }) => actor === 'host')) return this.shim.attempt(steps)
    this.#helper ??= new HelpingShim(await this.place.shim(), this.shim)
    return this.#helper.attempt(steps, this.#kept)
  }

  #pids(hostPid: number): string {
    const own = readStatus(hostPid)?.nsPids.at(-1)
    const inside = own !== undefined && own !== this.childPid ? `, ${own} to itself` : ''
    const here = this.place.kind === 'host' ? '' : `, ${this.childPid} to ${inWords(this.place)}`
    // Where a host is what the lesson is about, the word does not mean the learner's own.
    const outside = ownName(this.place) === undefined ? 'the host' : 'your machine'
    return `${hostPid} to ${outside}${here}${inside}`
  }

  /** The steps as they will be made, each with its actor. */
  #actors(steps: readonly Step[]): (Step & { actor: Actor })[] {
    if (this.childPid === undefined) return withActors(steps)
    return steps.map((step) => ({ ...step, actor: step.actor ?? 'container' }))
  }

  /** The process on the real host that makes a step, and the numbers kept so far. */
  #locate(step: Step): { pid: number; kept: ReadonlyMap<string, bigint> } | undefined {
    // Whoever has ended would be looked for among all processes of the machine, for every step again.
    const pid = step.actor === 'container' ? (this.alive ? this.childPid : undefined) : this.shim.pid
    const hostPid = pid === undefined ? undefined : this.place.hostPid(pid)
    return hostPid === undefined ? undefined : { pid: hostPid, kept: this.#kept }
  }

  #keep({ step, status, ret, outs }: Result): void {
    if (status !== 'ok') return
    if (step.call === 'clone3') this.#kept.set('child', ret)
    for (const { slot, out, offset = 0, width = 8 } of step.keep ?? []) {
      const buffer = out === undefined ? undefined : outs[out]
      if (out === undefined) this.#kept.set(slot, ret)
      else if (buffer) this.#kept.set(slot, width === 4 ? BigInt(buffer.readInt32LE(offset)) : buffer.readBigInt64LE(offset))
    }
  }

  async #firstWords(): Promise<void> {
    this.#executed = true
    const pid = this.childPid === undefined ? undefined : this.place.hostPid(this.childPid)
    if (pid !== undefined) await begun(pid)
    if (this.#ownStreams) return
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FIRST_WORDS)
    })
    await Promise.race([enough, this.shim.exited.then(() => undefined).catch(() => undefined)])
    clearTimeout(timer)
  }

  /** What the program printed and how it ended, as far as that was not shown yet. */
  #showNews(): void {
    const text = this.#ownStreams ? '' : this.#stdio.news()
    showOutput(this.#display, text)
    this.#testimony.printed(text)
    if (this.#exit && !this.#exitShown) {
      this.#exitShown = true
      const { signal, code, oomKilled } = this.#exit
      const how = signal > 0 ? `was ended by signal ${signal} (${signalName(signal)})` : `exited with ${code}`
      const whose = this.#turns.boxes > 1 ? ` of “${this.name}”` : ''
      const who = `${this.#executed ? 'the program' : 'the child'}${whose}`
      const news = `${who} ${how}${oomKilled ? ', killed for want of memory' : ''}`
      this.#display.note(news, MARGIN)
      this.#testimony.said(news)
    }
  }

  #takeTurn(): void {
    if (this.#turns.boxes > 1 && this.#turns.last !== this) {
      this.#display.line()
      this.#display.note(`In the box “${this.name}”:`)
    }
    this.#turns.last = this
  }

  /** Why a step failed, as far as it is known. */
  #reasons(results: readonly Result[]): string[] {
    const failed = results.find(({ status }) => status === 'failed') ?? results.find(({ status }) => status === 'allowed')
    if (!failed) return []
    const maker = failed.step.actor === 'container' ? this.childPid : this.shim.pid
    const filtered = maker !== undefined && this.#stateOf(maker)?.seccomp === 'filter'
    return [
      ...(filtered ? ['This process has a seccomp filter. If that has answered, the kernel itself has not looked at the call.'] : []),
      ...explainFailure(failed, undefined, [...this.made, ...results.slice(0, results.indexOf(failed)).map(({ step }) => step)]),
    ]
  }

  #unfailed(results: Result[]): Result[] {
    const failed = results.find(({ status }) => status === 'failed')
    if (failed) throw new StepError(failed)
    const left = results.find(({ status }) => status === 'not run')
    if (left) throw new DrydockError(`${showStep(left.step)} was not made: the process that should make it has ended`)
    return results
  }
}
