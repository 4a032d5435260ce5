/** /exec. Its start is in ../hijack.ts, since its connection becomes the stream. */
import type { FastifyInstance } from 'fastify'
import { DrydockError } from '../../kernel/errors.js'
import { sendJson, sendNothing } from '../answers.js'
import type { ApiContext } from '../context.js'
import { documentOf, queryOf, versionOf, wordOf } from '../request.js'
import { sizeOf } from './containers.js'

export function execRoutes(app: FastifyInstance, { engine: { execs } }: ApiContext): void {
  app.post('/containers/:word/exec', async (request, reply) => {
    const { ConsoleSize, ...rest } = await documentOf(request)
    const { Cmd } = rest
    if (!Array.isArray(Cmd) || Cmd.length === 0) throw new DrydockError('No exec command specified', { status: 400 })
    const body = versionOf(request) >= 42 && ConsoleSize ? { ...rest, ConsoleSize } : rest
    return sendJson(reply, await execs.create(wordOf(request), body), 201)
  })

  app.post('/exec/:word/resize', async (request, reply) => {
    await execs.resize(wordOf(request), ...sizeOf(queryOf(request)))
    return sendNothing(reply, 200)
  })

  app.get('/exec/:word/json', async (request, reply) => sendJson(reply, await execs.inspect(wordOf(request))))
}
