/** What of a container takes as long as it lives: logs, statistics, waiting. Attaching is in ../hijack.ts, since its connection becomes the stream. */
import type { FastifyInstance } from 'fastify'
import type { WaitCondition } from '../../engine/types.js'
import { DrydockError } from '../../kernel/errors.js'
import { beginStream, failureOf, sendJson } from '../answers.js'
import type { ApiContext } from '../context.js'
import type { Query } from '../query.js'
import { queryOf, versionOf, wordOf } from '../request.js'
import { goneSignal, pour, pourLines } from '../streams.js'

const CONDITIONS: readonly string[] = ['not-running', 'next-exit', 'removed'] satisfies WaitCondition[]

export function containerStreamRoutes(app: FastifyInstance, { engine: { containers }, log }: ApiContext): void {
  app.post('/containers/:word/wait', async (request, reply) => {
    const condition = queryOf(request).text('condition') ?? 'not-running'
    if (!CONDITIONS.includes(condition)) throw new DrydockError(`invalid condition: "${condition}"`, { status: 400 })
    const gone = goneSignal(reply)
    const { end } = await containers.wait(wordOf(request), condition as WaitCondition, gone)
    // Now, since the client starts the container when it has this head, and not before.
    const response = beginStream(reply, 'application/json')
    const answer = await end.catch((error: unknown) => ({ StatusCode: -1, Error: { Message: failureOf(error).message } }))
    response.end(`${JSON.stringify(answer)}\n`)
    return reply
  })

  app.get('/containers/:word/logs', async (request, reply) => {
    const query = queryOf(request)
    const [stdout, stderr] = [query.flag('stdout'), query.flag('stderr')]
    if (!stdout && !stderr) throw new DrydockError('Bad parameters: you must choose at least one stream', { status: 400 })
    const [since, until, tail] = [query.moment('since'), query.moment('until'), tailOf(query)]
    const { tty, stream } = await containers.logs(wordOf(request), {
      stdout,
      stderr,
      follow: query.flag('follow'),
      timestamps: query.flag('timestamps'),
      details: query.flag('details'),
      signal: goneSignal(reply),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(tail !== undefined && { tail }),
    })
    const raw = tty || versionOf(request) < 42
    await pour(stream, beginStream(reply, `application/vnd.docker.${raw ? 'raw' : 'multiplexed'}-stream`), log)
    return reply
  })

  app.get('/containers/:word/stats', async (request, reply) => {
    const query = queryOf(request)
    const stream = query.flag('stream', true)
    const oneShot = query.flag('one-shot')
    if (stream && oneShot) throw new DrydockError('cannot have stream=true and one-shot=true', { status: 400 })
    const signal = goneSignal(reply)
    const documents = containers.stats(wordOf(request), { stream, oneShot, signal })
    if (!stream) {
      for await (const document of documents) return sendJson(reply, document)
      throw new DrydockError(`No such container: ${wordOf(request)}`, { status: 404 })
    }
    // A failure comes before the head.
    await containers.inspect(wordOf(request))
    await pourLines(documents, beginStream(reply, 'application/json'), signal, log)
    return reply
  })
}

/** `all`, and what is no number or less than none, is all of them. */
function tailOf(query: Query): number | undefined {
  const text = query.text('tail') ?? 'all'
  return /^\d+$/.test(text) ? Number(text) : undefined
}
