/** What is about the engine as a whole. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { sendJson } from '../answers.js'
import { authOf } from '../auth.js'
import type { ApiContext } from '../context.js'
import { diskUsageOf } from '../older.js'
import { documentOf, queryOf, versionOf } from '../request.js'

export function systemRoutes(app: FastifyInstance, { engine: { system } }: ApiContext): void {
  app.get('/_ping', async (_request, reply) => pingHeaders(reply).send('OK'))
  app.head('/_ping', async (_request, reply) => pingHeaders(reply).header('content-length', '0').send())

  app.get('/version', async (_request, reply) => sendJson(reply, await system.version()))

  app.get('/info', async (_request, reply) => sendJson(reply, await system.info()))

  app.get('/system/df', async (request, reply) => {
    const types = queryOf(request).list('type')
    return sendJson(reply, diskUsageOf(await system.diskUsage(types), versionOf(request)))
  })

  app.post('/auth', async (request, reply) => sendJson(reply, await system.login(authOf(await documentOf(request)))))
}

/** Clients take from it what they may ask for. Builder-Version 1: what builds is the engine itself, and not BuildKit. */
const pingHeaders = (reply: FastifyReply): FastifyReply =>
  reply.code(200).headers({
    'Builder-Version': '1',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Swarm: 'inactive',
    'content-type': 'text/plain; charset=utf-8',
  })
