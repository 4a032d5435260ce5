/** /networks. */
import type { FastifyInstance } from 'fastify'
import { sendJson, sendNothing } from '../answers.js'
import type { ApiContext } from '../context.js'
import { documentOf, queryOf, wordOf } from '../request.js'

export function networkRoutes(app: FastifyInstance, { engine: { networks } }: ApiContext): void {
  for (const path of ['/networks', '/networks/']) {
    app.get(path, async (request, reply) => sendJson(reply, await networks.list(queryOf(request).filters())))
  }

  app.post('/networks/create', async (request, reply) => sendJson(reply, await networks.create(await documentOf(request)), 201))

  app.post('/networks/prune', async (request, reply) => sendJson(reply, await networks.prune(queryOf(request).filters())))

  app.get('/networks/:word', async (request, reply) => {
    const query = queryOf(request)
    const scope = query.text('scope')
    return sendJson(
      reply,
      await networks.inspect(wordOf(request), { verbose: query.flag('verbose'), ...(scope !== undefined && { scope }) }),
    )
  })

  app.delete('/networks/:word', async (request, reply) => {
    await networks.remove(wordOf(request))
    return sendNothing(reply)
  })

  app.post('/networks/:word/connect', async (request, reply) => {
    await networks.connect(wordOf(request), await documentOf(request))
    return sendNothing(reply, 200)
  })

  app.post('/networks/:word/disconnect', async (request, reply) => {
    await networks.disconnect(wordOf(request), await documentOf(request))
    return sendNothing(reply, 200)
  })
}
