/** Images on their way from here to there: pull, push, save, load, import. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { parseReference } from '../../image/reference.js'
import { DrydockError } from '../../kernel/errors.js'
import { beginStream } from '../answers.js'
import { registryAuthOf } from '../auth.js'
import type { ApiContext } from '../context.js'
import { streamProgress } from '../progress.js'
import { queryOf } from '../request.js'
import { goneSignal, pour } from '../streams.js'

export function imageTransferRoutes(app: FastifyInstance, context: ApiContext): void {
  const { engine, log } = context

  app.post('/images/create', async (request, reply) => {
    const query = queryOf(request)
    const [image, source, tag, platform] = ['fromImage', 'fromSrc', 'tag', 'platform'].map((name) => query.text(name))
    const common = { ...(tag !== undefined && { tag }), ...(platform !== undefined && { platform }) }
    const transfer = transferOf(request, reply)
    if (image === undefined && source === undefined) throw new DrydockError('missing parameter: fromImage or fromSrc', { status: 400 })
    await streamProgress(reply, log, async ({ onProgress, send }) => {
      if (image !== undefined)
        return engine.images.pull({ image, ...common, all: tag === undefined && isBare(image) }, { ...transfer, onProgress })
      const [repo, message] = [query.text('repo'), query.text('message')]
      const words = { ...(repo !== undefined && { repo }), ...(message !== undefined && { message }), changes: query.list('changes') }
      const id = await engine.images.import(source as string, request.raw, { ...common, ...words }, { ...transfer, onProgress })
      send({ status: id })
    })
    return reply
  })

  app.post('/images/load', async (request, reply) => {
    const options = { quiet: queryOf(request).flag('quiet'), signal: goneSignal(reply) }
    const act = engine.images.load.bind(engine.images)
    const load = ({ send, onProgress }: Parameters<Parameters<typeof streamProgress>[2]>[0]) =>
      act(request.raw, { ...options, onProgress, say: (line) => send({ stream: line.endsWith('\n') ? line : `${line}\n` }) })
    await streamProgress(reply, log, load, { always: true })
    return reply
  })

  app.get('/images/get', (request, reply) => saveImages(context, queryOf(request).list('names'), reply))
}

/** Neither tag nor digest: then all of the repository is meant. */
function isBare(image: string): boolean {
  const { tag, digest } = parseReference(image)
  return tag === undefined && digest === undefined
}

function transferOf(request: FastifyRequest, reply: FastifyReply) {
  const auth = registryAuthOf(request)
  return { signal: goneSignal(reply), ...(auth && { auth }) }
}

export async function pushImage(
  { engine, log }: ApiContext,
  name: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const tag = queryOf(request).text('tag')
  const transfer = transferOf(request, reply)
  await streamProgress(reply, log, async ({ onProgress, send }) => {
    const aux = await engine.images.push(name, tag === undefined ? { all: true } : { tag }, { ...transfer, onProgress })
    if (aux) send({ progressDetail: {}, aux })
  })
  return reply
}

export async function saveImages({ engine, log }: ApiContext, names: readonly string[], reply: FastifyReply): Promise<FastifyReply> {
  const archive = await engine.images.save(names)
  await pour(archive, beginStream(reply, 'application/x-tar'), log)
  return reply
}
