/** `--userns-remap`: root's containers in user namespaces. The same requests to Docker's daemon and to drydock's, and what is seen inside and on the host. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { parseFrames, textOf } from '../../support/engines/http.js'
import { NEEDS, TestEngine } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'
import { readTar } from '../../support/tar.js'
import { tarOf } from '../../support/tar-of.js'

const ALL = [...new Set([...NEEDS.drydock, ...NEEDS.dockerd])]
const test = requires(...ALL)

/** Ids that nobody on the host has; a user and a group that have them, in an /etc of its own. */
const [FIRST, COUNT] = [300_000, 65_536]
const SETTING = `
cp -a /etc /run/etc && mount --bind /run/etc /etc
echo 'lodger:x:4711:4711::/:/bin/false' >>/etc/passwd
echo 'lodger:x:4711:' >>/etc/group
for file in subuid subgid; do echo 'lodger:${FIRST}:${COUNT}' >>/etc/$file; done`

let engines: readonly TestEngine[] = []
beforeAll(async () => {
  if (missing(ALL).length > 0) return
  const remap = '--userns-remap=lodger'
  const args = ['--bridge=none', '--iptables=false', '--ip-forward=false', remap]
  engines = await Promise.all([
    TestEngine.open('dockerd', { args, setting: SETTING }),
    TestEngine.open('drydock', { args: [remap], setting: SETTING }),
  ])
}, 120_000)
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()))
}, 60_000)

type Document = Record<string, unknown>

const drydock = () => engines.find(({ kind }) => kind === 'drydock') as TestEngine

/** What both tell, and that it is the same. */
async function same<T>(play: (engine: TestEngine) => Promise<T>): Promise<T> {
  const [docker, ours] = await Promise.all(engines.map(play))
  expect(ours).toEqual(docker)
  return ours as T
}

const none = (host: Document = {}) => ({ HostConfig: { NetworkMode: 'none', ...host } })

async function printed(engine: TestEngine, id: string): Promise<string> {
  const { frames } = parseFrames((await engine.api.get(`/containers/${id}/logs?stdout=1&stderr=1`)).body)
  return textOf(frames, 1) + textOf(frames, 2)
}

/** What a container prints in which `script` is run, and its exit status. */
async function run(engine: TestEngine, script: string, more: Document = none()) {
  const id = await engine.api.create(['sh', '-c', script], more)
  const { status } = await engine.api.wait(id, 'next-exit')
  await engine.api.start(id)
  const code = await status
  const output = await printed(engine, id)
  await engine.api.remove(id)
  return { code, output }
}

async function exec(engine: TestEngine, id: string, script: string, more: Document = {}): Promise<string> {
  const body = { Cmd: ['sh', '-c', script], AttachStdout: true, AttachStderr: true, ...more }
  const { Id } = await engine.api.must<{ Id: string }>('POST', `/containers/${id}/exec`, body)
  const { stdout, stderr } = await (await engine.api.hijack(`/exec/${Id}/start`, { body: {} })).output()
  return stdout + stderr
}

/** The host's path of something in the engine's data root. */
const onHost = ({ host }: TestEngine, path: string) => host.path(path)

const pidOf = async ({ api }: TestEngine, id: string) =>
  (await api.must<{ State: { Pid: number } }>('GET', `/containers/${id}/json`)).State.Pid

async function uidsOf(engine: TestEngine, id: string): Promise<string | undefined> {
  const status = readFileSync(onHost(engine, `/proc/${await pidOf(engine, id)}/status`), 'utf8')
  return /^Uid:\s*(.*)$/m.exec(status)?.[1]
}

test('root inside is somebody else outside, and so is everybody', async () => {
  const ids =
    'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; id -u; stat -c "%u:%g %n" / /etc /etc/hosts /etc/hostname /bin/sh /dev /dev/null /proc'
  const { code, output } = await same((engine) => run(engine, ids))
  expect(code).toBe(0)
  expect(output.split('\n').slice(0, 3)).toEqual([` 0 ${FIRST} ${COUNT}`, ` 0 ${FIRST} ${COUNT}`, '0'])
  await same(async (engine) => {
    const root = await engine.api.create(['sleep', '1000'], none())
    const user = await engine.api.create(['sleep', '1000'], { User: '33:44', ...none() })
    for (const id of [root, user]) await engine.api.start(id)
    expect(await uidsOf(engine, root)).toBe(Array(4).fill(FIRST).join('\t'))
    expect(await uidsOf(engine, user)).toBe(
      Array(4)
        .fill(FIRST + 33)
        .join('\t'),
    )
    return Promise.all([
      exec(engine, root, 'id; touch /made; stat -c %u /made; echo more >>/etc/hosts'),
      exec(engine, user, 'id', { User: '5' }),
    ])
  })
})

test('terminals and pipes are its user’s; capabilities end at its user namespace', async () => {
  const { output } = await same((engine) =>
    run(
      engine,
      'stat -Lc %u /dev/stdin /proc/self/fd/1; mknod /dev/x c 1 1; echo $?; mount -t tmpfs x /mnt; hostname x; chown 70000 /tmp; echo $?',
      none({ CapAdd: ['SYS_ADMIN', 'MKNOD'] }),
    ),
  )
  expect(output).toContain('Operation not permitted')
  for (const engine of engines) {
    const id = await engine.api.create(['sh', '-c', 'stat -Lc %u /dev/stdout; id -u'], { User: '33', Tty: true, ...none() })
    const { status } = await engine.api.wait(id, 'next-exit')
    await engine.api.start(id)
    await status
    expect((await engine.api.get(`/containers/${id}/logs?stdout=1`)).body.toString()).toBe('33\r\n33\r\n')
    const sleeper = await engine.api.create(['sleep', '1000'], none())
    await engine.api.start(sleeper)
    const Cmd = ['sh', '-c', 'stat -Lc %u /dev/stdin; tty; id -u']
    const { Id } = await engine.api.must<{ Id: string }>('POST', `/containers/${sleeper}/exec`, {
      Cmd,
      User: '33',
      Tty: true,
      AttachStdin: true,
      AttachStdout: true,
    })
    const said = await (await engine.api.hijack(`/exec/${Id}/start`, { body: { Tty: true } })).ended()
    expect(said.toString()).toBe('33\r\n/dev/pts/0\r\n33\r\n')
  }
})

test('a data root of its own, in which what is theirs is theirs', async () => {
  const roots = await same(async ({ api, host }) => {
    const { DockerRootDir, SecurityOptions } = await api.must<{ DockerRootDir: string; SecurityOptions: string[] }>('GET', '/info')
    const { uid, gid, mode } = statSync(host.path(DockerRootDir))
    return { name: DockerRootDir.split('/').at(-1), userns: SecurityOptions.includes('name=userns'), uid, gid, mode: mode & 0o777 }
  })
  expect(roots).toEqual({ name: `${FIRST}.${FIRST}`, userns: true, uid: 0, gid: FIRST, mode: 0o710 })
  await same(async (engine) => {
    const script = 'mkdir /v/d; touch /v/f; chown 33:44 /v/f; stat -c "%u:%g %a" /v /v/d /v/f'
    const said = await run(engine, script, none({ Binds: ['kept:/v'] }))
    const { Mountpoint } = await engine.api.must<{ Mountpoint: string }>('GET', '/volumes/kept')
    const seen = ['', 'd', 'f'].map((name) => statSync(onHost(engine, join(Mountpoint, name)))).map(({ uid, gid }) => [uid, gid])
    expect(seen).toEqual([
      [FIRST, FIRST],
      [FIRST, FIRST],
      [FIRST + 33, FIRST + 44],
    ])
    return said
  })
})

test('what is closed to its root can be bound all the same, and stays apart', async () => {
  const { output } = await same(async (engine) => {
    const made = await engine.host.run([
      'sh',
      '-ec',
      'mkdir -p /run/closed/dir/sub; echo x >/run/closed/dir/file; chmod 700 /run/closed; mount -t tmpfs sub /run/closed/dir/sub',
    ])
    expect(made).toMatchObject({ exitCode: 0 })
    const Binds = ['/run/closed/dir:/whole', '/run/closed/dir/file:/one:ro']
    const said = await run(
      engine,
      'cat /whole/file /one; ls /whole; touch /whole/new; echo x >/one; grep -c " /whole" /proc/mounts',
      none({ Binds, Init: true }),
    )
    const id = await engine.api.create(['true'], none({ Binds }))
    expect((await engine.api.get(`/containers/${id}/archive?path=/whole/file`)).status).toBe(200)
    await engine.api.remove(id)
    return said
  })
  expect(output).toContain('Permission denied')
})

test('archives have the ids of inside, whichever way they go', async () => {
  const archive = tarOf({ path: 'put', uid: 33, gid: 44, mode: 0o640, content: 'x' })
  await same(async (engine) => {
    const { api } = engine
    const id = await api.create(['sleep', '1000'], none(), 'copied')
    const put = (name: string) =>
      api.ask('PUT', `/containers/${id}/archive?path=/${name}`, { body: archive, headers: { 'content-type': 'application/x-tar' } })
    const told: unknown[] = [(await put('tmp')).status]
    await api.start(id)
    told.push((await put('etc')).status, await exec(engine, id, 'touch /tmp/own; stat -c "%u:%g %a %n" /tmp/put /etc/put'))
    // What docker tells of a file in a container is its owner outside, whoever that is on the other side.
    const outside = engine.kind === 'dockerd' ? FIRST : 0
    const read = async (path: string) => {
      const [entry] = readTar((await api.get(`/containers/${id}/archive?path=${path}`)).body)
      expect([entry?.uid, entry?.gid]).toEqual([outside + 33, outside + 44])
      return entry?.mode
    }
    told.push(await read('/tmp/put'))
    await api.must('POST', `/containers/${id}/stop?t=0`)
    told.push(await read('/etc/put'))
    const { Id } = await api.must<{ Id: string }>('POST', `/commit?container=${id}&repo=kept`)
    expect(Id).toMatch(/^sha256:/)
    const exported = readTar((await api.get(`/containers/${id}/export`)).body).filter(({ path }) => /put|own/.test(path.toString()))
    told.push(exported.map(({ path, uid, gid }) => [path.toString(), uid, gid]).sort())
    told.push(await run(engine, 'stat -c "%u:%g %n" /tmp/put /etc/put /tmp/own', { Image: 'kept', ...none() }))
    await api.remove(id)
    return told
  })
})

test('what would reach beyond its user namespace is refused, and --userns host does without', async () => {
  const refused = await same(async ({ api }) => {
    const asked = [{ Privileged: true }, { NetworkMode: 'host' }, { PidMode: 'host' }]
    const answers = await Promise.all(asked.map((HostConfig) => api.post('/containers/create', { Image: 'busybox', HostConfig })))
    return answers.map((answer) => [answer.status, answer.body.toString()])
  })
  expect(refused.map(([status]) => status)).toEqual([400, 400, 400])
  const { output } = await same((engine) =>
    run(engine, 'cat /proc/self/uid_map | tr -s " "; stat -c %u / /etc; touch /x; stat -c %u /x', none({ UsernsMode: 'host' })),
  )
  expect(output).toMatch(/^ 0 0 4294967295\n/)
  await same(async ({ api }) => {
    const id = await api.create(['true'], none({ UsernsMode: 'host' }))
    return (await api.must<{ HostConfig: { UsernsMode: string } }>('GET', `/containers/${id}/json`)).HostConfig.UsernsMode
  })
})

test('a network can be shared, with its devices in /sys; processes cannot', async () => {
  const { output } = await same(async (engine) => {
    const id = await engine.api.create(['sleep', '1000'], none(), 'net')
    await engine.api.start(id)
    return run(engine, 'ls /sys/class/net; grep -c . /proc/net/dev; touch /sys/x 2>&1', { HostConfig: { NetworkMode: 'container:net' } })
  })
  expect(output).toMatch(/^lo\n/)
  const { api } = drydock()
  const id = await api.create(['true'], none({ PidMode: 'container:net' }))
  const answer = await api.post(`/containers/${id}/start`)
  expect([answer.status, answer.body.toString()]).toEqual([403, expect.stringContaining('without userns-remap')])
})

test('images are built, saved and loaded; a bridge has them; the next daemon goes on with what runs', async () => {
  const engine = drydock()
  const { api } = engine
  const context = tarOf(
    { path: 'Dockerfile', content: 'FROM busybox\nCOPY --chown=33:44 file /file\nRUN stat -c %u:%g /file; touch /ran\n' },
    { path: 'file', content: 'x' },
  )
  const built = await api.ask('POST', '/build?t=built', { body: context, headers: { 'content-type': 'application/x-tar' } })
  expect(built.body.toString()).toContain('33:44')
  const saved = (await api.get('/images/built/get')).body
  await api.must('DELETE', '/images/built')
  await engine.load(saved)
  expect(await run(engine, 'stat -c %u:%g /file /ran', { Image: 'built', ...none() })).toEqual({ code: 0, output: '33:44\n0:0\n' })
  const id = await api.create(['sh', '-c', 'ip -o -4 addr show eth0; sleep 1000'], {}, 'bridged')
  await api.start(id)
  await expect.poll(() => printed(engine, id), { timeout: 20_000 }).toMatch(/inet 172\./)
  await engine.kill()
  await engine.start()
  expect(await exec(engine, id, 'cat /proc/self/uid_map | tr -s " "')).toBe(` 0 ${FIRST} ${COUNT}\n`)
  await api.remove(id)
  const { DockerRootDir } = await api.must<{ DockerRootDir: string }>('GET', '/info')
  expect(readdirSync(engine.host.path(join(DockerRootDir, 'containers'))).filter((name) => name.startsWith('.'))).toEqual([])
})
