/** /volumes. */
import type { FastifyInstance } from 'fastify'
import { booleanFilter, type Filters } from '../../engine/filters.js'
import { sendJson, sendNothing } from '../answers.js'
import type { ApiContext } from '../context.js'
import { documentOf, queryOf, versionOf, wordOf } from '../request.js'

export function volumeRoutes(app: FastifyInstance, { engine: { volumes } }: ApiContext): void {
  app.get('/volumes', async (request, reply) => sendJson(reply, await volumes.list(queryOf(request).filters())))

  app.post('/volumes/create', async (request, reply) => sendJson(reply, await volumes.create(await documentOf(request)), 201))

  app.post('/volumes/prune', async (request, reply) => {
    const given = queryOf(request).filters()
    const all = versionOf(request) < 42 || booleanFilter(given, 'all') === true
    const filters: Filters = new Map([...given].filter(([key]) => key !== 'all'))
    return sendJson(reply, await volumes.prune(filters, { all }))
  })

  app.get('/volumes/:word', async (request, reply) => sendJson(reply, await volumes.inspect(wordOf(request))))

  app.delete('/volumes/:word', async (request, reply) => {
    await volumes.remove(wordOf(request), { force: queryOf(request).flag('force') })
    return sendNothing(reply)
  })
}
