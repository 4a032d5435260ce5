/** One report to an instructor's machine. */
import { printable, shortened } from '../../kernel/printable.js'
import type { LearnerReport } from '../../trace/report.js'

/** heard: it is there. refused: the room's word is not right. otherwise it has not arrived, or not been taken, and why. */
export type Reception = { readonly outcome: 'heard' } | { readonly outcome: 'refused' | 'missed'; readonly why: string }

/** Milliseconds that it may take. */
const PATIENCE = 3000

/** Characters of an answer that are looked at. */
const LONGEST = 300

/** Never throws. */
export async function postReport(origin: string, report: LearnerReport, patience = PATIENCE): Promise<Reception> {
  try {
    const answer = await fetch(`${origin}/room/report`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(report),
      // Where one was invited to and nowhere else.
      redirect: 'manual',
      signal: AbortSignal.timeout(patience),
    })
    const said = await messageOf(answer)
    if (answer.status === 204) return { outcome: 'heard' }
    if (answer.status === 403) return { outcome: 'refused', why: said || 'the room’s word is wrong' }
    return { outcome: 'missed', why: `it answers with status ${answer.status}${said && `: ${said}`}` }
  } catch (error) {
    return { outcome: 'missed', why: reasonOf(error, patience) }
  }
}

/** `{ "message": … }`, of whoever answers there; its connection is free for the next report then. */
async function messageOf(answer: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > LONGEST * 4) break
  }
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? shortened(printable(message), LONGEST) : ''
  } catch {
    return ''
  }
}

function reasonOf(error: unknown, patience: number): string {
  if ((error as Error).name === 'TimeoutError') return `no answer within ${patience / 1000} s`
  // fetch says that it failed; what failed is in the cause.
  const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  return code ?? message
}
