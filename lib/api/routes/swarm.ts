/** What docker's daemon has and this engine has not: each is refused by its name, in docker's words where docker has some for being without. */
import type { FastifyInstance } from 'fastify'
import { sendFailure, sendJson } from '../answers.js'
import type { ApiContext } from '../context.js'
import { wordOf } from '../request.js'

const NO_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'

/** Everything below these asks a manager. */
const MANAGED = ['nodes', 'services', 'tasks', 'secrets', 'configs'] as const

const MISSING: readonly (readonly [method: 'GET' | 'POST' | 'DELETE' | 'PUT', path: string, status: number, message: string])[] = [
  ['GET', '/swarm', 503, NO_MANAGER],
  ['GET', '/swarm/unlockkey', 503, NO_MANAGER],
  ['POST', '/swarm/update', 503, NO_MANAGER],
  ['POST', '/swarm/unlock', 503, NO_MANAGER],
  ['POST', '/swarm/leave', 503, 'This node is not part of a swarm'],
  ['POST', '/swarm/init', 501, 'this engine does not form swarms: it is one machine'],
  ['POST', '/swarm/join', 501, 'this engine does not join swarms: it is one machine'],
  ['PUT', '/volumes/:word', 503, NO_MANAGER],
  ['POST', '/session', 501, 'this engine has no BuildKit'],
  ['POST', '/grpc', 501, 'this engine has no BuildKit'],
  ['GET', '/plugins/privileges', 501, 'this engine has no plugins'],
  ['POST', '/plugins/pull', 501, 'this engine has no plugins'],
  ['POST', '/plugins/create', 501, 'this engine has no plugins'],
  ['GET', '/containers/:word/checkpoints', 501, 'this engine makes no checkpoints of containers'],
  ['POST', '/containers/:word/checkpoints', 501, 'this engine makes no checkpoints of containers'],
  ['DELETE', '/containers/:word/checkpoints/:checkpoint', 501, 'this engine makes no checkpoints of containers'],
]

export function swarmRoutes(app: FastifyInstance, _context: ApiContext): void {
  for (const [method, url, status, message] of MISSING) {
    app.route({ method, url, handler: async (_request, reply) => sendFailure(reply, { status, message }) })
  }
  for (const noun of MANAGED) {
    for (const path of [`/${noun}`, `/${noun}/*`])
      app.all(path, async (_request, reply) => sendFailure(reply, { status: 503, message: NO_MANAGER }))
  }
  app.get('/plugins', async (_request, reply) => sendJson(reply, []))
  app.get('/plugins/:word/json', async (request, reply) => {
    return sendFailure(reply, { status: 404, message: `plugin "${wordOf(request)}" not found` })
  })
}
