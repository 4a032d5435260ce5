/** Routes of images, networks, volumes, and of the engine as a whole. Engine API 1.47. */
import { endpoint } from './container-body.js'
import { filters, flag, integer, labels, list, map, moment, name, object, type Route, text } from './kinds.js'

const label = ['a', 'a=', 'tea=yes', 'nosuch']
/** Nobody answers there, and this machine is alone. */
const UNREACHABLE = [500, 502, 503, 504]
const until = ['1h', '2020-01-01T00:00:00']

const IMAGE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/images/json',
    query: {
      all: flag,
      digests: flag,
      'shared-size': flag,
      filters: filters({
        dangling: ['true', 'false', '1'],
        label,
        before: ['busybox', 'nosuch'],
        since: ['busybox'],
        until,
        reference: ['busy*', '*/*'],
      }),
    },
  },
  { method: 'GET', path: '/images/{image}/json' },
  { method: 'GET', path: '/images/{image}/history' },
  { method: 'GET', path: '/images/{image}/get' },
  { method: 'GET', path: '/images/get', query: { names: name('image') } },
  { method: 'POST', path: '/images/{image}/tag', query: { repo: text('spare', 'a/b', 'localhost:1/x'), tag: text('', 'one', 'v1.2') } },
  { method: 'DELETE', path: '/images/{image}', query: { force: flag, noprune: flag } },
  { method: 'POST', path: '/images/prune', query: { filters: filters({ dangling: ['true', 'false'], label, 'label!': label, until }) } },
  {
    method: 'POST',
    path: '/images/create',
    query: {
      fromImage: text('localhost:1/nosuch', '127.0.0.1:1/a/b', 'localhost:1/nosuch:one'),
      tag: text('', 'latest', 'one'),
      platform: text('', 'linux/amd64'),
    },
    needs: ['fromImage'],
    stream: true,
    may: UNREACHABLE,
  },
  {
    method: 'POST',
    path: '/images/create',
    query: {
      fromSrc: text('-', '-', 'http://127.0.0.1:1/x.tar', 'ftp://x'),
      repo: text('', 'made', 'a/b'),
      tag: text('', 'two'),
      message: text('', 'why'),
      changes: text('', 'CMD ["id"]', 'LABEL a=b', 'FROM x'),
      platform: text('', 'linux'),
    },
    needs: ['fromSrc'],
    body: 'archive',
    stream: true,
    may: UNREACHABLE,
  },
  { method: 'POST', path: '/images/load', query: { quiet: flag }, body: 'archive' },
  { method: 'POST', path: '/images/{image}/push', query: { tag: text('', 'one') }, stream: true, may: UNREACHABLE },
  {
    method: 'GET',
    path: '/images/search',
    query: {
      term: text('localhost:1/x', 'localhost:1/a/b'),
      limit: integer(1, 100),
      filters: filters({ stars: ['3'], 'is-official': ['true'] }),
    },
    needs: ['term'],
    may: UNREACHABLE,
  },
  { method: 'GET', path: '/distribution/localhost:1/{image}/json', may: UNREACHABLE },
]

const ipam = object({
  Driver: text('', 'default', 'nosuch'),
  Options: map(['a'], text('b')),
  Config: list(
    object({
      Subnet: text('10.66.0.0/24', '10.77.0.0/24', '10.66.0.0/33', 'fd00::/64'),
      IPRange: text('', '10.66.0.128/25'),
      Gateway: text('', '10.66.0.1', '10.1.1.1'),
      AuxiliaryAddresses: map(['one', 'two'], text('10.66.0.5')),
    }),
    2,
  ),
})

const NETWORK_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/networks',
    query: {
      filters: filters({
        dangling: ['true'],
        driver: ['bridge', 'host'],
        id: ['a'],
        label,
        name: ['sea', 'br'],
        scope: ['local'],
        type: ['custom', 'builtin'],
      }),
    },
  },
  { method: 'GET', path: '/networks/{network}', query: { verbose: flag, scope: text('', 'local', 'swarm') } },
  { method: 'DELETE', path: '/networks/{network}' },
  {
    method: 'POST',
    path: '/networks/create',
    body: object({
      Name: text('sea', 'lake', 'bridge', 'host'),
      CheckDuplicate: flag,
      Driver: text('', 'bridge', 'overlay', 'nosuch'),
      Scope: text('', 'local', 'swarm'),
      Internal: flag,
      Attachable: flag,
      Ingress: flag,
      ConfigOnly: flag,
      ConfigFrom: object({ Network: text('', 'x') }),
      IPAM: ipam,
      EnableIPv4: flag,
      EnableIPv6: flag,
      Options: map(
        ['com.docker.network.bridge.name', 'com.docker.network.driver.mtu', 'com.docker.network.bridge.enable_icc', 'nosuch'],
        text('br-sea', '1400', 'true'),
      ),
      Labels: labels,
    }),
    needs: ['Name'],
    // Networks of a swarm.
    may: [503],
  },
  {
    method: 'POST',
    path: '/networks/{network}/connect',
    body: object({ Container: name('container'), EndpointConfig: endpoint }),
    needs: ['Container'],
  },
  {
    method: 'POST',
    path: '/networks/{network}/disconnect',
    body: object({ Container: name('container'), Force: flag }),
    needs: ['Container'],
    dockers: /^container \w+ is not connected to (the )?network /,
  },
  { method: 'POST', path: '/networks/prune', query: { filters: filters({ label, 'label!': label, until }) } },
]

const VOLUME_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/volumes',
    query: { filters: filters({ dangling: ['true', 'false'], driver: ['local', 'x'], label, name: ['car', '^x'] }) },
  },
  { method: 'GET', path: '/volumes/{volume}' },
  { method: 'DELETE', path: '/volumes/{volume}', query: { force: flag } },
  {
    method: 'POST',
    path: '/volumes/create',
    body: object({
      Name: text('', 'cargo', 'hold', 'x'),
      Driver: text('', 'local', 'nosuch'),
      DriverOpts: map(['type', 'o', 'device', 'size', 'nosuch'], text('none', 'tmpfs', 'bind', '/run/engine/shared')),
      Labels: labels,
      ClusterVolumeSpec: object({}),
    }),
    // Volumes of a swarm.
    may: [503],
  },
  { method: 'POST', path: '/volumes/prune', query: { filters: filters({ all: ['true', '1'], label, 'label!': label }) } },
]

const auth = object({
  username: text('', 'me'),
  password: text('', 'secret'),
  email: text(''),
  serveraddress: text('localhost:1'),
  identitytoken: text(''),
})

const SYSTEM_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/_ping' },
  { method: 'HEAD', path: '/_ping' },
  { method: 'GET', path: '/version' },
  { method: 'GET', path: '/info' },
  { method: 'GET', path: '/system/df', query: { type: text('container', 'image', 'volume', 'build-cache', 'nosuch') } },
  { method: 'POST', path: '/auth', body: auth, needs: ['serveraddress'], may: UNREACHABLE },
  {
    method: 'GET',
    path: '/events',
    query: {
      since: moment,
      until: moment,
      filters: filters({
        container: ['keeper'],
        event: ['start', 'die'],
        image: ['busybox'],
        label,
        network: ['sea'],
        scope: ['local'],
        type: ['container', 'volume'],
        volume: ['cargo'],
      }),
    },
    stream: true,
  },
]

/** Docker's daemon has them; here each is refused by its name, or answers that there is none. */
const REFUSED_ROUTES: readonly Route[] = [
  ...([
    'GET /swarm',
    'GET /swarm/unlockkey',
    'POST /swarm/init',
    'POST /swarm/join',
    'POST /swarm/update',
    'POST /swarm/unlock',
    'POST /swarm/leave',
  ] as const),
  ...([
    'GET /nodes',
    'GET /services',
    'GET /tasks',
    'GET /secrets',
    'GET /configs',
    'POST /services/create',
    'GET /nodes/x',
    'DELETE /secrets/x',
  ] as const),
  ...(['POST /session', 'POST /grpc', 'GET /plugins/privileges', 'POST /plugins/pull', 'POST /plugins/create'] as const),
  ...([
    'GET /containers/{container}/checkpoints',
    'POST /containers/{container}/checkpoints',
    'DELETE /containers/{container}/checkpoints/x',
  ] as const),
  'PUT /volumes/{volume}' as const,
].map((words) => {
  const [method, path] = words.split(' ') as [Route['method'], string]
  return { method, path, may: [501, 503] }
})

const BUILD_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/build',
    query: {
      t: text('made', 'a/b:c'),
      dockerfile: text('', 'Dockerfile', 'other'),
      remote: text(''),
      q: flag,
      nocache: flag,
      rm: flag,
      version: text('1', '2'),
    },
    body: 'archive',
    stream: true,
  },
  { method: 'POST', path: '/build/cancel', query: { id: text('x') }, may: [501] },
  { method: 'POST', path: '/build/prune', query: { all: flag, 'keep-storage': integer(0, 100), filters: filters({ until }) } },
  { method: 'GET', path: '/plugins', query: { filters: filters({ enabled: ['true'], capability: ['x'] }) } },
  { method: 'GET', path: '/plugins/{volume}/json' },
]

export const OTHER_ROUTES: readonly Route[] = [
  ...IMAGE_ROUTES,
  ...NETWORK_ROUTES,
  ...VOLUME_ROUTES,
  ...SYSTEM_ROUTES,
  ...REFUSED_ROUTES,
  ...BUILD_ROUTES,
]
