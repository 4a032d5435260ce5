/**
 * One class of errors for people: a sentence (what, where, why, what to do), a cause, and where the Engine needs it a status.
 * The tutor, the command line and the API print `message` alone; a stack is for bugs, which are plain Errors.
 */
export class DrydockError extends Error {
  /** Status that the Engine API answers with, where the error can reach it. */
  readonly status: number | undefined

  constructor(message: string, options: { cause?: unknown; status?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.status = options.status
  }
}

/** The message of anything thrown, for a person: a sentence for our errors, name and message for the rest. */
export function sentenceOf(error: unknown): string {
  if (error instanceof DrydockError) return error.message
  if (error instanceof Error) return error.message || error.name
  return String(error)
}
