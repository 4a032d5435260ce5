/** /containers: what they are, and their lives. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { StopOptions } from '../../engine/types.js'
import { DrydockError } from '../../kernel/errors.js'
import { sendJson, sendNothing } from '../answers.js'
import type { ApiContext } from '../context.js'
import { containerOf, createBodyOf } from '../older.js'
import type { Query } from '../query.js'
import { documentOf, needed, queryOf, versionOf, wordOf } from '../request.js'

export function containerRoutes(app: FastifyInstance, { engine: { containers } }: ApiContext): void {
  app.get('/containers/json', async (request, reply) => {
    const query = queryOf(request)
    const limit = query.integer('limit')
    const options = { all: query.flag('all'), size: query.flag('size'), filters: query.filters(), ...(limit !== undefined && { limit }) }
    return sendJson(reply, await containers.list(options))
  })

  app.post('/containers/create', async (request, reply) => {
    const query = queryOf(request)
    const [name, platform] = [query.text('name'), query.text('platform')]
    const body = createBodyOf(await documentOf(request), versionOf(request))
    if (Object.keys(body).length === 0) {
      throw new DrydockError('config cannot be empty in order to create a container', { status: 400 })
    }
    return sendJson(
      reply,
      await containers.create(body, { ...(name !== undefined && { name }), ...(platform !== undefined && { platform }) }),
      201,
    )
  })

  app.post('/containers/prune', async (request, reply) => sendJson(reply, await containers.prune(queryOf(request).filters())))

  app.get('/containers/:word/json', async (request, reply) => {
    const document = await containers.inspect(wordOf(request), { size: queryOf(request).flag('size') })
    return sendJson(reply, containerOf(document, versionOf(request)))
  })

  // `web/db` is whom web is linked to as db.
  app.get('/containers/:word/:alias/json', async (request, reply) => {
    return sendJson(reply, containerOf(await containers.inspect(linkOf(request)), versionOf(request)))
  })

  app.delete('/containers/:word/:alias', async (request, reply) => {
    await containers.remove(linkOf(request), { link: queryOf(request).flag('link') })
    return sendNothing(reply)
  })

  app.post('/containers/:word/start', async (request, reply) => {
    // Once upon a time it held a HostConfig (before 1.24), which is more than a start can do.
    if (Object.keys(await documentOf(request)).length > 0) {
      const sentence = 'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24'
      throw new DrydockError(sentence, { status: 400 })
    }
    return sendNothing(reply, (await containers.start(wordOf(request))) ? 204 : 304)
  })

  app.post('/containers/:word/stop', async (request, reply) => {
    return sendNothing(reply, (await containers.stop(wordOf(request), stopOptions(queryOf(request)))) ? 204 : 304)
  })

  app.post('/containers/:word/restart', async (request, reply) => {
    await containers.restart(wordOf(request), stopOptions(queryOf(request)))
    return sendNothing(reply)
  })

  app.post('/containers/:word/kill', async (request, reply) => {
    await containers.kill(wordOf(request), queryOf(request).text('signal'))
    return sendNothing(reply)
  })

  app.post('/containers/:word/pause', async (request, reply) => {
    await containers.pause(wordOf(request))
    return sendNothing(reply)
  })

  app.post('/containers/:word/unpause', async (request, reply) => {
    await containers.unpause(wordOf(request))
    return sendNothing(reply)
  })

  app.post('/containers/:word/rename', async (request, reply) => {
    const name = queryOf(request).text('name')
    if (name === undefined) throw new DrydockError('Neither old nor new names may be empty', { status: 400 })
    await containers.rename(wordOf(request), name)
    return sendNothing(reply)
  })

  app.post('/containers/:word/update', async (request, reply) => {
    return sendJson(reply, await containers.update(wordOf(request), await documentOf(request)))
  })

  app.post('/containers/:word/resize', async (request, reply) => {
    await containers.resize(wordOf(request), ...sizeOf(queryOf(request)))
    return sendNothing(reply, 200)
  })

  app.delete('/containers/:word', async (request, reply) => {
    const query = queryOf(request)
    await containers.remove(wordOf(request), { force: query.flag('force'), volumes: query.flag('v'), link: query.flag('link') })
    return sendNothing(reply)
  })

  app.get('/containers/:word/top', async (request, reply) => {
    return sendJson(reply, await containers.top(wordOf(request), queryOf(request).text('ps_args')))
  })

  app.get('/containers/:word/changes', async (request, reply) => sendJson(reply, await containers.changes(wordOf(request))))
}

const linkOf = (request: FastifyRequest): string => `${wordOf(request)}/${(request.params as { alias: string }).alias}`

function stopOptions(query: Query): StopOptions {
  const [timeout, signal] = [query.integer('t'), query.text('signal')]
  return { ...(timeout !== undefined && { timeout }), ...(signal !== undefined && { signal }) }
}

/** Rows and columns. */
export function sizeOf(query: Query): [rows: number, columns: number] {
  for (const name of ['h', 'w']) needed(query, name)
  return [query.integer('h') as number, query.integer('w') as number]
}
