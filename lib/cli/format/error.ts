/** What is wrong with a template, in the words of Go's text/template with docker's before them. */
import { DrydockError } from '../../kernel/errors.js'

export class TemplateError extends DrydockError {
  /** `at`: offset in the template, of which Go tells the line. */
  constructor(sentence: string, template: string, at: number) {
    super(`template parsing error: template: :${lineOf(template, at)}: ${sentence}`, { status: 400 })
  }
}

/** While it is filled in: Go tells the column too (in bytes, from 0), and the piece. */
export class ExecutionError extends DrydockError {
  constructor(sentence: string, template: string, at: number, piece: string) {
    const column = Buffer.byteLength(template.slice(template.lastIndexOf('\n', at - 1) + 1, at))
    super(`template parsing error: template: :${lineOf(template, at)}:${column}: executing "" at <${piece}>: ${sentence}`, { status: 400 })
  }
}

const lineOf = (template: string, at: number): number => template.slice(0, at).split('\n').length
