/** Questions with a few answers, by inquirer; in plain mode by numbers and letters that one types, so that nothing is redrawn. */
import { createInterface } from 'node:readline/promises'
import type { Display } from './display.js'
import { Quit } from './guide.js'

export interface Choice<T> {
  readonly name: string
  readonly value: T
}

/** Yes or no; Enter is yes. */
export async function confirm(display: Display, question: string): Promise<boolean> {
  if (display.plain) return !/^n/i.test(await line(display, `${question} (yes or no, Enter is yes)`))
  const { answer } = await prompt<{ answer: boolean }>({ type: 'confirm', name: 'answer', message: question, default: true })
  return answer
}

/** Words that are typed; Enter alone is `usual`. */
export async function ask(display: Display, question: string, usual = ''): Promise<string> {
  if (display.plain) return (await line(display, usual === '' ? question : `${question} (Enter is ${usual})`)) || usual
  const { answer } = await prompt<{ answer: string }>({
    type: 'input',
    name: 'answer',
    message: question,
    ...(usual !== '' && { default: usual }),
  })
  return answer
}

export async function choose<T>(display: Display, question: string, choices: readonly Choice<T>[], initial?: T): Promise<T> {
  if (display.plain) return chooseByNumber(display, question, choices)
  const { answer } = await prompt<{ answer: number }>({
    type: 'select',
    name: 'answer',
    message: question,
    default:
      initial === undefined
        ? 0
        : Math.max(
            0,
            choices.findIndex(({ value }) => value === initial),
          ),
    pageSize: Math.max(5, Math.min(choices.length, 15)),
    choices: choices.map(({ name }, value) => ({ name, value })),
  })
  return (choices[answer] as Choice<T>).value
}

async function chooseByNumber<T>(display: Display, question: string, choices: readonly Choice<T>[]): Promise<T> {
  for (const [index, { name }] of choices.entries()) display.text(`${index + 1}: ${name}`)
  for (;;) {
    const chosen = choices[Number(await line(display, `${question} Type a number from 1 to ${choices.length}, then Enter.`)) - 1]
    if (chosen) return chosen.value
  }
}

/** A line that is typed. Ctrl-C and Ctrl-D leave the lesson. */
async function line(display: Display, question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stdout })
  const left = new Promise<never>((_, reject) => {
    reader.once('SIGINT', () => reject(new Quit(130)))
    reader.once('close', () => reject(new Quit()))
  })
  left.catch(() => undefined)
  try {
    display.text(question)
    return (await Promise.race([reader.question('> '), left])).trim()
  } finally {
    reader.close()
  }
}

/** inquirer is loaded with the first question: the first screen need not wait for it. */
async function prompt<T extends object>(question: object): Promise<T> {
  const { default: inquirer } = await import('inquirer')
  try {
    return (await inquirer.prompt([question as never])) as T
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') throw new Quit(130)
    throw error
  }
}
