/** Routes of containers and of what is executed in them. Engine API 1.47. */
import { config, createBody, resources } from './container-body.js'
import { filters, flag, integer, list, moment, name, object, type Route, text } from './kinds.js'

const label = ['a', 'a=', 'tea=yes', 'nosuch']
const OF_CONTAINERS = filters({
  ancestor: ['busybox', 'busybox:latest', 'nosuch'],
  before: ['keeper', 'nosuch'],
  exited: ['0', '3'],
  expose: ['80', '80/tcp', '8000-8010/tcp'],
  health: ['none', 'healthy', 'starting'],
  id: ['a', 'nosuch'],
  'is-task': ['true', 'false'],
  label,
  name: ['keep', '^/keeper$', '.*'],
  network: ['bridge', 'sea', 'nosuch'],
  publish: ['80', '53/udp'],
  since: ['keeper'],
  status: ['created', 'running', 'exited', 'paused'],
  volume: ['cargo', '/data'],
})
const streams = { stdin: flag, stdout: flag, stderr: flag, stream: flag, logs: flag, detachKeys: text('', 'ctrl-p,ctrl-q', 'a') }
const size = { h: integer(1, 200), w: integer(1, 200) }
const paths = text('/', '/etc', '/etc/passwd', '/tmp/', 'tmp', '/nosuch', '/bin/../etc/.')
const ends = { t: integer(-1, 1), signal: text('', 'KILL', 'SIGTERM', '15') }
const of = (path: string): string => `/containers/{container}${path}`

export const CONTAINER_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/containers/json',
    query: { all: flag, limit: integer(-1, 5), size: flag, filters: OF_CONTAINERS },
  },
  {
    method: 'POST',
    path: '/containers/create',
    query: { name: text('one', 'two', 'three', '/four', 'keeper'), platform: text('', 'linux', 'linux/amd64', 'linux/arm64/v8') },
    body: createBody,
    needs: ['Image', 'Cmd', 'HostConfig'],
  },
  { method: 'POST', path: '/containers/prune', query: { filters: filters({ label, 'label!': label, until: ['1h', '2020-01-01'] }) } },
  { method: 'GET', path: of('/json'), query: { size: flag } },
  // By the name that it has in another one that is linked to it.
  { method: 'GET', path: of('/{container}/json') },
  { method: 'DELETE', path: of('/{container}'), query: { link: flag, force: flag, v: flag } },
  { method: 'POST', path: of('/start'), query: { detachKeys: text('', 'ctrl-a') } },
  { method: 'POST', path: of('/stop'), query: ends },
  { method: 'POST', path: of('/restart'), query: ends },
  { method: 'POST', path: of('/kill'), query: { signal: text('', 'KILL', 'SIGTERM', '9', 'NOSUCH', 'CONT') } },
  { method: 'POST', path: of('/pause') },
  { method: 'POST', path: of('/unpause') },
  { method: 'POST', path: of('/rename'), query: { name: text('five', 'six', 'keeper', '') } },
  { method: 'POST', path: of('/update'), body: object(resources) },
  { method: 'POST', path: of('/resize'), query: size },
  { method: 'POST', path: of('/wait'), query: { condition: text('', 'not-running', 'next-exit', 'removed') }, stream: true },
  { method: 'POST', path: of('/attach'), query: streams, hijack: true },
  { method: 'GET', path: of('/attach/ws'), query: streams, hijack: true },
  { method: 'GET', path: of('/top'), query: { ps_args: text('', '-ef', 'aux', '-o pid,comm') } },
  { method: 'GET', path: of('/changes') },
  {
    method: 'GET',
    path: of('/logs'),
    query: {
      stdout: flag,
      stderr: flag,
      follow: flag,
      timestamps: flag,
      details: flag,
      since: moment,
      until: moment,
      tail: text('', 'all', '0', '10'),
    },
    stream: true,
  },
  { method: 'GET', path: of('/stats'), query: { stream: flag, 'one-shot': flag }, stream: true },
  { method: 'HEAD', path: of('/archive'), query: { path: paths } },
  { method: 'GET', path: of('/archive'), query: { path: paths } },
  { method: 'PUT', path: of('/archive'), query: { path: paths, noOverwriteDirNonDir: flag, copyUIDGID: flag }, body: 'archive' },
  { method: 'GET', path: of('/export') },
  { method: 'DELETE', path: of(''), query: { force: flag, v: flag, link: flag } },
  {
    method: 'POST',
    path: of('/exec'),
    body: object({
      AttachStdin: flag,
      AttachStdout: flag,
      AttachStderr: flag,
      ConsoleSize: list(integer(1, 100), 2),
      DetachKeys: text('', 'ctrl-a'),
      Tty: flag,
      Env: list(text('A=b', 'UNSET')),
      Cmd: list(text('true', 'echo', 'nosuchprogram')),
      Privileged: flag,
      User: text('', '0', 'nobody', 'nosuch'),
      WorkingDir: text('', '/tmp', '/nosuch'),
    }),
    needs: ['Cmd'],
  },
  {
    method: 'POST',
    path: '/exec/{exec}/start',
    body: object({ Detach: flag, Tty: flag, ConsoleSize: list(integer(1, 100), 2) }),
    hijack: true,
  },
  { method: 'POST', path: '/exec/{exec}/resize', query: size },
  { method: 'GET', path: '/exec/{exec}/json' },
  {
    method: 'POST',
    path: '/commit',
    query: {
      container: name('container'),
      repo: text('', 'made', 'a/b'),
      tag: text('', 'one'),
      comment: text('', 'why'),
      author: text('', 'me'),
      pause: flag,
      changes: text('', 'CMD ["id"]', 'ENV A=b', 'RUN no'),
    },
    body: object(config),
  },
]
