/**
 * The tutor's cards: what every system call that a step can make does, what its words mean, what each error would mean here.
 *
 *     cardOf('mount')                      signature, summary, detail, man page, errors, shell command
 *     flagNote('mount', 'nosuid')          one sentence
 *     errorNote(step, 'EPERM', earlier)    what it means for this very step
 *     missingCards(steps)                  what a lesson uses that nobody has explained; empty is right
 */
import type { Arg, ArgValue, Step } from '../../kernel/step.js'
import { ATTRIBUTE_CARDS } from './attributes.js'
import type { Card } from './card.js'
import { CREDENTIAL_CARDS } from './credentials.js'
import { DESCRIPTOR_CARDS } from './descriptors.js'
import { FILE_CARDS } from './files.js'
import { FLAG_NOTES } from './flags/index.js'
import { fileNote } from './kernel-files.js'
import { MOUNT_API_CARDS } from './mountapi.js'
import { MOUNT_CARDS } from './mounts.js'
import { PROCESS_CARDS } from './process.js'
import { READING_CARDS } from './reading.js'
import { SESSION_CARDS } from './session.js'
import { pathOfDescriptor } from './shell.js'
import { SOCKET_CARDS } from './sockets.js'

export type { Card } from './card.js'
export { type FileNote, fileNote } from './kernel-files.js'

const CARDS: ReadonlyMap<string, Card> = new Map(
  [
    ...PROCESS_CARDS,
    ...SESSION_CARDS,
    ...CREDENTIAL_CARDS,
    ...MOUNT_CARDS,
    ...MOUNT_API_CARDS,
    ...FILE_CARDS,
    ...ATTRIBUTE_CARDS,
    ...DESCRIPTOR_CARDS,
    ...READING_CARDS,
    ...SOCKET_CARDS,
  ].map((card) => [card.call, card]),
)

/** The card of a call by the name that steps have it under. */
export function cardOf(call: string): Card | undefined {
  return CARDS.get(call)
}

export function allCards(): readonly Card[] {
  return [...CARDS.values()]
}

/** One sentence about a word; undefined when the group or the word is not known. */
export function flagNote(group: string, word: string): string | undefined {
  return (FLAG_NOTES as Readonly<Record<string, Readonly<Record<string, string>>>>)[group]?.[word]
}

/** All notes of words that are written so, with their groups: `nosuid` is one of mount and one of mount_attr. */
export function notesOf(word: string): { group: string; note: string }[] {
  return Object.keys(FLAG_NOTES).flatMap((group) => {
    const note = flagNote(group, word)
    return note === undefined ? [] : [{ group, note }]
  })
}

/** All words that have a note. */
export function notedWords(): string[] {
  return [...new Set(Object.values(FLAG_NOTES).flatMap((notes) => Object.keys(notes)))]
}

/**
 * What every error would mean for this very step: the card's sentences, those of its operation (prctl, ioctl), and for a read or
 * write of one of the kernel's own files, found by the `earlier` step that opened it, that file's.
 */
export function errorNotes(step: Step, earlier: readonly Step[] = []): Readonly<Record<string, string>> {
  const card = cardOf(step.call)
  const operation = step.args.find(({ kind }) => kind === 'word')
  const special = operation?.kind === 'word' ? card?.operations?.[operation.word] : undefined
  const path = step.call === 'write' ? pathOfDescriptor(step, earlier) : undefined
  const file = path === undefined ? undefined : fileNote(path)
  return { ...card?.errors, ...special, ...file?.errors }
}

/** What this error means for this step, or undefined when nobody has said. */
export function errorNote(step: Step, errno: string, earlier: readonly Step[] = []): string | undefined {
  return errorNotes(step, earlier)[errno]
}

/** Every word of every group that the step's arguments hold, those in structures included, in the order in which they stand. */
export function wordsOfStep(step: Pick<Step, 'args'>): { group: string; word: string }[] {
  const visit = (value: Arg | ArgValue): { group: string; word: string }[] => {
    if (value.kind === 'flags') return value.words.map((word) => ({ group: value.group, word }))
    if (value.kind === 'word') return [{ group: value.group, word: value.word }]
    return value.kind === 'struct' ? value.fields.flatMap((member) => visit(member.value)) : []
  }
  return step.args.flatMap(visit)
}

/** Calls without a card and words without a note, undo steps included: `call getpgid`, `word mount/nosuid`. Each once. */
export function missingCards(steps: readonly Step[]): string[] {
  const missing = (step: Step): string[] => [
    ...(cardOf(step.call) ? [] : [`call ${step.call}`]),
    ...wordsOfStep(step).flatMap(({ group, word }) => (flagNote(group, word) === undefined ? [`word ${group}/${word}`] : [])),
    ...(step.undo ?? []).flatMap(missing),
  ]
  return [...new Set(steps.flatMap(missing))]
}
