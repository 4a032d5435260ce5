/** HTTP by hand, as far as this lesson has it: a question as text, an answer as text. */

export interface Answer {
  readonly status: number | undefined
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** A whole answer, up to the end of its connection. What is no HTTP has no status. */
export function parseAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, Math.max(0, end)).split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(first)?.[1]
  if (end < 0 || status === undefined) return { status: undefined, headers: {}, body: undefined }
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(status), headers, body: bodyOf(text.slice(end + 4), headers) }
}

function bodyOf(rest: string, headers: Readonly<Record<string, string>>): string {
  if (headers['transfer-encoding'] === 'chunked') return unchunked(rest)
  const length = headers['content-length']
  return length === undefined ? rest : Buffer.from(rest).subarray(0, Number(length)).toString()
}

/** RFC 9112, 7.1: a size in hexadecimal digits on a line, so many bytes, an end of line; the last size is 0. */
function unchunked(text: string): string {
  const bytes = Buffer.from(text)
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (line < 0 || !(size > 0)) return Buffer.concat(parts).toString()
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}
