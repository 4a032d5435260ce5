/** What the exercises of this lesson ask an engine with: HTTP on a unix socket, by Node's own module, and nothing of drydock's. */
import { request } from 'node:http'

export interface Reply {
  /** 201 is “created”, 204 “done, and there is nothing to say”, 404 “there is no such thing”. */
  readonly status: number
  /** The document, when the body is JSON; else the text. */
  readonly body: unknown
}

/** One question and its answer. `document` goes along as JSON. */
export function ask(socket: string, method: string, path: string, document?: object): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = document === undefined ? {} : { 'Content-Type': 'application/json' }
    const asked = request({ socketPath: socket, agent: false, method, path, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: documentIn(text) }))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(document === undefined ? undefined : JSON.stringify(document))
  })
}

function documentIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
