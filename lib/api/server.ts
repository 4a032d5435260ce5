/** The Engine API on fastify: what holds for every request, and the routes, a file for each noun. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import fastify, { type FastifyInstance } from 'fastify'
import { failureOf, HEADERS, sendFailure } from './answers.js'
import { refuseBrowser } from './browser.js'
import type { ApiContext } from './context.js'
import { Query } from './query.js'
import { takePrefix, versionOf } from './request.js'
import { buildRoutes } from './routes/build.js'
import { containerFileRoutes } from './routes/container-files.js'
import { containerStreamRoutes } from './routes/container-streams.js'
import { containerRoutes } from './routes/containers.js'
import { eventRoutes } from './routes/events.js'
import { execRoutes } from './routes/execs.js'
import { imageTransferRoutes } from './routes/image-transfers.js'
import { imageRoutes } from './routes/images.js'
import { networkRoutes } from './routes/networks.js'
import { swarmRoutes } from './routes/swarm.js'
import { systemRoutes } from './routes/system.js'
import { volumeRoutes } from './routes/volumes.js'

/** Longer than any name that is valid, image references with their digests included. */
const LONGEST_WORD = 4096

/** Answer one request. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export async function createAnswer(context: ApiContext): Promise<Answer> {
  const app = fastify({
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: LONGEST_WORD, ignoreDuplicateSlashes: true, querystringParser: (text) => new Query(text) as never },
    rewriteUrl: (request) => takePrefix(request as IncomingMessage),
    frameworkErrors: (error, _request, reply) => void sendFailure(reply.headers(HEADERS), failureOf(error)),
  })
  // Bodies are the routes' affair: most of the large ones are archives, which nobody wants in memory.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.addHook('onRequest', async (request, reply) => {
    for (const [name, value] of Object.entries(HEADERS)) reply.raw.setHeader(name, value)
    refuseBrowser(request.raw)
    versionOf(request)
  })
  app.setErrorHandler((error, { raw }, reply) => {
    const failure = failureOf(error)
    // A body that broke off with its client is no bug.
    if (failure.stack !== undefined && !reply.raw.destroyed) context.log('error', `${raw.method} ${raw.url}: ${failure.stack}`)
    return sendFailure(reply, failure)
  })
  app.setNotFoundHandler((_request, reply) => sendFailure(reply, { status: 404, message: 'page not found' }))
  for (const routes of ROUTES) routes(app, context)
  await app.ready()
  return (request, response) => app.routing(request, response)
}

export const ROUTES: readonly ((app: FastifyInstance, context: ApiContext) => void)[] = [
  systemRoutes,
  eventRoutes,
  containerRoutes,
  containerStreamRoutes,
  containerFileRoutes,
  execRoutes,
  imageRoutes,
  imageTransferRoutes,
  buildRoutes,
  networkRoutes,
  volumeRoutes,
  swarmRoutes,
]
