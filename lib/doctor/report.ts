/** Doctor's words on the screen. */
import type { Display, StyleName } from '../tutor/display.js'
import { displayWidth, padded } from '../tutor/wrap.js'
import type { Chapter, Finding, Word } from './finding.js'
import type { Leftover, Removal } from './leftovers.js'

const STYLES: Readonly<Record<Word, StyleName>> = { ok: 'ok', restricted: 'notice', missing: 'bad' }
const WORD_WIDTH = 'restricted'.length
const NAME_WIDTH = 15

export function showChapter(display: Display, { title, findings }: Chapter): void {
  display.text(title, '', display.style.title)
  for (const finding of findings) showFinding(display, finding)
  display.line()
}

/** The word first, which says what a colour says; the remedy on a line of its own. */
function showFinding(display: Display, { name, word, says, remedy }: Finding): void {
  const indent = ' '.repeat(WORD_WIDTH + 4)
  const style = display.style[STYLES[word]]
  const label = displayWidth(name) > NAME_WIDTH ? `${name}: ` : `${padded(`${name}:`, NAME_WIDTH + 1)} `
  display.spans([{ text: `${label}${says}` }], `  ${style(padded(word, WORD_WIDTH))}  `, indent)
  if (remedy !== undefined) display.text(`What helps: ${remedy}`, indent)
}

export function showLeftovers(display: Display, leftovers: readonly Leftover[]): void {
  display.text('Leftovers', '', display.style.title)
  if (leftovers.length === 0) display.text('none', '  ')
  for (const { kind, names, says, kept } of together(leftovers)) {
    display.item(`${kind} ${names}: ${says}${kept === undefined ? '' : `; left alone: ${kept}`}`)
  }
  display.line()
}

/** One cgroup has a directory in each of up to a dozen trees: that is one line. */
function together(leftovers: readonly Leftover[]): { kind: string; names: string; says: string; kept: string | undefined }[] {
  const groups = new Map<string, { one: Leftover; trees: string[]; below: string }>()
  for (const one of leftovers) {
    const [, tree = '', below = one.name] = (one.kind === 'cgroup' && /^(.*)\/(drydock\/.*)$/.exec(one.name)) || []
    const key = [one.kind, below, one.says, one.kept ?? ''].join('\0')
    const group = groups.get(key)
    if (group) group.trees.push(tree)
    else groups.set(key, { one, trees: [tree], below })
  }
  return [...groups.values()].map(({ one, trees, below }) => ({
    kind: one.kind,
    names: trees.length > 1 ? `${below} in ${trees.sort().join(', ')}` : one.name,
    says: one.says,
    kept: one.kept,
  }))
}

export function showRemovals(display: Display, removals: readonly Removal[]): void {
  for (const { leftover, failure } of removals) {
    const what = `${leftover.kind} ${leftover.name}`
    if (failure === undefined) display.good(`removed ${what}`)
    else display.bad(`${what} is still there: ${failure}`)
  }
}
