/** Files of a container as tar archives: docker cp and docker export. */
import type { FastifyInstance } from 'fastify'
import type { PathStat } from '../../engine/types.js'
import { beginStream, sendNothing } from '../answers.js'
import type { ApiContext } from '../context.js'
import { needed, queryOf, wordOf } from '../request.js'
import { pour } from '../streams.js'

export function containerFileRoutes(app: FastifyInstance, { engine: { containers }, log }: ApiContext): void {
  app.head('/containers/:word/archive', async (request, reply) => {
    const stat = await containers.stat(wordOf(request), needed(queryOf(request), 'path'))
    return sendNothing(reply.header(STAT, statHeader(stat)), 200)
  })

  app.get('/containers/:word/archive', async (request, reply) => {
    const { stat, archive } = await containers.read(wordOf(request), needed(queryOf(request), 'path'))
    await pour(archive, beginStream(reply, 'application/x-tar', { [STAT]: statHeader(stat) }), log)
    return reply
  })

  app.put('/containers/:word/archive', async (request, reply) => {
    const query = queryOf(request)
    await containers.write(wordOf(request), needed(query, 'path'), request.raw, {
      noOverwriteDirNonDir: query.flag('noOverwriteDirNonDir'),
      copyUidGid: query.flag('copyUIDGID'),
    })
    return sendNothing(reply, 200)
  })

  app.get('/containers/:word/export', async (request, reply) => {
    const archive = await containers.export(wordOf(request))
    await pour(archive, beginStream(reply, 'application/octet-stream'), log)
    return reply
  })
}

const STAT = 'X-Docker-Container-Path-Stat'

const statHeader = ({ name, size, mode, mtime, linkTarget }: PathStat): string =>
  Buffer.from(JSON.stringify({ name, size, mode, mtime, linkTarget })).toString('base64')
