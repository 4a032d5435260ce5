/**
 * The output of what a box executes, on pipes to the tutor. These few calls are the tutor's own and belong to no lesson's list:
 * two pipes before the clone, and the child's ends of them on its descriptors 1 and 2 after it.
 */
import { StringDecoder } from 'node:string_decoder'
import { close, dup3, pipe2 } from '../kernel/calls/files.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { container, host, ref, type Step } from '../kernel/step.js'

/** More than this is not kept; nothing waits for a program that prints without end. */
const LONGEST = 256 * 1024

const PIPES = ['tutor.out', 'tutor.err'] as const
const reader = (pipe: string) => ref(`${pipe}.reader`)
const writer = (pipe: string) => ref(`${pipe}.writer`)

/** Before the clone: both ends with the host. */
const makePipes: readonly Step[] = PIPES.map((pipe) => host(pipe2(reader(pipe).ref, writer(pipe).ref)))

/** After it: the child writes, the host reads, and nobody keeps an end that he does not use. */
const dividePipes: readonly Step[] = PIPES.flatMap((pipe, index) => [
  container(dup3(writer(pipe), index + 1)),
  container(close(writer(pipe))),
  container(close(reader(pipe))),
  host(close(writer(pipe))),
])

export class BoxStdio {
  readonly #shim: Shim
  #piped = false
  #divided = false
  #text = ''
  #shown = 0
  #cut = false

  constructor(shim: Shim) {
    this.#shim = shim
    const decoders = { 1: new StringDecoder('utf8'), 2: new StringDecoder('utf8') }
    shim.on('output', (stream, bytes) => {
      if (this.#text.length < LONGEST) this.#text += decoders[stream].write(bytes)
      else this.#cut = true
    })
  }

  /** Run steps as Shim.attempt does, with the pipes laid around the clone. */
  async attempt(steps: readonly Step[]): Promise<Result[]> {
    const at = this.#divided ? -1 : steps.findIndex(({ call }) => call === 'clone3')
    if (at < 0) return this.#shim.attempt(steps)
    const results = await this.#shim.attempt(steps.slice(0, at))
    if (results.some(stopped)) return [...results, ...notRun(steps.slice(at))]
    if (!this.#piped) {
      await this.#shim.run(makePipes)
      await this.#shim.monitor({ stdout: reader('tutor.out'), stderr: reader('tutor.err') })
      this.#piped = true
    }
    results.push(...(await this.#shim.attempt(steps.slice(at, at + 1))))
    const cloned = results.at(-1)
    if (cloned?.status !== 'ok') return [...results, ...notRun(steps.slice(at + 1))]
    await this.#shim.run(dividePipes)
    this.#divided = true
    results.push(...(await this.#shim.attempt(steps.slice(at + 1))))
    return results
  }

  /** Everything printed so far. */
  get text(): string {
    return this.#cut ? `${this.#text}\n… (the rest was not kept)` : this.#text
  }

  /** What was printed since this was last asked. */
  news(): string {
    const news = this.#text.slice(this.#shown)
    this.#shown = this.#text.length
    return news
  }
}

const stopped = ({ status }: Result) => status === 'failed' || status === 'not run'

/** As the shim would answer for what stands behind a failure. */
function notRun(steps: readonly Step[]): Result[] {
  return steps.map((step) => ({ step: { actor: 'host', ...step }, status: 'not run', ret: 0n, errno: 0, nanoseconds: 0, outs: [] }))
}
