/** What a learner's machine tells an instructor's, and nothing else: `npm run lesson -- --join URL`. */

/** The body of `POST /room/report`; the answer is 204, or 403 with `{ message }` when the room's word is wrong. */
export interface LearnerReport {
  readonly version: 1
  /** Chosen at random by the learner's machine once for each run of the tutor: so that two of one name are two. 16 to 64 hexadecimal digits. */
  readonly id: string
  /** What the learner wants to be called; 1 to 40 characters. */
  readonly name: string
  /** The word that the instructor's page shows. */
  readonly room: string
  readonly lesson: { readonly number: number; readonly title: string } | null
  /** Where the learner is: from 0. */
  readonly scene: { readonly index: number; readonly of: number; readonly heading: string } | null
  readonly exercises: readonly ExerciseReport[]
  /** The learner has left. */
  readonly left: boolean
}

export interface ExerciseReport {
  readonly id: string
  readonly title: string
  readonly state: 'open' | 'passed' | 'stuck'
  /** stuck: what the check saw that is not as asked, at most 200 characters. */
  readonly saw?: string
  readonly tries: number
}
