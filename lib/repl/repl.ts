/** One line after the other: calls are made and answered, commands obeyed. Where the lines come from is somebody else's business. */
import { errnoNumber } from '../kernel/constants.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import type { Exit } from '../kernel/frames.js'
import { showStep } from '../kernel/show.js'
import type { Step } from '../kernel/step.js'
import { allCards, notedWords } from '../tutor/cards/index.js'
import type { Display } from '../tutor/display.js'
import { showExplanation } from '../tutor/explain.js'
import { NAMES } from './forms/index.js'
import { HELP, showHelp } from './help.js'
import { didYouMean } from './near.js'
import { type Call, parseLine, takeTolerance } from './parse.js'
import { save } from './save.js'
import { endInWords, showAnswer, showCard, showEnd, showErrno, showPlan, showState, showWord, showWordToo } from './show.js'
import { LineError, literal, tokenize } from './tokens.js'
import type { Workbench } from './workbench.js'

export type Outcome = 'ok' | 'failed' | 'quit'

/** A signal that was sent is waited for so many milliseconds, in case it ends the child. */
const SIGNAL_TIME = 100

export class Repl {
  readonly workbench: Workbench
  readonly #display: Display
  #interruption: Promise<void> | undefined
  readonly #commands: Readonly<Record<string, (words: readonly string[]) => Promise<Outcome> | Outcome>>

  constructor(workbench: Workbench, display: Display) {
    this.workbench = workbench
    this.#display = display
    this.#commands = {
      help: () => this.#say(() => showHelp(display)),
      state: () => this.#state(),
      plan: () => this.#say(() => showPlan(display, workbench.plan)),
      undo: () => this.#undo(),
      reset: () => this.#reset(),
      save: (words) => this.#save(words),
      quit: () => 'quit',
      exit: () => 'quit',
    }
  }

  /** Words with which a line may begin, besides the calls. */
  get commands(): readonly string[] {
    return ['?', ...Object.keys(this.#commands)]
  }

  /** `host>`, `container 12>`. */
  get prompt(): string {
    const { actor, child } = this.workbench
    const { style } = this.#display
    return `${style[actor](actor === 'container' ? `container ${child}` : 'host')}> `
  }

  /** Do what a line says. Mistakes and errors of the kernel's are shown; `failed` says that there was one. */
  async line(text: string): Promise<Outcome> {
    const { tolerant, rest } = takeTolerance(text)
    const outcome = await this.#attempt(rest.trim())
    return outcome === 'failed' && tolerant ? 'ok' : outcome
  }

  async #attempt(text: string): Promise<Outcome> {
    try {
      return await this.#obey(text)
    } catch (error) {
      // What was interrupted fails in some way or other; that it was is all that matters.
      if (this.#interruption) return 'failed'
      if (!(error instanceof DrydockError)) throw error
      this.#display.bad(sentenceOf(error), '!')
      return 'failed'
    } finally {
      await this.#recover()
      await this.settle()
    }
  }

  /** End what is going on, however long it would take: with everything that was done. */
  interrupt(): void {
    this.#interruption ??= this.workbench.reset({ force: true })
  }

  async #recover(): Promise<void> {
    if (!this.#interruption) return
    await this.#interruption
    this.#interruption = undefined
    await this.#note('Interrupted. Everything was taken back; this is a fresh host.')
  }

  /** If the child has ended: say so, and be ready for another. */
  async settle(): Promise<void> {
    const { exit } = this.workbench
    if (!exit) return
    const sentence = endInWords(exit, this.#executed ? 'The program' : 'The container’s process')
    showEnd(this.#display, sentence)
    await this.workbench.renew()
    await this.workbench.said(sentence)
  }

  get #executed(): boolean {
    return this.workbench.plan.some(({ call }) => call.step.call.startsWith('execve'))
  }

  async #obey(text: string): Promise<Outcome> {
    if (text.startsWith('?')) return this.#explain(text.slice(1).trim())
    const [first, ...others] = text.split(/\s+/)
    const command = first === undefined ? undefined : this.#commands[first]
    if (command && Object.hasOwn(this.#commands, first as string)) {
      if (first !== 'save' && others.length > 0) throw new LineError(`${first} takes no words behind it`)
      return command(others)
    }
    const { actor, calls } = this.#parse(text)
    if (actor && calls.length === 0) this.workbench.choose(actor)
    return this.#make(calls)
  }

  #parse(text: string): ReturnType<typeof parseLine> {
    const line = parseLine(text, this.workbench.explicitActor)
    for (const { step } of line.calls) this.#checkReferences(step, line.calls)
    return line
  }

  /** A name that nothing keeps is a mistake in the line, and the shim need not be asked. */
  #checkReferences(step: Step, calls: readonly Call[]): void {
    const known = new Set([...this.workbench.kept.keys(), ...calls.flatMap(({ step }) => step.keep?.map(({ slot }) => slot) ?? [])])
    const wanted = [...JSON.stringify(step.args, numberless).matchAll(/"ref":"([^"]+)"/g)].map(([, name]) => name as string)
    const missing = wanted.find((name) => !known.has(name))
    if (missing === undefined) return
    const list =
      known.size > 0
        ? `; kept are ${[...known].map((name) => `<${name}>`).join(', ')}`
        : '; nothing is kept yet: name = call keeps a number'
    throw new LineError(`no number is kept as <${missing}>${didYouMean(missing, known) || list}`)
  }

  async #make(calls: readonly Call[]): Promise<Outcome> {
    let failed = false
    let opened = false
    for (const call of calls) {
      // What closes a file again has something to do only when it was opened.
      if (failed && !(call.always && opened)) continue
      // What comes behind an interruption would be made on the fresh host.
      if (this.#interruption) return 'failed'
      const earlier = this.workbench.plan.map(({ call: made }) => made.step)
      if (call.step.call.startsWith('execve')) await this.#giveSession(earlier)
      const result = await this.workbench.make(call, (answer) => showAnswer(this.#display, answer, earlier, calls.length > 1))
      if (result.status === 'failed') failed = true
      else opened = true
      if (result.status === 'ok') await this.#after(call.step)
    }
    return failed ? 'failed' : 'ok'
  }

  /** A program at a terminal wants to lead a session there; who has made a setsid knows what he does. */
  async #giveSession(earlier: readonly Step[]): Promise<void> {
    const { stage, child } = this.workbench
    if (child === undefined || stage.session.length === 0 || earlier.some(({ call }) => call === 'setsid')) return
    await stage.attempt(stage.session)
    this.#display.text(`first, for the terminal: ${stage.session.map(showStep).join(', ')}`, '  ', this.#display.style.dim)
  }

  async #after({ call }: Step): Promise<void> {
    const { stage } = this.workbench
    if (call === 'kill' || call === 'pidfd_send_signal') await Promise.race([ended(stage.shim), pause(SIGNAL_TIME)])
  }

  async #note(sentence: string): Promise<void> {
    this.#display.note(sentence)
    await this.workbench.said(sentence)
  }

  #say(show: () => void): Outcome {
    show()
    return 'ok'
  }

  async #state(): Promise<Outcome> {
    showState(this.#display, await this.workbench.states(), this.workbench.kept)
    return 'ok'
  }

  async #reset(): Promise<Outcome> {
    await this.workbench.reset()
    await this.#note('Everything was taken back; this is a fresh host.')
    return 'ok'
  }

  /** Calls cannot be unmade; so all but the last are made again on a fresh host. */
  async #undo(): Promise<Outcome> {
    const calls = this.workbench.plan.map(({ call }) => call)
    const last = calls.pop()
    if (!last) throw new LineError('no call was made yet')
    await this.workbench.reset()
    for (const call of calls) {
      if (this.#interruption) return 'failed'
      const result = await this.workbench.make(call)
      if (result.status === 'failed') {
        showAnswer(this.#display, result, [], true)
        throw new DrydockError('this call could not be made again; what comes after it is not there any more')
      }
    }
    const again =
      calls.length === 0
        ? ''
        : calls.length === 1
          ? '; the call before it was made again'
          : `; the ${calls.length} calls before it were made again`
    await this.#note(`A fresh host, without the last call${again}.`)
    return 'ok'
  }

  #save(words: readonly string[]): Outcome {
    const [file, extra] = words
    if (file === undefined || extra !== undefined) throw new LineError('save takes one word, the name of a file')
    const calls = this.workbench.plan.map(({ call }) => call)
    if (calls.length === 0) throw new LineError('no call was made yet that could be saved')
    const path = save(calls, literal(tokenize(file)[0] as never) ?? file)
    this.#display.note(`${calls.length === 1 ? 'One call' : `${calls.length} calls`} written to ${path}`)
    return 'ok'
  }

  #explain(text: string): Outcome {
    if (text === '') return this.#say(() => showHelp(this.#display))
    if (/\s/.test(text)) {
      const earlier = this.workbench.plan.map(({ call }) => call.step)
      for (const { step } of parseLine(text, this.workbench.explicitActor).calls) showExplanation(this.#display, step, earlier)
      return 'ok'
    }
    const word = text.toLowerCase()
    if (showCard(this.#display, text)) showWordToo(this.#display, word)
    else if (!this.#explainCommand(text) && !showWord(this.#display, word) && !this.#explainErrno(text.toUpperCase())) {
      throw new LineError(`nobody has explained ${text}${didYouMean(text, [...NAMES, ...this.commands, ...notedWords()])}`)
    }
    return 'ok'
  }

  #explainCommand(text: string): boolean {
    const entry = HELP.find(({ typed }) => typed.split(' ')[0] === text)
    if (entry) this.#display.rows([{ label: entry.typed, value: entry.does }], '')
    return entry !== undefined
  }

  #explainErrno(name: string): boolean {
    const calls = allCards().flatMap(({ call, errors }) => (errors[name] ? [{ call, note: errors[name] }] : []))
    if (calls.length === 0) return false
    showErrno(this.#display, name, errnoNumber(name), calls)
    return true
  }
}

const numberless = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

const ended = (shim: { exited: Promise<Exit> }) =>
  shim.exited.then(
    () => undefined,
    () => undefined,
  )

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}
