/** What is played: group by group of the API's endpoints, right requests and wrong ones. Each group stands on what those before it have left. */
import { gzipSync } from 'node:zlib'
import { layerTar } from '../../support/images.js'
import type { Player } from './player.js'

export type Group = (player: Player) => Promise<void>

const filters = (of: object) => `filters=${encodeURIComponent(JSON.stringify(of))}`
const text = (words: string) => ({ body: Buffer.from(words), headers: { 'content-type': 'application/json' } })
const ARCHIVE = layerTar({ 'made/': '', 'made/file': 'x' })
const NONE = { HostConfig: { NetworkMode: 'none' } }
const box = (Cmd: readonly string[], more: object = NONE) => ({ Image: 'busybox', Cmd, ...more })

export const GROUPS: Readonly<Record<string, Group>> = {
  system: async ({ ask }) => {
    await ask('GET /_ping')
    await ask('HEAD /_ping')
    await ask('GET /version')
    await ask('GET /info')
    await ask('GET /system/df')
    await ask(`GET /events?since=1&until=2`)
    await ask('GET /events?since=x', { about: 'since of no time' })
    await ask('GET /events?since=2&until=1', { about: 'the end first' })
    await ask(`GET /events?until=2&${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
    await ask('GET /nosuch')
    await ask('POST /info', { about: 'another method' })
    await ask('POST /auth', { body: {}, about: 'nobody' })
    await ask('POST /auth', { ...text('{'), about: 'no JSON' })
    await ask('POST /auth', { body: Buffer.from('{}'), about: 'another type' })
  },
  images: async ({ ask }) => {
    await ask('GET /images/json?all=1')
    await ask('GET /images/json?filters=x', { about: 'filters that are none' })
    await ask(`GET /images/json?${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
    await ask(`GET /images/json?${filters({ dangling: ['maybe'] })}`, { about: 'dangling or not' })
    await ask('GET /images/busybox/json')
    await ask('GET /images/nosuch/json')
    await ask('GET /images/UPPER/json')
    await ask('GET /images/busybox/history')
    await ask('GET /images/nosuch/history')
    await ask('POST /images/busybox/tag?repo=other&tag=one')
    await ask('POST /images/busybox/tag?repo=UPPER', { about: 'a name that is none' })
    await ask('POST /images/busybox/tag', { about: 'no name' })
    await ask('POST /images/nosuch/tag?repo=other')
    await ask('GET /images/busybox/get')
    await ask('GET /images/nosuch/get')
    await ask('GET /images/get?names=nosuch')
    await ask('DELETE /images/other:one')
    await ask('DELETE /images/other:one', { about: 'again' })
    await ask('DELETE /images/UPPER')
    await ask('POST /images/create', { about: 'nothing' })
    await ask('POST /images/create?fromImage=UPPER', { about: 'a name that is none' })
    await ask('POST /images/create?fromSrc=-&repo=made&tag=one&changes=LABEL+a%3Db', { body: ARCHIVE, about: 'imported' })
    await ask('POST /images/create?fromSrc=-&repo=bad', { body: Buffer.from('no archive'.repeat(100)), about: 'imported, of no archive' })
    await ask('POST /images/create?fromSrc=-&changes=FROM+x', { body: ARCHIVE, about: 'imported, changed by FROM' })
    await ask('POST /images/create?fromSrc=-&repo=UPPER', { body: ARCHIVE, about: 'imported, a name that is none' })
    await ask('POST /images/load', { body: Buffer.from('no archive'.repeat(100)), about: 'no archive' })
    await ask('POST /images/nosuch/push', { headers: { 'x-registry-auth': 'e30=' } })
    await ask('POST /images/busybox/push', { about: 'without credentials' })
    await ask('GET /images/search', { about: 'no term' })
    await ask('GET /images/search?term=localhost:1/x&limit=1000', { about: 'too many' })
    await ask(`POST /images/prune?${filters({ dangling: ['true'] })}`)
    await ask(`POST /images/prune?${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
    await ask('DELETE /images/made:one?force=1')
  },
  containers: async ({ ask, hijack, api }) => {
    await ask('POST /containers/create', { about: 'nothing' })
    await ask('POST /containers/create', { ...text('{'), about: 'no JSON' })
    await ask('POST /containers/create', { body: Buffer.from('{}'), about: 'another type' })
    await ask('POST /containers/create', { body: {}, about: 'an empty object' })
    const imageless = await ask<{ Id?: string }>('POST /containers/create', { body: { Cmd: ['true'] }, about: 'no image' })
    if (imageless.Id) await api.remove(imageless.Id)
    await ask('POST /containers/create', { body: { Image: 1 }, about: 'an image that is a number' })
    await ask('POST /containers/create', { body: box(['true'], { Image: 'nosuch' }), about: 'an image that is not there' })
    await ask('POST /containers/create', { body: box(['true'], { Image: 'UPPER' }), about: 'an image of no name' })
    await ask('POST /containers/create?name=-x', { body: box(['true']), about: 'a name that is none' })
    await ask('POST /containers/create?name=one', {
      body: box(['sh', '-c', 'echo out; exec sleep 100'], { ...NONE, StopTimeout: 0, Labels: { a: 'b' } }),
    })
    await ask('POST /containers/create?name=one', { body: box(['true']), about: 'a name that is taken' })
    const wrong: Record<string, object> = {
      'memory too small': { HostConfig: { Memory: 1000 } },
      'a network that is not there': { HostConfig: { NetworkMode: 'nosuch' } },
      'a relative bind': { HostConfig: { Binds: ['a/b:/c'] } },
      'a bind of one part too many': { HostConfig: { Binds: ['/a:/b:ro:x'] } },
      'a target twice': { HostConfig: { Binds: ['/tmp:/b', '/tmp:/b'] } },
      'a port that is none': { ExposedPorts: { 'x/tcp': {} } },
      'a published port that is none': { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '99999' }] } } },
      'a restart policy that is none': { HostConfig: { RestartPolicy: { Name: 'sometimes' } } },
      'restarts and removal': { HostConfig: { RestartPolicy: { Name: 'always' }, AutoRemove: true } },
      'a log driver that is none': { HostConfig: { LogConfig: { Type: 'nosuch' } } },
      'a log option that is none': { HostConfig: { LogConfig: { Type: 'json-file', Config: { nosuch: '1' } } } },
      'a capability that is none': { HostConfig: { CapAdd: ['NOSUCH'] } },
      'a security option that is none': { HostConfig: { SecurityOpt: ['nosuch=1'] } },
      'a sysctl of the host': { HostConfig: { Sysctls: { 'kernel.hostname': 'x' } } },
      'a runtime that is none': { HostConfig: { Runtime: 'nosuch' } },
      'a signal that is none': { StopSignal: 'NOSUCH' },
      'a mount of no type': { HostConfig: { Mounts: [{ Type: 'nosuch', Target: '/x' }] } },
      'a mount of what is not there': { HostConfig: { Mounts: [{ Type: 'bind', Source: '/nosuch', Target: '/x' }] } },
      'an address that is none': { HostConfig: { Dns: ['x'] } },
      'a mac that is none': { MacAddress: 'x' },
      'a host name that is none': { Hostname: '-x-' },
      'a working directory that is relative': { WorkingDir: 'x' },
      'volumes from nobody': { HostConfig: { VolumesFrom: ['nosuch'] } },
      'the network of nobody': { HostConfig: { NetworkMode: 'container:nosuch' } },
      'the processes of nobody': { HostConfig: { PidMode: 'container:nosuch' } },
      'a health check with a negative interval': { Healthcheck: { Test: ['CMD', 'true'], Interval: -1 } },
      'devices that are not there': {
        HostConfig: { Devices: [{ PathOnHost: '/dev/nosuch', PathInContainer: '/dev/x', CgroupPermissions: 'rwm' }] },
      },
      'a group rule that is none': { HostConfig: { DeviceCgroupRules: ['x'] } },
      'limits the wrong way round': { HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 5 }] } },
      'swap without memory': { HostConfig: { MemorySwap: 10_000_000 } },
      'swappiness out of range': { HostConfig: { MemorySwappiness: 200 } },
      'a group of processors that is none': { HostConfig: { CpusetCpus: '99' } },
      'memory that is a word': { HostConfig: { Memory: 'x' } },
      'a list that is a word': { Env: 'A=b' },
      'a shm size below none': { HostConfig: { ShmSize: -1 } },
      'an oom score out of range': { HostConfig: { OomScoreAdj: 5000 } },
    }
    for (const [about, more] of Object.entries(wrong)) {
      const made = await ask<{ Id?: string }>('POST /containers/create', { body: box(['true'], more), about })
      if (made?.Id) await api.remove(made.Id)
    }
    await ask('GET /containers/json?all=1')
    await ask('GET /containers/json?limit=x', { about: 'a limit that is none' })
    await ask(`GET /containers/json?${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
    await ask(`GET /containers/json?${filters({ status: ['sleeping'] })}`, { about: 'a status that is none' })
    await ask(`GET /containers/json?${filters({ exited: ['x'] })}`, { about: 'an exit status that is none' })
    await ask(`GET /containers/json?${filters({ before: ['nosuch'] })}`, { about: 'before nobody' })
    await ask(`GET /containers/json?${filters({ health: ['none'] })}`, { about: 'without health' })
    await ask('GET /containers/one/json', { about: 'created' })
    await ask('GET /containers/one/changes', { about: 'created' })
    await ask('GET /containers/one/top', { about: 'created' })
    await ask('GET /containers/one/stats?stream=0', { about: 'created' })
    await ask('POST /containers/one/kill', { about: 'created' })
    await ask('POST /containers/one/stop', { about: 'created' })
    await ask('POST /containers/one/pause', { about: 'created' })
    await ask('POST /containers/one/unpause', { about: 'created' })
    await ask('POST /containers/one/resize?h=10&w=10', { about: 'created' })
    await ask('POST /containers/one/start', { body: { Binds: [] }, about: 'with a body' })
    await ask('POST /containers/one/start')
    await ask('POST /containers/one/start', { about: 'again' })
    await ask('GET /containers/one/json?size=1')
    await ask('GET /containers/json?size=1', { about: 'running' })
    await ask('GET /containers/one/top')
    await ask('GET /containers/one/top?ps_args=-o+comm', { about: 'without pids' })
    await ask('GET /containers/one/top?ps_args=--nosuch', { about: 'arguments that are none' })
    await ask('GET /containers/one/stats?stream=0')
    await ask('GET /containers/one/stats?stream=0&one-shot=1', { about: 'once' })
    await ask('GET /containers/one/logs?stdout=1')
    await ask('GET /containers/one/logs', { about: 'no stream' })
    await ask('GET /containers/one/logs?stdout=1&since=x', { about: 'since of no time' })
    await ask('GET /containers/one/logs?stdout=1&tail=x', { about: 'a tail that is none' })
    await ask('GET /containers/one/export')
    await ask('HEAD /containers/one/archive?path=/etc')
    await ask('HEAD /containers/one/archive?path=/nosuch', { about: 'not there' })
    await ask('HEAD /containers/one/archive', { about: 'no path' })
    await ask('GET /containers/one/archive?path=/etc/passwd')
    await ask('GET /containers/one/archive?path=/nosuch', { about: 'not there' })
    await ask('GET /containers/one/archive', { about: 'no path' })
    await ask('PUT /containers/one/archive?path=/tmp', { body: ARCHIVE })
    await ask('PUT /containers/one/archive?path=/tmp', { body: gzipSync(ARCHIVE), about: 'compressed' })
    await ask('PUT /containers/one/archive?path=/tmp', { body: Buffer.from('no archive'.repeat(100)), about: 'no archive' })
    await ask('PUT /containers/one/archive?path=/etc/passwd', { body: ARCHIVE, about: 'into a file' })
    await ask('PUT /containers/one/archive?path=/nosuch', { body: ARCHIVE, about: 'not there' })
    await ask('GET /containers/one/changes')
    await ask('POST /containers/one/kill?signal=NOSUCH', { about: 'a signal that is none' })
    await ask('POST /containers/one/rename?name=one', { about: 'its own' })
    await ask('POST /containers/one/rename?name=-', { about: 'a name that is none' })
    await ask('POST /containers/one/rename', { about: 'no name' })
    await ask('POST /containers/one/rename?name=two')
    await ask('POST /containers/two/update', { body: { PidsLimit: 50 } })
    await ask('POST /containers/two/update', { body: { Memory: 1000 }, about: 'memory too small' })
    await ask('POST /containers/two/update', { body: { RestartPolicy: { Name: 'sometimes' } }, about: 'a policy that is none' })
    await ask('POST /containers/two/pause')
    await ask('POST /containers/two/pause', { about: 'again' })
    await ask('POST /containers/two/unpause')
    await ask('POST /containers/two/unpause', { about: 'again' })
    await ask('POST /containers/two/resize?h=x&w=1', { about: 'a size that is none' })
    await ask('DELETE /containers/two', { about: 'running' })
    await ask('POST /containers/two/restart?t=0')
    await ask('POST /containers/two/stop?t=0')
    await ask('POST /containers/two/stop', { about: 'again' })
    await ask('POST /containers/two/wait')
    await ask('POST /containers/two/wait?condition=sometime', { about: 'a condition that is none' })
    await ask('GET /containers/two/json', { about: 'exited' })
    await ask('POST /commit?container=two&repo=committed&tag=one', { body: {} })
    await ask('POST /commit?container=two&repo=committed&changes=RUN+x', { body: {}, about: 'changed by RUN' })
    await ask('POST /commit?container=two&repo=UPPER', { body: {}, about: 'a name that is none' })
    await ask('POST /commit?container=nosuch', { body: {}, about: 'of nobody' })
    await api.delete('/images/committed:one')
    await hijack('/containers/two/attach?logs=1&stdout=1')
    await hijack('/containers/nosuch/attach?stream=1&stdout=1', { about: 'of nobody' })
    await ask('POST /containers/create?name=bad', { body: box(['/nosuch']), about: 'of a program that is not there' })
    await ask('POST /containers/bad/start')
    await ask('DELETE /containers/bad?v=1&force=1')
    await ask('DELETE /containers/two')
    await ask(`POST /containers/prune?${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
    await api.create(['true'], NONE)
    await ask('POST /containers/prune')
    for (const verb of ['json', 'top', 'logs?stdout=1', 'changes', 'export', 'stats?stream=0', 'archive?path=/'])
      await ask(`GET /containers/nosuch/${verb}`)
    for (const verb of ['start', 'stop', 'restart', 'kill', 'pause', 'unpause', 'wait', 'rename?name=x', 'resize?h=1&w=1'])
      await ask(`POST /containers/nosuch/${verb}`)
    await ask('POST /containers/nosuch/update', { body: {} })
    await ask('DELETE /containers/nosuch')
  },
  exec: async ({ ask, hijack, api }) => {
    const id = await api.create(['sleep', '100'], NONE, 'home')
    await ask('POST /containers/home/exec', { body: { Cmd: ['true'] }, about: 'of what does not run' })
    await api.start(id)
    await ask('POST /containers/home/exec', { body: {}, about: 'no command' })
    await ask('POST /containers/home/exec', { body: { Cmd: [] }, about: 'an empty command' })
    await ask('POST /containers/home/exec', { body: { Cmd: 'true' }, about: 'a command that is a word' })
    await ask('POST /containers/home/exec', { ...text('{'), about: 'no JSON' })
    await ask('POST /containers/home/exec', { body: { Cmd: ['true'], DetachKeys: 'nosuch' }, about: 'keys that are none' })
    await ask('POST /containers/nosuch/exec', { body: { Cmd: ['true'] } })
    const made = await ask<{ Id: string }>('POST /containers/home/exec', { body: { Cmd: ['echo', 'hi'], AttachStdout: true } })
    await ask(`GET /exec/${made.Id}/json`, { about: 'made' })
    await hijack(`/exec/${made.Id}/start`, { body: { Detach: false, Tty: false } })
    // Docker's daemon may close the stream before it knows of the end.
    await api.whenever({ container: ['home'] }, async () => !(await api.get(`/exec/${made.Id}/json`)).json<{ Running: boolean }>().Running)
    await ask(`GET /exec/${made.Id}/json`, { about: 'over' })
    await ask(`POST /exec/${made.Id}/start`, { body: { Detach: true }, about: 'again' })
    await ask(`POST /exec/${made.Id}/resize?h=x&w=1`, { about: 'a size that is none' })
    const quiet = await api.must<{ Id: string }>('POST', '/containers/home/exec', { Cmd: ['true'] })
    await ask(`POST /exec/${quiet.Id}/start`, { body: { Detach: true }, about: 'detached' })
    const bad = await api.must<{ Id: string }>('POST', '/containers/home/exec', { Cmd: ['/nosuch'] })
    await ask(`POST /exec/${bad.Id}/start`, { body: { Detach: true }, about: 'of a program that is not there' })
    await ask('GET /exec/nosuch/json')
    await ask('POST /exec/nosuch/start', { body: { Detach: true } })
    await ask('POST /exec/nosuch/resize?h=1&w=1')
    await api.remove(id)
  },
  networks: async ({ ask, api }) => {
    await ask('GET /networks')
    await ask(`GET /networks?${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
    await ask('GET /networks/bridge')
    await ask('GET /networks/host')
    await ask('GET /networks/none')
    await ask('GET /networks/nosuch')
    await ask('POST /networks/create', { body: {}, about: 'no name' })
    await ask('POST /networks/create', { ...text('{'), about: 'no JSON' })
    await ask('POST /networks/create', { body: { Name: 'sea', Driver: 'nosuch' }, about: 'a driver that is none' })
    await ask('POST /networks/create', { body: { Name: 'sea', Driver: 'overlay' }, about: 'overlay' })
    await ask('POST /networks/create', { body: { Name: 'sea', Driver: 'host' }, about: 'another host' })
    await ask('POST /networks/create', { body: { Name: 'bridge' }, about: 'one that is always there' })
    await ask('POST /networks/create', { body: { Name: '/' }, about: 'a name that is none' })
    await ask('POST /networks/create', { body: { Name: 'sea', IPAM: { Config: [{ Subnet: 'x' }] } }, about: 'a subnet that is none' })
    await ask('POST /networks/create', {
      body: { Name: 'sea', IPAM: { Config: [{ Subnet: '10.66.0.0/24', Gateway: '10.1.1.1' }] } },
      about: 'a gateway of elsewhere',
    })
    await ask('POST /networks/create', {
      body: {
        Name: 'sea',
        IPAM: { Config: [{ Subnet: '10.66.0.0/24', Gateway: '10.66.0.1' }] },
        Labels: { a: 'b' },
        Options: { 'com.docker.network.driver.mtu': '1400' },
      },
    })
    await ask('POST /networks/create', { body: { Name: 'sea', CheckDuplicate: true }, about: 'a name that is taken' })
    await ask('POST /networks/create', {
      body: { Name: 'lake', IPAM: { Config: [{ Subnet: '10.66.0.0/16' }] } },
      about: 'a subnet that is taken',
    })
    await ask('GET /networks/sea', { about: 'empty' })
    const id = await api.create(['sleep', '100'], { HostConfig: { NetworkMode: 'sea' } }, 'sailor')
    await api.start(id)
    await ask('GET /networks/sea', { about: 'with somebody' })
    await ask('GET /containers/sailor/json')
    await ask('DELETE /networks/sea', { about: 'with somebody' })
    await ask('POST /networks/sea/connect', { body: { Container: 'nosuch' }, about: 'nobody' })
    await ask('POST /networks/sea/connect', { body: { Container: 'sailor' }, about: 'again' })
    await ask('POST /networks/sea/connect', { body: {}, about: 'nothing' })
    await ask('POST /networks/host/connect', { body: { Container: 'sailor' } })
    await ask('POST /networks/nosuch/connect', { body: { Container: 'sailor' } })
    await ask('POST /networks/bridge/connect', { body: { Container: 'sailor' } })
    await ask('POST /networks/bridge/disconnect', { body: { Container: 'sailor' } })
    await ask('POST /networks/bridge/disconnect', { body: { Container: 'sailor' }, about: 'again' })
    await ask('POST /networks/sea/disconnect', { body: { Container: 'nosuch' }, about: 'nobody' })
    await api.remove(id)
    await ask('DELETE /networks/sea')
    await ask('DELETE /networks/bridge')
    await ask('DELETE /networks/host')
    await ask('DELETE /networks/nosuch')
    await api.must('POST', '/networks/create', { Name: 'brook' })
    await ask('POST /networks/prune')
    await ask(`POST /networks/prune?${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
  },
  volumes: async ({ ask, api }) => {
    await ask('GET /volumes', { about: 'none' })
    await ask('POST /volumes/create', { body: { Name: 'cargo', Labels: { a: 'b' } } })
    await ask('POST /volumes/create', { body: { Name: 'cargo' }, about: 'again' })
    const { Name } = await ask<{ Name: string }>('POST /volumes/create', { body: {}, about: 'without a name' })
    await ask('POST /volumes/create', { body: { Name: '-x' }, about: 'a name that is none' })
    await ask('POST /volumes/create', { body: { Name: 'a/b' }, about: 'a path' })
    await ask('POST /volumes/create', { body: { Driver: 'nosuch' }, about: 'a driver that is none' })
    await ask('POST /volumes/create', { body: { Name: 'bad', DriverOpts: { nosuch: 'x' } }, about: 'an option that is none' })
    await ask('POST /volumes/create', { body: { Name: 'bad', DriverOpts: { type: 'none' } }, about: 'half of the options' })
    await ask('POST /volumes/create', { ...text('{'), about: 'no JSON' })
    await ask('GET /volumes')
    await ask(`GET /volumes?${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
    await ask(`GET /volumes?${filters({ dangling: ['maybe'] })}`, { about: 'dangling or not' })
    await ask('GET /volumes/cargo')
    await ask('GET /volumes/nosuch')
    const id = await api.create(['true'], { HostConfig: { NetworkMode: 'none', Binds: ['cargo:/x'] } })
    await ask('DELETE /volumes/cargo', { about: 'in use' })
    await api.remove(id)
    await ask('DELETE /volumes/cargo')
    await ask('DELETE /volumes/nosuch')
    await ask('DELETE /volumes/nosuch?force=1', { about: 'by force' })
    await api.delete(`/volumes/${Name}`)
    await ask('POST /volumes/prune')
    await ask(`POST /volumes/prune?${filters({ nosuch: ['x'] })}`, { about: 'a filter that is none' })
  },
  distribution: async ({ ask }) => {
    await ask('GET /distribution/UPPER/json')
    await ask('GET /distribution/localhost:1/x/json')
    await ask('GET /distribution/x')
  },
  build: async ({ ask }) => {
    await ask('POST /build/prune')
    await ask('POST /build/cancel', { about: 'of nothing' })
    await ask('POST /build?t=UPPER', { body: ARCHIVE, about: 'a name that is none' })
    await ask('POST /build', { body: ARCHIVE, about: 'without a Dockerfile' })
    await ask('POST /build', { body: Buffer.from('no archive'.repeat(100)), about: 'no archive' })
    await ask('POST /build?buildargs=x', { body: ARCHIVE, about: 'arguments that are none' })
    await ask('POST /build?memory=x', { body: ARCHIVE, about: 'memory that is none' })
  },
  swarm: async ({ ask }) => {
    for (const noun of ['swarm', 'swarm/unlockkey', 'nodes', 'services', 'tasks', 'secrets', 'configs', 'nodes/x', 'services/x'])
      await ask(`GET /${noun}`)
    for (const verb of ['leave', 'update?version=1', 'unlock']) await ask(`POST /swarm/${verb}`, { body: {} })
    await ask('POST /services/create', { body: {} })
    await ask('DELETE /nodes/x')
  },
  plugins: async ({ ask }) => {
    await ask('GET /plugins')
    await ask('GET /plugins/nosuch/json')
    await ask('DELETE /plugins/nosuch')
    await ask('POST /plugins/nosuch/enable?timeout=0')
    await ask('POST /plugins/nosuch/disable')
    await ask('GET /containers/nosuch/checkpoints')
  },
}
