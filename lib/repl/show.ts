/** What the prompt says: answers, cards, flags, the list of calls, what changed. */
import { errnoOf } from '../kernel/constants.js'
import type { Exit } from '../kernel/frames.js'
import type { Result } from '../kernel/result.js'
import { showOutcome, showStep } from '../kernel/show.js'
import type { Step } from '../kernel/step.js'
import { answersOf, signalName } from '../tutor/answers.js'
import { cardOf, flagNote, notesOf } from '../tutor/cards/index.js'
import { changesBetween, type ProcessState } from '../tutor/changes.js'
import type { Display } from '../tutor/display.js'
import { explainFailure } from '../tutor/explain.js'
import { readFacts } from '../tutor/facts.js'
import { duration, printable } from '../tutor/show-act.js'
import { type Form, formsOf, usage } from './forms/index.js'
import type { Made } from './workbench.js'

const INDENT = '  '

/** `= 0 (12 µs)`; `name`: the call in front of it, where a line made several. */
export function showAnswer(display: Display, result: Result, earlier: readonly Step[], named: boolean): void {
  const { style } = display
  const { step, errno, nanoseconds } = result
  const became = step.call.startsWith('execve') && errno === 0
  const returned = (step.keep ?? []).filter(({ out }) => out === undefined).map(({ slot }) => slot)
  const kept = [...(step.call === 'clone3' ? ['child'] : []), ...returned].map((name) => `, kept as ${name}`)
  const outcome = became ? 'the container runs this program now' : `${showOutcome(result)}${errno === 0 ? kept.join('') : ''}`
  display.spans(
    [
      { text: named ? `${showStep(step)} ` : '' },
      { text: `= ${outcome}`, style: errno === 0 ? style.ok : style.bad },
      { text: became ? '' : ` (${unbroken(duration(nanoseconds))})`, style: style.dim },
    ],
    INDENT,
    `${INDENT}  `,
  )
  for (const line of answersOf(result)) for (const part of line.split('\n')) display.text(printable(part), `${INDENT}  `)
  if (errno !== 0) for (const line of explainFailure(result, readFacts, earlier)) display.text(line, `${INDENT}  `)
}

/** How the child ended. */
export function endInWords(exit: Exit, what: string): string {
  const { code, signal, nanoseconds, maxRssKiB } = exit
  const how = signal > 0 ? `was ended by signal ${signal} (${signalName(signal)})` : `exited with ${code}`
  const used = maxRssKiB > 0 ? `, ${maxRssKiB} KiB of memory at most` : ''
  return `${what} ${how} after ${elapsed(nanoseconds)}${used}`
}

export function showEnd(display: Display, sentence: string): void {
  display.text(sentence, INDENT, display.style.dim)
}

/** Number and unit stay on one line. */
const unbroken = (text: string) => text.replaceAll(' ', '\u00a0')

const SECOND = 1e9

function elapsed(nanoseconds: number): string {
  return nanoseconds < 10 * SECOND ? duration(nanoseconds) : `${Math.round(nanoseconds / SECOND)} s`
}

/** A call's card: how it is typed, what it is, its words, its errors. */
export function showCard(display: Display, name: string): boolean {
  const forms = formsOf(name)
  const card = cardOf(forms[0]?.call ?? name)
  if (!card) return false
  const { style } = display
  display.text(`${card.call}: ${card.summary}`, '', style.strong)
  display.text(card.signature, INDENT, style.code)
  for (const line of new Set(forms.map(usage))) display.text(line, `${INDENT}typed: `, style.call)
  display.line()
  display.text(card.detail)
  section(display, 'Words that it takes', wordRows(forms))
  section(display, 'What an error would mean here', rowsOf(card.errors))
  for (const [operation, errors] of Object.entries(card.operations ?? {})) section(display, `With ${operation}`, rowsOf(errors))
  display.line()
  display.text(`Manual: man ${card.man.replace(/^(.*)\((.*)\)$/, '$2 $1')}`, '', style.dim)
  return true
}

const rowsOf = (entries: Readonly<Record<string, string>>) => Object.entries(entries).map(([label, value]) => ({ label, value }))

function section(display: Display, title: string, rows: readonly { label: string; value: string }[]): void {
  if (rows.length === 0) return
  display.line()
  display.text(`${title}:`, '', display.style.strong)
  display.rows(rows, '')
}

/** Of a group with more words than this the words are listed without their notes. */
const MANY = 25

function wordRows(forms: readonly Form[]): { label: string; value: string }[] {
  const rows = new Map<string, string>()
  for (const { kind, literal } of forms.flatMap(({ params }) => params)) {
    const { group, completion } = kind
    if (group === undefined || completion?.kind !== 'words') continue
    const words = literal === undefined ? completion.words : [literal]
    if (words.length > MANY) rows.set(group.replaceAll('_', ' '), `${words.join(', ')} (? ${words[0]} explains that one)`)
    else for (const word of words) rows.set(word, flagNote(group, word) ?? '')
  }
  return [...rows].map(([label, value]) => ({ label, value }))
}

/** What a word means, in every group that has it. */
export function showWord(display: Display, word: string): boolean {
  const notes = notesOf(word)
  display.rows(
    notes.map(({ group, note }) => ({ label: `${word} (${group.replaceAll('_', ' ')})`, value: note })),
    '',
  )
  return notes.length > 0
}

/** The same, for a word that is a call too: kill is a call, a signal and a capability. */
export function showWordToo(display: Display, word: string): void {
  if (notesOf(word).length === 0) return
  display.line()
  display.text(`${word} is a word for other calls too:`, '', display.style.strong)
  showWord(display, word)
}

/** What an error is, in general and for each call that has a sentence about it. */
export function showErrno(display: Display, name: string, number: number, calls: readonly { call: string; note: string }[]): void {
  display.text(`${name} (${number}): ${errnoOf(number).text}`, '', display.style.strong)
  display.rows(
    calls.map(({ call, note }) => ({ label: call, value: note })),
    '',
  )
}

export function showPlan(display: Display, plan: readonly Made[]): void {
  if (plan.length === 0) return display.text('No call was made yet.')
  plan.forEach(({ result: { step } }, index) => {
    const { style } = display
    const number = String(index + 1).padStart(3)
    display.spans([{ text: step.actor, style: style[step.actor] }, { text: ` ${showStep(step)}` }], `${number}  `, '       ')
  })
}

/** What differs from the shim as it was when it was fresh. */
export function showState(
  display: Display,
  { before, host, container }: { before: ProcessState | undefined; host: ProcessState | undefined; container: ProcessState | undefined },
  kept: ReadonlyMap<string, bigint>,
): void {
  if (container && before) {
    const inside = container.pids.at(-1)
    display.text(`The container is process ${container.pid} of the machine, ${inside} to itself. It differs from the shim:`)
    changes(display, before, container, kept)
  }
  if (host && before) {
    display.text(`The host’s side is the shim, process ${host.pid} of the machine. Since it was fresh:`)
    changes(display, before, host, kept)
  }
  if (kept.size > 0) {
    display.text('Kept numbers:')
    display.rows(
      [...kept].map(([name, value]) => ({ label: `<${name}>`, value: String(value) })),
      '',
    )
  }
}

function changes(display: Display, before: ProcessState, after: ProcessState, kept: ReadonlyMap<string, bigint>): void {
  const lines = changesBetween(before, after).filter((line) => !isOurs(line, kept))
  if (lines.length === 0) display.text('nothing has changed', INDENT)
  for (const line of lines) display.spans([{ text: line, style: display.style.change }], INDENT, `${INDENT}    `)
}

/** The shim's own pipes and sockets are nobody's business, unless a number was kept for one. */
function isOurs(line: string, kept: ReadonlyMap<string, bigint>): boolean {
  const [, number] = /^(?:[+-] )?descriptor (\d+) .*(?:pipe|socket|anon_inode:\[pidfd\])$/.exec(line) ?? []
  return number !== undefined && ![...kept].some(([name, value]) => name !== 'child' && value === BigInt(number))
}
