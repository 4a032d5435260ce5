/** A step explained: its card, the flags that it uses, what each error would mean here, and the command that does the same. */
import { readFileSync } from 'node:fs'
import { errnoOf } from '../kernel/constants.js'
import type { Result } from '../kernel/result.js'
import { showStep } from '../kernel/show.js'
import type { Step } from '../kernel/step.js'
import { cardOf, errorNote, errorNotes, flagNote, wordsOfStep } from './cards/index.js'
import type { Display } from './display.js'
import { type Facts, readFacts } from './facts.js'
import { userNamespaces } from './needs.js'

/** The card of a step on the screen. `earlier`: the steps before it, to which its descriptors can be traced. */
export function showExplanation(display: Display, step: Step, earlier: readonly Step[] = []): void {
  const { style } = display
  const card = cardOf(step.call)
  display.line()
  display.spans([{ text: showStep(step), style: style.call }], '', '    ')
  if (!card) return display.text('There is no card for this call.')
  display.text(card.signature, '', style.code)
  display.line()
  display.text(card.detail || card.summary)
  const flags = wordsOfStep(step).flatMap(({ group, word }) => {
    const note = flagNote(group, word)
    return note === undefined ? [] : [{ label: word, value: note }]
  })
  section(display, 'In use here', flags)
  const errors = Object.entries(errorNotes(step, earlier)).map(([label, value]) => ({ label, value }))
  section(display, 'What an error would mean here', errors)
  const command = card.shell?.(step, earlier)
  if (command !== undefined) section(display, 'The same from a shell', [{ label: '$', value: command }])
  display.line()
  display.text(`Manual: man ${card.man.replace(/^(.*)\((.*)\)$/, '$2 $1')}`, '', style.dim)
}

function section(display: Display, title: string, rows: readonly { label: string; value: string }[]): void {
  if (rows.length === 0) return
  display.line()
  display.text(`${title}:`, '', display.style.strong)
  display.rows(rows, '')
}

/** Why a step failed, as far as it is known: what the error means for this call, and what of this machine is behind it. */
export function explainFailure({ step, errno }: Result, facts: () => Facts = readFacts, earlier: readonly Step[] = []): string[] {
  if (errno === 0) return []
  const { name } = errnoOf(errno)
  const meaning = errorNote(step, name, earlier)
  return [...(meaning ? [`${name}: ${meaning}`] : []), ...reasonsOnThisMachine(step, name, facts)]
}

function reasonsOnThisMachine(step: Step, errno: string, facts: () => Facts): string[] {
  const kinds = wordsOfStep(step).flatMap(({ group, word }) => (group === 'clone' ? [word] : []))
  const makesNamespaces = step.call === 'clone3' || step.call === 'unshare'
  if (errno === 'ENOSYS')
    return [`Linux ${facts().kernel} of this machine does not have ${step.call}, or a filter around the tutor hides it.`]
  if (makesNamespaces && (errno === 'ENOSPC' || errno === 'EUSERS')) return limitsReached(kinds)
  if (makesNamespaces && kinds.includes('user') && (errno === 'EPERM' || errno === 'EACCES')) return refusedBySettings(errno, facts())
  const found = facts()
  if (found.apparmorRestrictsUserns && found.effectiveUid !== 0 && (errno === 'EPERM' || errno === 'EACCES')) {
    return [
      `AppArmor may be behind it: /proc/sys/kernel/apparmor_restrict_unprivileged_userns is ${found.apparmorRestrictsUserns} here, which takes ` +
        'the powers from user namespaces of ordinary users.',
    ]
  }
  return []
}

function refusedBySettings(errno: string, facts: Facts): string[] {
  const lack = userNamespaces(facts, errno)
  const known = lack && !lack.why.includes('no setting known')
  return known ? [`On this machine: ${lack.why}. What helps: ${lack.remedy}.`] : []
}

/** The limits on the number of namespaces, namespaces(7), of the kinds that were asked for. */
function limitsReached(kinds: readonly string[]): string[] {
  const limits = kinds.flatMap((kind) => {
    const path = `/proc/sys/user/max_${kind}_namespaces`
    try {
      return [`${path} is ${readFileSync(path, 'utf8').trim()}`]
    } catch {
      return []
    }
  })
  return limits.length > 0 ? [`The limits on this machine: ${limits.join(', ')}.`] : []
}
