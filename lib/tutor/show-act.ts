/** Steps on the screen: who makes the call, the call in words, why; then what it answered and what it changed. */
import type { Result } from '../kernel/result.js'
import { showStep } from '../kernel/show.js'
import type { Actor, Step } from '../kernel/step.js'
import { answersOf } from './answers.js'
import type { ChangeGroup } from './difference.js'
import type { Display } from './display.js'
import type { Act } from './guide.js'
import { becameAnother, outcomeInWords } from './words.js'
import { padded } from './wrap.js'

/** Names of the actors fill this many columns; everything about a step stands to the right of them. */
export const MARGIN = ' '.repeat(11)

type ActorStep = Step & { actor: Actor }

export function showAct(display: Display, act: Act & { steps: readonly ActorStep[] }): void {
  display.line()
  const [only] = act.steps
  if (act.title === undefined && only) showStepLine(display, only)
  else showTogether(display, act)
}

function showStepLine(display: Display, step: ActorStep): void {
  const { style } = display
  const [name = ''] = showStep(step).split('(', 1)
  const head = style[step.actor](padded(step.actor, MARGIN.length - 1))
  display.spans([{ text: name, style: style.call }, { text: showStep(step).slice(name.length) }], `${head} `, `${MARGIN}    `)
  if (step.why) display.text(step.why, MARGIN, style.dim)
}

function showTogether(display: Display, { title = '', steps }: Act & { steps: readonly ActorStep[] }): void {
  const actors = [...new Set(steps.map(({ actor }) => actor))]
  const [actor = 'host'] = actors
  const head =
    actors.length > 1 ? display.style.strong(padded('both', MARGIN.length - 1)) : display.style[actor](padded(actor, MARGIN.length - 1))
  display.spans(
    [{ text: title, style: display.style.call }, { text: ` (${steps.length} ${steps.length === 1 ? 'call' : 'calls'})` }],
    `${head} `,
    MARGIN,
  )
  display.text(callsOf(steps), MARGIN, display.style.dim)
}

/** `openat, write ×3, close` */
export function callsOf(steps: readonly Step[]): string {
  const groups: { call: string; times: number }[] = []
  for (const { call } of steps) {
    const last = groups.at(-1)
    if (last?.call === call) last.times += 1
    else groups.push({ call, times: 1 })
  }
  return groups.map(({ call, times }) => (times > 1 ? `${call} ×${times}` : call)).join(', ')
}

export function showResult(display: Display, act: Act, results: readonly Result[]): void {
  const bad = results.find(({ status }) => status === 'failed' || status === 'allowed')
  const [only] = results
  if (act.title === undefined && only) return showOne(display, only)
  const nanoseconds = results.reduce((sum, result) => sum + result.nanoseconds, 0)
  if (bad?.status === 'failed') {
    const at = results.indexOf(bad)
    display.text(`${at} of ${results.length} calls succeeded, then ${showStep(bad.step)}`, MARGIN)
    return showOne(display, bad)
  }
  const allowed = results.filter(({ status }) => status === 'allowed')
  const expected = allowed.length > 0 ? `, ${allowed.length} with an error that was expected` : ''
  display.text(`= all of them were made${expected} (${duration(nanoseconds)})`, MARGIN, display.style.ok)
}

function showOne(display: Display, result: Result): void {
  const { status, errno, nanoseconds } = result
  const { style } = display
  if (status === 'not run') return display.text(`= ${outcomeInWords(result)}`, MARGIN)
  const time = becameAnother(result) ? '' : ` (${duration(nanoseconds)})`
  const spans = [
    { text: `= ${outcomeInWords(result)}`, style: errno === 0 ? style.ok : style.bad },
    { text: time, style: style.dim },
  ]
  display.spans(spans, MARGIN, `${MARGIN}  `)
  for (const line of answersOf(result)) display.text(line, `${MARGIN}  `)
}

/** Nanoseconds as people compare them. */
export function duration(nanoseconds: number): string {
  const micros = nanoseconds / 1000
  if (micros < 10) return `${micros.toFixed(1)} µs`
  if (micros < 10_000) return `${Math.round(micros)} µs`
  return `${(micros / 1000).toFixed(1)} ms`
}

export function showChanges(display: Display, { title, news, lines }: ChangeGroup): void {
  display.text(title, MARGIN, news ? display.style.change : display.style.dim)
  for (const line of lines) {
    const rest = /^[+-] /.test(line) ? '    ' : '  '
    display.spans([{ text: line, style: display.style.change }], `${MARGIN}  `, `${MARGIN}  ${rest}`)
  }
}

/** What an executed program printed; control characters of its own change nothing on the screen. */
export function showOutput(display: Display, text: string): void {
  if (text === '') return
  const lines = text.replace(/\n$/, '').split('\n')
  const bar = `${MARGIN}${display.style.quote('|')} `
  const room = Math.max(16, display.width - MARGIN.length - 2)
  for (const line of lines) {
    const characters = [...printable(line)]
    display.line(`${bar}${characters.slice(0, room).join('')}`.trimEnd())
    // A line that is too long goes on below, further in.
    for (let at = room; at < characters.length; at += room - 2) display.line(`${bar}  ${characters.slice(at, at + room - 2).join('')}`)
  }
}

/** Text of somebody else's without escape sequences and other control characters. */
export function printable(line: string): string {
  const expanded = line.replaceAll('\t', '    ').replaceAll('\r', '')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return expanded.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g, '').replace(/[\x00-\x1f\x7f-\x9f]/g, '�')
}
