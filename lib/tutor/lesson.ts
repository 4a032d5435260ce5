/**
 * What a lesson is. A lesson's words are its README.md: each `## heading` there opens the scene with the same heading here, and
 * the scene's `play` does what the words speak of, on a stage that either asks a person (lib/tutor/interactive) or nobody (auto).
 */
import type { Bottle } from '../bottle.js'
import type { Exit } from '../kernel/frames.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Step } from '../kernel/step.js'
import type { Ground, OpenGround } from './ground.js'
import type { Need } from './needs.js'

export interface Lesson {
  /** 1 … 9: what is typed after `npm run lesson`. */
  readonly number: number
  /** The folder's name without its number: `namespaces`. */
  readonly name: string
  readonly title: string
  /** The folder, `import.meta.dirname`-like, where README.md, exercise.ts and solution.ts are. */
  readonly directory: URL
  /** What this lesson cannot do without; the rest it explains and works around. */
  readonly needs: readonly Need[]
  /** Opened anew for each scene; one bottle when it is not said. */
  readonly ground?: OpenGround
  readonly scenes: readonly Scene[]
  readonly exercises: readonly Exercise[]
}

export interface Scene {
  /** The text of a `## heading` in README.md, exactly. */
  readonly heading: string
  /** What this scene needs besides; without it the words are shown and the play is left out, out loud. */
  readonly needs?: readonly Need[]
  /** Names of the exercises that its play has. */
  readonly exercises?: readonly string[]
  /** What is done after the words were read. Scenes stand alone: each makes what it needs and leaves nothing. */
  play?(stage: Stage): Promise<void>
}

/** What a scene acts on. The same calls drive a person through it or play it through. */
export interface Stage {
  /** A private host, made for this scene and gone with it. */
  readonly bottle: Bottle
  /** All that was made for it, where the lesson has more than one host. */
  readonly ground: Ground
  /** True when nobody is asked. */
  readonly auto: boolean
  /** A few sentences of Markdown between two acts; the bulk of the words belongs in README.md. */
  say(markdown: string): Promise<void>
  /** Ask before the step that settles it, then measure, then compare. Nobody is graded; what was measured is shown. */
  predict(question: Prediction): Promise<void>
  /**
   * A fresh shim in the bottle, ended with the scene. `name` stands in the display when there are several. `on`: another bottle of the
   * ground's. `ownMonitor`: the steps lay the program's streams, and the scene tells the shim of them (`box.shim.monitor`); otherwise they are
   * pipes to the stage.
   */
  box(name?: string, options?: { readonly on?: Bottle; readonly ownMonitor?: boolean }): Promise<Box>
  /** Show what was read from the kernel just now: rows of label and value, or lines of a file. */
  look(title: string, read: () => Promise<Look> | Look): Promise<void>
  /** Let the learner practise at a real shell inside; skipped in auto. `suggest`: commands worth typing, each with why. */
  shell(box: Box, suggest: readonly Suggestion[]): Promise<void>
  /** One of the lesson's exercises; returns when it is passed or the learner goes on without. */
  exercise(id: string): Promise<void>
}

export interface Prediction {
  readonly question: string
  readonly choices: readonly string[]
  /** Does whatever settles the question and returns the choice that turned out true, exactly as it stands in `choices`. */
  measure(): Promise<string>
  /** Why it is so, in a sentence or two; may use what was measured. */
  readonly because: string
}

export type Look = readonly LookRow[]
export interface LookRow {
  readonly label: string
  readonly value: string
  /** Marked as the row to notice. */
  readonly notice?: boolean
}

export interface Suggestion {
  readonly command: string
  readonly why: string
}

/** A shim on the stage. Steps given to `step` are shown, can be explained, wait for the learner, and show what they changed. */
export interface Box {
  readonly name: string
  readonly shim: Shim
  /** Process id of the child in the bottle's eyes (the shim's), and on the real host, once cloned. */
  readonly childPid: number | undefined
  hostPid(): number
  /** One after the other, each with its pause. A failure that the step does not allow is shown, explained and thrown. */
  step(...steps: Step[]): Promise<Result[]>
  /** The same, as one line and one pause for all of them: for what an earlier lesson has taught. */
  together(title: string, steps: readonly Step[]): Promise<Result[]>
  /** A step that is expected to fail with one of these errors: shown, explained, not thrown; the scene goes on. */
  fails(step: Step, ...errnos: string[]): Promise<Result>
  /** Everything that an exec'ed program has written to its stdout and stderr so far (the box's stdio are pipes to the stage). */
  output(): string
  /** Show what that program has printed since it was last shown. Without, it is shown with the box's next act. */
  hear(): void
  /** Wait for the child's end. */
  exited(): Promise<Exit>
}

/** An exercise: goal and check stand together, so that they cannot part. */
export interface Exercise {
  /** Name of the function that exercise.ts and solution.ts export. */
  readonly id: string
  readonly title: string
  /** What the function must bring about, in Markdown; the check below tests exactly this. */
  readonly goal: string
  readonly needs?: readonly Need[]
  /** Where it is tried; one bottle when it is not said. */
  readonly ground?: OpenGround
  /** New random names and limits at every try; passed to the learner's function as its only argument. */
  challenge(random: Random): Record<string, string | number | boolean | readonly string[]>
  /**
   * What must be there before the learner's function is called, such as a server that it asks: made in the bottle in which its steps will be run.
   * What it tells is added to the challenge.
   */
  setting?(bottle: Bottle, challenge: Trial['challenge'], ground: Ground): Promise<Setting>
  /** Looks at the kernel. Calls `trial.expect` for every thing that matters, the most telling first. */
  check(trial: Trial): Promise<void>
  /** From a nudge to nearly all: what is wrong, never how to get past the check. Shown one at a time on request. */
  readonly hints: readonly string[]
}

export interface Setting {
  readonly given: Trial['challenge']
  /** What is outside of the bottle is taken away. */
  close(): Promise<void>
}

export interface Random {
  /** A pronounceable name with a random tail that no file of the learner can know: `whale-4f2a`. */
  name(): string
  /** A whole number, both ends included. */
  integer(low: number, high: number): number
  pick<T>(values: readonly T[]): T
}

/** One try at an exercise: the learner's function was called, its steps are run in a bottle of their own. */
export interface Trial {
  readonly bottle: Bottle
  readonly ground: Ground
  /** What the learner's function was given. Typed by the exercise: `trial.challenge.name as string`. */
  readonly challenge: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** The steps that the learner's function returned. */
  readonly steps: readonly Step[]
  /**
   * Run the learner's steps in a fresh shim; a failing step ends the try with its explanation. The stdout of what they exec is collected.
   * Resolves after the last step (an exec'ed program may still run). `before`: steps that come first and are not the learner's; a `clone` among
   * them makes the child whose calls the learner writes.
   */
  run(before?: readonly Step[]): Promise<TrialBox>
  /** The verdict is the conjunction of these. `saw` tells what the kernel showed when it is not as asked; `hint`: number of the hint that fits, from 1. */
  expect(holds: boolean, saw: string, hint?: number): void
}

export interface TrialBox {
  readonly shim: Shim
  readonly results: readonly Result[]
  /** The child's pid on the real host, or undefined when the steps clone nothing. */
  readonly hostPid: number | undefined
  /** Resolves with the exit, or undefined when the child still runs after so many milliseconds, or there is none. */
  exitWithin(milliseconds: number): Promise<Exit | undefined>
  /** Resolves with the exit, or undefined as soon as the child sleeps and stays asleep (or has been busy for five seconds): it is there to be looked at. */
  settle(): Promise<Exit | undefined>
  output(): string
}

/** What a lesson.ts exports as its default; checks nothing that the type does not. */
export function lesson(definition: Lesson): Lesson {
  return definition
}
