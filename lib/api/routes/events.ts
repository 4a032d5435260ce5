/** /events: what happens, a document a line, until the client goes or `until` has come. */
import type { FastifyInstance } from 'fastify'
import { DrydockError } from '../../kernel/errors.js'
import { beginStream } from '../answers.js'
import type { ApiContext } from '../context.js'
import { queryOf } from '../request.js'
import { goneSignal, pourLines } from '../streams.js'

export function eventRoutes(app: FastifyInstance, { engine, log }: ApiContext): void {
  app.get('/events', async (request, reply) => {
    const query = queryOf(request)
    const [since, until] = [query.moment('since'), query.moment('until')]
    if (since !== undefined && until !== undefined && until < since) {
      const words = `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`
      throw new DrydockError(words, { status: 400 })
    }
    const signal = goneSignal(reply)
    const events = engine.events.stream({
      filters: query.filters(),
      signal,
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    })
    await pourLines(events, beginStream(reply, 'application/json'), signal, log)
    return reply
  })
}
