/** The workshop's server on fastify: what holds for every request, and the routes of protocol.ts. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import type { Picture } from '../picture/types.js'
import { checkHost, checkSite, checkToken, cookieFor, type Door, HEADERS, isToken } from './access.js'
import { exportedDocument, exportName, servedDocument } from './document.js'
import { Live } from './live.js'
import type { PageFiles } from './page-files.js'
import type { SessionSummary } from './protocol.js'
import { LONGEST_REPORT, readReport } from './report.js'
import type { Room } from './room.js'
import { EventStream } from './stream.js'
import type { Traces } from './traces.js'

/** Pages, and sessions that they follow, at once. */
const MOST_STREAMS = 32

export interface WorkshopParts {
  readonly page: PageFiles
  readonly picture: () => Promise<Picture>
  /** Milliseconds of a processor that pictures have cost in other processes until now. */
  readonly elsewhere: () => number
  /** Nobody looks at pictures any more. */
  readonly rest: () => Promise<void>
  readonly traces: Traces
  readonly room: Room
  /** It listens for others than this machine; and where learners report, when it has an address that they reach. */
  readonly open: boolean
  readonly joinUrl?: string
  readonly door: Door
  /** Hears what went wrong, a sentence or a bug's stack each. */
  readonly log: (words: string) => void
}

export interface WorkshopServer {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void
  /** Shows all pages out. */
  close(): Promise<void>
}

export async function createServer(parts: WorkshopParts): Promise<WorkshopServer> {
  const { door, room, traces, open: isOpen, joinUrl, log } = parts
  const live = new Live(
    {
      picture: parts.picture,
      elsewhere: parts.elsewhere,
      rest: parts.rest,
      sessions: () => traces.list(),
      room: () => ({ open: isOpen, ...(joinUrl !== undefined && { join: { url: joinUrl, word: room.word } }), learners: room.learners }),
    },
    log,
  )
  const app = fastify({
    bodyLimit: LONGEST_REPORT,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 100 },
    frameworkErrors: (error, request, reply) => void refuse(request, reply.headers(HEADERS), error, log),
  })
  // Forms and plain texts any page may send without asking; JSON only with leave that nobody gets here (Fetch, 2.2.2).
  app.removeContentTypeParser('text/plain')
  app.addHook('onRequest', async ({ raw, routeOptions }, reply) => {
    for (const [name, value] of Object.entries(HEADERS)) reply.raw.setHeader(name, value)
    checkHost(raw, door)
    checkSite(raw)
    if (!(routeOptions.config as { open?: boolean }).open) checkToken(raw, door)
  })
  app.setErrorHandler((error, request, reply) => refuse(request, reply, error as Error, log))
  app.setNotFoundHandler(async () => {
    throw new DrydockError('there is no such page', { status: 404 })
  })
  pageRoutes(app, parts)
  const streams = new Set<EventStream>()
  const open = (reply: FastifyReply): EventStream => {
    if (streams.size >= MOST_STREAMS) throw new DrydockError(`${MOST_STREAMS} pages look on already: close one`, { status: 503 })
    reply.hijack()
    const stream = new EventStream(reply.raw)
    streams.add(stream)
    stream.gone.addEventListener('abort', () => streams.delete(stream))
    return stream
  }
  app.get('/live', (_request, reply) => live.join(open(reply)))
  sessionRoutes(app, parts, open)
  app.post('/room/report', { config: OPEN }, async (request, reply) => {
    room.hear(readReport(request.body), request.raw.socket.remoteAddress ?? '')
    live.roomChanged()
    return reply.status(204).send()
  })
  await app.ready()
  return {
    answer: (request, response) => app.routing(request, response),
    close: async () => {
      for (const stream of streams) stream.close()
      await live.close()
      await app.close()
    },
  }
}

/** Routes that look after themselves: the page's own takes the token, and reports bear the room's word. */
const OPEN = { open: true }

function pageRoutes(app: FastifyInstance, { page, door }: WorkshopParts): void {
  const html = servedDocument()
  app.get<{ Querystring: { token?: unknown } }>('/', { config: OPEN }, async ({ raw, query }, reply) => {
    const { token } = query
    if (door.token !== undefined && token !== undefined) {
      if (typeof token !== 'string' || !isToken(token, door.token)) {
        throw new DrydockError('that is not the token of this workshop: each start has one of its own', { status: 401 })
      }
      // From here on the cookie has it: not the address line, which others see, and not the history.
      return reply.header('Set-Cookie', cookieFor(raw, token)).redirect('/', 303)
    }
    checkToken(raw, door)
    return reply.type('text/html; charset=utf-8').send(html)
  })
  app.get('/page.js', async (_request, reply) => reply.type('text/javascript; charset=utf-8').send(page.script))
  app.get('/page.css', async (_request, reply) => reply.type('text/css; charset=utf-8').send(page.style))
}

function sessionRoutes(app: FastifyInstance, { page, traces, log }: WorkshopParts, open: (reply: FastifyReply) => EventStream): void {
  app.get<{ Params: { id: string } }>('/sessions/:id/events', async ({ params, headers }, reply) => {
    const { id } = summaryOf(traces, params.id)
    const last = Number(headers['last-event-id'] ?? -1)
    const stream = open(reply)
    try {
      const events = traces.follow(id, Number.isSafeInteger(last) ? last + 1 : 0, stream.gone)
      for await (const event of events ?? []) {
        stream.sendNumbered(event.seq, JSON.stringify(event))
        await stream.drained()
      }
      // What has ended stays as it is: were the stream to end, the page would come again and again to see.
    } catch (error) {
      if (!stream.gone.aborted) log(sentenceOf(error))
      stream.close()
    }
  })
  app.get<{ Params: { id: string } }>('/sessions/:id/export', async ({ params }, reply) => {
    const summary = summaryOf(traces, params.id)
    const events = traces.read(summary.id)
    if (!events) throw NO_SESSION()
    return reply
      .type('text/html; charset=utf-8')
      .header('Content-Disposition', `attachment; filename="${exportName({ summary })}"`)
      .send(exportedDocument(page, { version: 1, summary, events }))
  })
}

function summaryOf(traces: Traces, id: string): SessionSummary {
  const found = traces.list().find((one) => one.id === id)
  if (!found) throw NO_SESSION()
  return found
}

const NO_SESSION = () => new DrydockError('there is no session of that name here', { status: 404 })

/** A sentence for a person who reads it in a browser, and for the program that reports. */
function refuse({ raw }: FastifyRequest, reply: FastifyReply, error: Error, log: (words: string) => void): FastifyReply {
  const { statusCode } = error as { statusCode?: number }
  const own = error instanceof DrydockError ? (error.status ?? 500) : undefined
  const status = own ?? (statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? statusCode : 500)
  if (own === undefined && status === 500) log(`${raw.method} ${raw.url}: ${error.stack}`)
  const message =
    own !== undefined || status < 500 ? sentenceOf(error) : 'something went wrong here; the terminal of the workshop says what'
  // A body that nobody has read would be taken for the next request.
  if (raw.method === 'POST') reply.header('Connection', 'close')
  if (status === 429) reply.header('Retry-After', '5')
  const reader = raw.method === 'GET' && (raw.headers.accept ?? '').includes('text/html')
  return reader ? reply.status(status).type('text/plain; charset=utf-8').send(`${message}\n`) : reply.status(status).send({ message })
}
