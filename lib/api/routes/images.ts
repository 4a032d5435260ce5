/** /images: what is here. Names hold slashes and colons that nobody escapes, so the verb is looked for at the end of the path. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendFailure, sendJson, sendNothing } from '../answers.js'
import { registryAuthOf } from '../auth.js'
import type { ApiContext } from '../context.js'
import { imageOf, imagesOf } from '../older.js'
import { documentOf, needed, queryOf, versionOf } from '../request.js'
import { pushImage, saveImages } from './image-transfers.js'

/** What stands behind `/images/` and before the verb. */
type OfImage = (name: string, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

export function imageRoutes(app: FastifyInstance, context: ApiContext): void {
  const { images } = context.engine

  app.get('/images/json', async (request, reply) => {
    const query = queryOf(request)
    const list = await images.list({
      all: query.flag('all'),
      digests: query.flag('digests'),
      sharedSize: query.flag('shared-size'),
      filters: query.filters(),
    })
    return sendJson(reply, imagesOf(list, versionOf(request)))
  })

  app.post('/images/prune', async (request, reply) => sendJson(reply, await images.prune(queryOf(request).filters())))

  app.get('/images/search', async (request, reply) => {
    const query = queryOf(request)
    const [limit, auth] = [query.integer('limit'), registryAuthOf(request)]
    const options = { filters: query.filters(), ...(limit !== undefined && { limit }), ...(auth && { auth }) }
    return sendJson(reply, await images.search(needed(query, 'term'), options))
  })

  app.post('/commit', async (request, reply) => {
    const query = queryOf(request)
    const config = await documentOf(request)
    const words = Object.fromEntries(
      ['repo', 'tag', 'comment', 'author'].flatMap((name) => {
        const value = query.text(name)
        return value === undefined ? [] : [[name, value]]
      }),
    )
    const made = await images.commit({
      container: needed(query, 'container'),
      ...words,
      pause: query.flag('pause', true),
      changes: query.list('changes'),
      ...(Object.keys(config).length > 0 && { config }),
    })
    return sendJson(reply, made, 201)
  })

  const gets: Readonly<Record<string, OfImage>> = {
    json: async (name, request, reply) => sendJson(reply, imageOf(await images.inspect(name), versionOf(request))),
    history: async (name, _request, reply) => sendJson(reply, await images.history(name)),
    get: (name, _request, reply) => saveImages(context, [name], reply),
  }

  const posts: Readonly<Record<string, OfImage>> = {
    tag: async (name, request, reply) => {
      const query = queryOf(request)
      await images.tag(name, needed(query, 'repo'), query.text('tag') ?? '')
      return sendNothing(reply, 201)
    },
    push: (name, request, reply) => pushImage(context, name, request, reply),
  }

  const byVerb = (verbs: Readonly<Record<string, OfImage>>) => (request: FastifyRequest, reply: FastifyReply) => {
    const [, name, verb = ''] = /^(.+)\/([a-z]+)$/s.exec(restOf(request)) ?? []
    const act = name !== undefined && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
    return act ? act(name as string, request, reply) : sendFailure(reply, { status: 404, message: 'page not found' })
  }

  app.get('/images/*', byVerb(gets))
  app.post('/images/*', byVerb(posts))

  app.delete('/images/*', async (request, reply) => {
    const query = queryOf(request)
    return sendJson(reply, await images.remove(restOf(request), { force: query.flag('force'), prune: !query.flag('noprune') }))
  })

  app.get('/distribution/*', async (request, reply) => {
    const [, name] = /^(.+)\/json$/s.exec(restOf(request)) ?? []
    if (name === undefined) return sendFailure(reply, { status: 404, message: 'page not found' })
    return sendJson(reply, await images.distribution(name, registryAuthOf(request)))
  })
}

const restOf = ({ params }: FastifyRequest): string => (params as { '*': string })['*']
