/** Acts of the session: lists and prunes by filters. What only reads is asked at once. */
import type { Script, Stage } from './player.js'

const NAMES = ['--format', '{{.Names}}']
const TAGS = ['--format', '{{.Repository}}:{{.Tag}}']

/** Each with these words before it, and all at once: none changes anything. */
const each = ({ docker }: Stage, before: readonly string[], all: readonly (readonly string[])[], after: readonly string[] = []) =>
  Promise.all(all.map((words) => docker(...before, ...words, ...after)))

const filter = (...filters: string[]): string[] => filters.flatMap((one) => ['--filter', one])

export const FILTERS: Script = {
  'containers by filters': async (stage) => {
    const { docker, engine } = stage
    await docker('network', 'create', 'sea')
    await docker('create', '--name', 'made', '-l', 'a=b', '-l', 'c', '--expose', '90', 'busybox', 'true')
    await docker(
      ...['run', '-d', '--name', 'up', '-p', '127.0.0.1:18082:80', '-p', '127.0.0.1:18053:53/udp', '--expose', '90', '-v', 'held:/data/'],
      ...['--network', 'sea', '-l', 'a=x', 'busybox', 'sleep', '1000'],
    )
    await docker('tag', 'busybox', 'older:1')
    await docker('run', '--name', 'done', 'older:1', 'sh', '-c', 'exit 3')
    await docker('rmi', 'older:1')
    await docker('create', '--name', 'other', 'busybox')
    const { Id } = await engine.api.must<{ Id: string }>('GET', '/containers/made/json')
    await each(
      stage,
      ['ps', '-a'],
      [
        filter('name=['),
        filter('name=^/up$'),
        filter('id='),
        filter(`id=${Id}`),
        filter('ancestor=older:1'),
        filter('ancestor=nosuch'),
        filter('ancestor=nosuch', 'ancestor=busybox'),
        filter('network=sea'),
        filter('network=nosuch'),
        filter('volume=/data'),
        filter('volume=/data/'),
        filter('publish=18082'),
        filter('publish=18000-18100/udp'),
        filter('publish=80/xyz'),
        filter('publish=10-5'),
        filter('publish=x'),
        filter('expose=90'),
        filter('expose=80-100'),
        filter('expose=53'),
        filter('expose=y'),
        filter('exited=3'),
        filter('exited=x'),
        filter('health=none', 'status=running'),
        filter('health=nosuch'),
        filter('since=made', 'before=done'),
        filter('since=nosuch'),
        filter('is-task=false', 'status=created'),
        filter('is-task=x'),
      ],
      NAMES,
    )
    await each(stage, ['ps'], [filter('exited=3'), filter('status=exited'), ['-n', '2'], ['-l']], NAMES)
    // The newer client asks for several removals at once.
    for (const name of ['up', 'done', 'other']) await docker('rm', '-f', name)
  },
  'images by filters': async (stage) => {
    const { docker } = stage
    await docker('commit', '-c', 'LABEL a=b', 'made', 'lab:1')
    await docker('tag', 'busybox', 'some/name:v2')
    const all = [
      ...['lab', 'lab:*', '*/*', 'docker.io/library/busybox', 'nosuch', '[', 'a\\'].map((pattern) => filter(`reference=${pattern}`)),
      ...['before=lab:1', 'since=busybox', 'before=nosuch', 'before=UPPER', 'label=a=b', 'nosuch=1', 'label!=a', 'dangling=maybe'].map(
        (one) => filter(one),
      ),
    ]
    await each(stage, ['images'], all, TAGS)
    await docker('images', '[')
    await docker('rmi', 'lab:1', 'some/name:v2')
  },
  'networks and volumes by filters': async (stage) => {
    const { docker } = stage
    await docker('volume', 'create', '--label', 'a=b', 'named')
    const all = ['name=[', 'name=nam', 'label=a', 'label!=a', 'nosuch=1', 'dangling=maybe'].map((one) => filter(one))
    await each(stage, ['volume', 'ls', '-q'], all)
    const names = ['--format', '{{.Name}}']
    const more = [filter('type=nosuch'), filter('dangling=true', 'dangling=false'), filter('dangling=true')]
    await each(stage, ['network', 'ls'], [...all, ...more, filter('name=se', 'driver=bridge')], names)
    await docker('volume', 'create', 'ü')
  },
  'prunes by filters': async ({ docker }) => {
    for (const noun of ['container', 'network', 'image']) {
      await docker(noun, 'prune', '-f', ...filter('until=1h', 'until=2h'))
      await docker(noun, 'prune', '-f', ...filter('until=x'))
      await docker(noun, 'prune', '-f', ...filter('nosuch=1'))
      await docker(noun, 'prune', '-f', ...filter('label=nosuch'))
    }
    await docker('container', 'prune', '-f', ...filter('label!=a'))
    await docker('ps', '-a', ...NAMES)
    await docker('rm', 'made')
    await docker('network', 'rm', 'sea')
    await docker('volume', 'rm', 'named', 'held')
  },
}
