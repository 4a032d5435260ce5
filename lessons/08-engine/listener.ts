/** Reads along on one connection between a client and an engine: requests and statuses as long as it is HTTP, then bytes. */

export interface Exchange {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Undefined until there is an answer. */
  status: number | undefined
  /** What the client sent with it. */
  body: string
}

/** What is being read of one side: a head, a body of so many bytes, chunks, or anything up to the end. */
type Reading = 'head' | { readonly left: number } | 'chunks' | 'raw'

export class Listener {
  readonly exchanges: Exchange[] = []
  readonly #asked: (exchange: Exchange) => void
  /** Bytes that were no HTTP any more, of each side. */
  readonly raw = { client: [] as Buffer[], engine: [] as Buffer[] }
  readonly #client = new Side()
  readonly #engine = new Side()

  /** `asked`: is told of each request when it is made. */
  constructor(asked: (exchange: Exchange) => void = () => undefined) {
    this.#asked = asked
  }

  client(bytes: Buffer): void {
    this.#client.take(bytes, {
      head: (first, headers) => {
        const [method = '', path = ''] = first.split(' ')
        const exchange: Exchange = { method, path, status: undefined, body: '' }
        this.exchanges.push(exchange)
        this.#asked(exchange)
        return bodyOf(headers, { left: 0 })
      },
      body: (piece) => {
        const last = this.exchanges.at(-1)
        if (last) last.body += piece.toString()
      },
      raw: (piece) => this.raw.client.push(piece),
    })
  }

  engine(bytes: Buffer): void {
    this.#engine.take(bytes, {
      head: (first, headers) => {
        const status = Number(first.split(' ')[1])
        const exchange = this.exchanges.find((one) => one.status === undefined)
        if (exchange) exchange.status = status
        if (status === 101) {
          // Both sides have left HTTP with this line.
          this.#client.leave((piece) => this.raw.client.push(piece))
          return 'raw'
        }
        const bodiless = exchange?.method === 'HEAD' || status === 204 || status === 304 || status < 200
        return bodiless ? { left: 0 } : bodyOf(headers, 'raw')
      },
      body: () => undefined,
      raw: (piece) => this.raw.engine.push(piece),
    })
  }
}

/** RFC 9112, 6.3. */
function bodyOf(headers: ReadonlyMap<string, string>, otherwise: Reading): Reading {
  if (headers.get('transfer-encoding') === 'chunked') return 'chunks'
  const length = headers.get('content-length')
  return length === undefined ? otherwise : { left: Number(length) }
}

interface Handler {
  /** A head has been read; what follows it is returned. */
  head(first: string, headers: ReadonlyMap<string, string>): Reading
  body(piece: Buffer): void
  raw(piece: Buffer): void
}

class Side {
  #reading: Reading = 'head'
  #bytes: Buffer = Buffer.alloc(0)

  leave(raw: (piece: Buffer) => void): void {
    this.#reading = 'raw'
    if (this.#bytes.length > 0) raw(this.#bytes)
    this.#bytes = Buffer.alloc(0)
  }

  take(bytes: Buffer, handler: Handler): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    while (this.#bytes.length > 0 && this.#step(handler));
  }

  /** False when more bytes are needed. */
  #step(handler: Handler): boolean {
    if (this.#reading === 'raw') {
      handler.raw(this.#cut(this.#bytes.length))
    } else if (this.#reading === 'head') {
      const end = this.#bytes.indexOf('\r\n\r\n')
      if (end < 0) return false
      const [first = '', ...lines] = this.#cut(end + 4)
        .toString('latin1', 0, end)
        .split('\r\n')
      this.#reading = settled(handler.head(first, headersIn(lines)))
    } else if (this.#reading === 'chunks') {
      const line = this.#bytes.indexOf('\r\n')
      const size = line < 0 ? Number.NaN : Number.parseInt(this.#bytes.toString('latin1', 0, line), 16)
      if (line < 0 || this.#bytes.length < line + 4 + size) return false
      handler.body(this.#cut(line + 4 + size).subarray(line + 2, line + 2 + size))
      if (size === 0) this.#reading = 'head'
    } else {
      const piece = this.#cut(Math.min(this.#reading.left, this.#bytes.length))
      handler.body(piece)
      this.#reading = settled({ left: this.#reading.left - piece.length })
    }
    return true
  }

  #cut(length: number): Buffer {
    const piece = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return piece
  }
}

const settled = (reading: Reading): Reading => (typeof reading === 'object' && reading.left === 0 ? 'head' : reading)

const headersIn = (lines: readonly string[]): Map<string, string> =>
  new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
