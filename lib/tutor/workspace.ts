/** The learner's files: `workspace/NN-name.ts`, a copy of the lesson's exercise.ts at first use, his own from then on. */
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DrydockError } from '../kernel/errors.js'
import { writeNew } from '../kernel/new-file.js'
import { giveToInvoker } from '../kernel/places.js'
import type { Lesson } from './lesson.js'

export type ExerciseSource = Pick<Lesson, 'directory'>

/** $DRYDOCK_WORKSPACE, or `workspace/` beside `lib/`. */
export function workspaceDirectory(): string {
  return resolve(process.env.DRYDOCK_WORKSPACE || fileURLToPath(new URL('../../workspace/', import.meta.url)))
}

/** Where the learner's file of a lesson is, or will be. */
export function workspaceFile(lesson: ExerciseSource): string {
  return join(workspaceDirectory(), `${basename(fileURLToPath(lesson.directory))}.ts`)
}

/** The path from here, when that is shorter: what one types into an editor. */
export function shownPath(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere.startsWith('..') ? path : fromHere
}

/** Makes the learner's file when there is none. */
export function ensureExercise(lesson: ExerciseSource): { path: string; made: boolean } {
  const path = workspaceFile(lesson)
  if (existsSync(path)) return { path, made: false }
  try {
    const directory = dirname(path)
    if (mkdirSync(directory, { recursive: true })) giveToInvoker(directory)
    writeNew(path, pristine(lesson, path))
    giveToInvoker(path)
  } catch (cause) {
    throw new DrydockError(
      `${path}, where you would do the exercises, cannot be made: ${(cause as Error).message}; DRYDOCK_WORKSPACE may name another directory`,
      { cause },
    )
  }
  return { path, made: true }
}

/** A fresh copy; the old file stays as `.bak`. Undefined when there was none. */
export function restoreExercise(lesson: ExerciseSource): { path: string; kept: string | undefined } {
  const path = workspaceFile(lesson)
  let kept: string | undefined
  if (existsSync(path)) {
    kept = `${path}.bak`
    for (let number = 2; existsSync(kept); number++) kept = `${path}.bak${number}`
    renameSync(path, kept)
  }
  ensureExercise(lesson)
  return { path, kept }
}

/** exercise.ts as it must be to work from the workspace: what it imports by a relative path is elsewhere from there. */
function pristine(lesson: ExerciseSource, path: string): string {
  const from = fileURLToPath(new URL('exercise.ts', lesson.directory))
  return relocated(readFileSync(from, 'utf8'), dirname(from), dirname(path))
}

/** A module's text with its relative imports rewritten for another directory. */
export function relocated(source: string, from: string, to: string): string {
  return source.replace(/\b(from\s*|import\s*\(?\s*)(['"])(\.\.?\/[^'"]*)\2/g, (_, keyword: string, quote: string, specifier: string) => {
    const there = relative(to, resolve(from, specifier))
    return `${keyword}${quote}${there.startsWith('.') ? there : `./${there}`}${quote}`
  })
}

/** The text of an exported function with the comment above it, out of a module's source. */
export function functionSource(source: string, name: string): string | undefined {
  const lines = source.split('\n')
  const start = lines.findIndex((line) =>
    new RegExp(`^export (?:default )?(?:async )?(?:function\\*? ${name}\\b|const ${name}\\b)`).test(line),
  )
  if (start < 0) return undefined
  const opens = (line: string) => /[{([]\s*$/.test(line)
  let end = start
  // The formatter puts the end of a top-level declaration at the left margin; `}: Type) {` there opens its body.
  if (opens(lines[start] ?? '')) {
    for (end = start + 1; end < lines.length; end++) if (/^[})\]]/.test(lines[end] ?? '') && !opens(lines[end] ?? '')) break
  }
  let first = start
  while (first > 0 && /^\s*(\/\/|\/\*|\*)/.test(lines[first - 1] ?? '')) first--
  return lines.slice(first, end + 1).join('\n')
}

/** The solution of an exercise, as one reads it. */
export function solutionOf(lesson: ExerciseSource, id: string): string {
  const path = solutionFile(lesson)
  const found = functionSource(readFileSync(path, 'utf8'), id)
  if (found === undefined) throw new DrydockError(`${path} has no function '${id}'`)
  return found
}

export const solutionFile = (lesson: ExerciseSource): string => fileURLToPath(new URL('solution.ts', lesson.directory))
export const exerciseFile = (lesson: ExerciseSource): string => fileURLToPath(new URL('exercise.ts', lesson.directory))
