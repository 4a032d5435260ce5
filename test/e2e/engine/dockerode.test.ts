/** dockerode, as it comes from npm, for everything that it can ask: other connections, other bodies and other habits than docker's command line. */
import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import Dockerode from 'dockerode'
import { beforeAll, describe, expect } from 'vitest'
import { firstFrame } from '../../support/engines/http.js'
import { busyboxArchive } from '../../support/engines/image.js'
import { ENGINE, onEngine } from '../../support/engines.js'
import { layerTar } from '../../support/images.js'

const on = onEngine(ENGINE, { needs: ['command:docker-registry'] })
let docker: Dockerode
beforeAll(() => {
  if (on.able) docker = new Dockerode({ socketPath: on.engine.socket })
})

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const part of stream) text += part.toString()
  return text
}

/** Both of what is framed, to the end. */
async function demuxed(stream: NodeJS.ReadableStream): Promise<{ stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  docker.modem.demuxStream(stream, stdout, stderr)
  const texts = Promise.all([textOf(stdout), textOf(stderr)])
  await once(stream, 'end')
  stdout.end()
  stderr.end()
  const [out, err] = await texts
  return { stdout: out, stderr: err }
}

/** Everything that is told of an archive's progress. */
const followed = (stream: NodeJS.ReadableStream): Promise<Record<string, unknown>[]> =>
  new Promise((resolve, reject) => docker.modem.followProgress(stream, (error, lines) => (error ? reject(error) : resolve(lines))))

const create = (Cmd: string[], more: Dockerode.ContainerCreateOptions = {}) => docker.createContainer({ Image: 'busybox', Cmd, ...more })

/** For the next exit, by dockerode's own connection: its `wait` resolves at the end alone, and this when the engine has begun to wait. */
const waiting = (container: Dockerode.Container): Promise<NodeJS.ReadableStream> =>
  new Promise((resolve, reject) => {
    const asked = {
      path: `/containers/${container.id}/wait?`,
      method: 'POST',
      options: { condition: 'next-exit' },
      isStream: true,
      statusCodes: { 200: true },
    }
    docker.modem.dial(asked, (error, answer) => (error ? reject(error) : resolve(answer as NodeJS.ReadableStream)))
  })

/** By docker.run, which asks to wait only after it has started: a container that removes itself might be gone. */
async function run(
  argv: string[],
  options: Dockerode.ContainerCreateOptions = {},
): Promise<{ status: number; stdout: string; stderr: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const texts = Promise.all([textOf(out), textOf(err)])
  const ended = (await docker.run('busybox', argv, [out, err] as never, { Tty: false, ...options })) as [
    { StatusCode: number },
    Dockerode.Container,
  ]
  await ended[1].remove()
  out.end()
  err.end()
  const [stdout, stderr] = await texts
  return { status: ended[0].StatusCode, stdout, stderr }
}

describe('attach', () => {
  for (const hijack of [true, false]) {
    on.test(`${hijack ? 'with' : 'without'} an upgrade: output from the first byte, to the last`, async () => {
      const container = await create(['sh', '-c', 'echo out; echo err >&2; exit 3'])
      const stream = await container.attach({ stream: true, stdout: true, stderr: true, hijack })
      const read = demuxed(stream)
      const waited = await waiting(container)
      await container.start()
      expect(await read).toEqual({ stdout: 'out\n', stderr: 'err\n' })
      expect(JSON.parse(await textOf(waited))).toMatchObject({ StatusCode: 3 })
      await container.remove()
    })
  }

  on.test('stdin goes in, and its end ends the program', async () => {
    const container = await create(['cat'], { OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true })
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })
    const read = demuxed(stream)
    await container.start()
    const bytes = 'x'.repeat(300_000)
    stream.write(bytes)
    stream.end()
    expect((await read).stdout).toBe(bytes)
    expect(await container.wait()).toMatchObject({ StatusCode: 0 })
    await container.remove()
  })

  on.test('a terminal is raw, and is resized', async () => {
    const container = await create(['sh', '-c', 'read x; stty size; exit 4'], { Tty: true, OpenStdin: true })
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })
    const read = textOf(stream)
    await container.start()
    await container.resize({ h: 21, w: 77 })
    stream.write('go\n')
    expect(await read).toBe('go\r\n21 77\r\n')
    expect(await container.wait()).toMatchObject({ StatusCode: 4 })
    await container.remove()
  })

  on.test('docker.run: create, attach, start and wait in one', async () => {
    expect(await run(['sh', '-c', 'echo o; echo e >&2; exit 5'])).toEqual({ status: 5, stdout: 'o\n', stderr: 'e\n' })
  })
})

describe('in a container that runs', () => {
  let container: Dockerode.Container
  beforeAll(async () => {
    if (!on.able) return
    container = await create(['sh', '-c', 'i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo line $i; done; sleep 1000'], { name: 'runs' })
    await container.start()
  })

  for (const hijack of [true, false]) {
    on.test(`exec, ${hijack ? 'with' : 'without'} an upgrade`, async () => {
      const exec = await container.exec({ Cmd: ['sh', '-c', 'echo o; echo e >&2; exit 6'], AttachStdout: true, AttachStderr: true })
      const stream = await exec.start({ hijack })
      expect(await demuxed(stream)).toEqual({ stdout: 'o\n', stderr: 'e\n' })
      expect(await exec.inspect()).toMatchObject({ ExitCode: 6, Running: false })
    })
  }

  on.test('exec with stdin', async () => {
    const exec = await container.exec({ Cmd: ['sh', '-c', 'wc -c'], AttachStdin: true, AttachStdout: true, AttachStderr: true })
    const stream = await exec.start({ hijack: true, stdin: true })
    const read = demuxed(stream)
    stream.write('y'.repeat(200_000))
    stream.end()
    expect((await read).stdout.trim()).toBe('200000')
  })

  on.test('exec that is detached', async () => {
    const exec = await container.exec({ Cmd: ['sh', '-c', 'echo done > /tmp/detached; exit 7'] })
    await exec.start({ Detach: true })
    await on.api.whenever({ container: ['runs'] }, async () => !(await exec.inspect()).Running)
    expect(await exec.inspect()).toMatchObject({ ExitCode: 7 })
  })

  on.test('exec on a terminal is resized', async () => {
    const exec = await container.exec({ Cmd: ['sh', '-c', 'read x; stty size'], AttachStdin: true, AttachStdout: true, Tty: true })
    const stream = await exec.start({ hijack: true, stdin: true, Tty: true })
    const read = textOf(stream)
    await exec.resize({ h: 12, w: 34 })
    stream.write('go\n')
    expect(await read).toBe('go\r\n12 34\r\n')
  })

  on.test('logs: all, the last, followed', async () => {
    await on.api.whenever({ container: ['runs'] }, async () => (await container.logs({ stdout: true })).toString().includes('line 5'))
    const tail = (await container.logs({ stdout: true, stderr: true, tail: 2 })) as Buffer
    expect(tail.toString()).toContain('line 4\n')
    expect(tail.toString()).not.toContain('line 3')
    const followed = (await container.logs({ stdout: true, follow: true, tail: 1 })) as Readable
    expect(await firstFrame(followed)).toBe('line 5\n')
    followed.destroy()
  })

  on.test('stats: one, and a stream of them', async () => {
    const stats = await container.stats({ stream: false })
    expect(stats.memory_stats.usage).toBeGreaterThan(0)
    expect(stats.pids_stats?.current).toBeGreaterThan(0)
    expect(stats.cpu_stats.system_cpu_usage).toBeGreaterThan(stats.precpu_stats.system_cpu_usage)
    const stream = (await container.stats({ stream: true })) as Readable
    const [line] = (await once(stream, 'data')) as [Buffer]
    expect(JSON.parse(line.toString())).toMatchObject({ name: '/runs' })
    stream.destroy()
  })

  on.test('top', async () => {
    const { Titles, Processes } = (await container.top()) as { Titles: string[]; Processes: string[][] }
    expect(Titles).toContain('PID')
    expect(Processes.some((row) => row.join(' ').includes('sleep 1000'))).toBe(true)
  })

  on.test('archives go in and come out', async () => {
    await container.putArchive(layerTar({ 'put/': '', 'put/file': 'words\n' }), { path: '/tmp' })
    const archive = await textOf(await container.getArchive({ path: '/tmp/put/file' }))
    expect(archive).toContain('words\n')
    const info = (await container.infoArchive({ path: '/tmp/put/file' })) as unknown as Readable & { headers: Record<string, string> }
    const stat = JSON.parse(Buffer.from(info.headers['x-docker-container-path-stat'] as string, 'base64').toString())
    expect(stat).toMatchObject({ name: 'file', size: 6, linkTarget: '' })
    info.resume()
    await expect(container.getArchive({ path: '/nosuch' })).rejects.toMatchObject({ statusCode: 404 })
  })

  on.test('changes, and all of its files', async () => {
    expect(await container.changes()).toContainEqual({ Path: '/tmp/put/file', Kind: 1 })
    expect(await textOf(await container.export())).toContain('words\n')
  })

  on.test('pause, unpause, rename, update, restart, stop, kill', async () => {
    await container.pause()
    expect((await container.inspect()).State).toMatchObject({ Paused: true, Status: 'paused', Running: true })
    await container.unpause()
    await container.rename({ name: 'renamed' })
    expect((await docker.getContainer('renamed').inspect()).Name).toBe('/renamed')
    await container.update({ Memory: 64 * 2 ** 20, MemorySwap: -1 })
    expect((await container.inspect()).HostConfig.Memory).toBe(64 * 2 ** 20)
    await container.restart({ t: 0 })
    await container.stop({ t: 0 })
    await expect(container.stop()).rejects.toMatchObject({ statusCode: 304 })
    await container.start()
    await expect(container.start()).rejects.toMatchObject({ statusCode: 304 })
    await container.kill()
    await container.wait()
    await expect(container.kill()).rejects.toMatchObject({ statusCode: 409 })
    await container.remove()
    await expect(container.inspect()).rejects.toMatchObject({ statusCode: 404, json: { message: `No such container: ${container.id}` } })
  })
})

describe('images', () => {
  on.test('are loaded, listed, tagged, looked at and removed', async () => {
    const lines = await followed(await docker.loadImage(busyboxAs('loaded:1') as never))
    expect(JSON.stringify(lines)).toContain('Loaded image: loaded:1')
    expect((await docker.listImages({ filters: { reference: ['loaded'] } })).map(({ RepoTags }) => RepoTags)).toEqual([['loaded:1']])
    const image = docker.getImage('loaded:1')
    await image.tag({ repo: 'again', tag: '2' })
    expect((await image.inspect()).RepoTags?.sort()).toEqual(['again:2', 'loaded:1'])
    expect(await image.history()).not.toEqual([])
    await image.remove()
    await docker.getImage('again:2').remove()
    await expect(docker.getImage('again:2').inspect()).rejects.toMatchObject({ statusCode: 404 })
  })

  on.test('are pushed and pulled, and progress is told', async () => {
    const address = await on.engine.registry()
    await docker.getImage('busybox').tag({ repo: `${address}/box`, tag: 'v1' })
    const pushed = await followed(
      await docker.getImage(`${address}/box:v1`).push({ tag: 'v1', authconfig: { username: '', password: '', serveraddress: '' } }),
    )
    expect(pushed.some(({ aux }) => (aux as { Digest?: string } | undefined)?.Digest?.startsWith('sha256:'))).toBe(true)
    await docker.getImage(`${address}/box:v1`).remove()
    const pulled = await followed(await docker.pull(`${address}/box:v1`))
    expect(pulled.map(({ status }) => status)).toContain(`Status: Downloaded newer image for ${address}/box:v1`)
    expect(pulled.some(({ status }) => String(status).startsWith('Digest: sha256:'))).toBe(true)
    const again = await followed(await docker.pull(`${address}/box:v1`))
    expect(again.map(({ status }) => status)).toContain(`Status: Image is up to date for ${address}/box:v1`)
    await docker.getImage(`${address}/box:v1`).remove()
    await expect(docker.pull(`${address}/nosuch:v1`)).rejects.toMatchObject({ statusCode: 404 })
  })

  on.test('are saved, imported and committed', async () => {
    expect(await textOf(await docker.getImage('busybox').get())).toContain('manifest.json')
    const imported = await docker.importImage(layerTar({ 'only/': '', 'only/file': '1' }) as never, { repo: 'imported', tag: '1' } as never)
    expect(await textOf(imported as unknown as Readable)).toContain('sha256:')
    await docker.getImage('imported:1').remove()
    const container = await create(['sh', '-c', 'echo kept > /kept'])
    await container.start()
    await container.wait()
    await container.commit({ repo: 'committed', tag: '1', changes: 'CMD ["cat", "/kept"]' })
    await container.remove()
    const reader = await docker.createContainer({ Image: 'committed:1' })
    const stream = await reader.attach({ stream: true, stdout: true, stderr: true })
    const read = demuxed(stream)
    await reader.start()
    expect((await read).stdout).toBe('kept\n')
    await reader.wait()
    await reader.remove()
    await docker.getImage('committed:1').remove()
  })
})

describe('networks, volumes, events, the system', () => {
  on.test('a network is made, joined, left and removed', async () => {
    const network = await docker.createNetwork({ Name: 'ode', IPAM: { Driver: 'default', Config: [{ Subnet: '10.55.1.0/24' }] } })
    const container = await create(['sleep', '1000'])
    await container.start()
    await network.connect({ Container: container.id, EndpointConfig: { Aliases: ['alias'], IPAMConfig: { IPv4Address: '10.55.1.7' } } })
    const { Containers } = (await network.inspect()) as { Containers: Record<string, { IPv4Address: string }> }
    expect(Containers[container.id]?.IPv4Address).toBe('10.55.1.7/24')
    await expect(network.remove()).rejects.toMatchObject({ statusCode: 403 })
    await network.disconnect({ Container: container.id })
    expect(Object.keys((await container.inspect()).NetworkSettings.Networks)).toEqual(['bridge'])
    await network.remove()
    expect((await docker.listNetworks()).map(({ Name }) => Name)).not.toContain('ode')
    await container.remove({ force: true })
  })

  on.test('a volume outlives its containers', async () => {
    await docker.createVolume({ Name: 'ode', Labels: { a: 'b' } })
    const HostConfig = { Binds: ['ode:/data'] }
    await run(['sh', '-c', 'echo kept > /data/file'], { HostConfig })
    expect((await run(['cat', '/data/file'], { HostConfig })).stdout).toBe('kept\n')
    expect(await docker.getVolume('ode').inspect()).toMatchObject({ Name: 'ode', Driver: 'local', Labels: { a: 'b' } })
    await docker.getVolume('ode').remove()
    await expect(docker.getVolume('ode').inspect()).rejects.toMatchObject({ statusCode: 404 })
  })

  on.test('events come as they happen, and only those that were asked for', async () => {
    const events = (await docker.getEvents({
      filters: { type: ['container'], event: ['create', 'start', 'die', 'destroy'], label: ['watched'] },
    })) as Readable
    const seen: string[] = []
    const all = new Promise<void>((resolve) => {
      events.on('data', (line: Buffer) => {
        for (const one of line.toString().split('\n').filter(Boolean)) seen.push((JSON.parse(one) as { Action: string }).Action)
        if (seen.includes('destroy')) resolve()
      })
    })
    await (await create(['true'])).remove()
    const container = await create(['true'], { Labels: { watched: '1' } })
    await container.start()
    await container.wait()
    await container.remove()
    await all
    events.destroy()
    expect(seen).toEqual(['create', 'start', 'die', 'destroy'])
  })

  on.test('ping, version, info, df', async () => {
    expect((await docker.ping()).toString()).toBe('OK')
    expect(await docker.version()).toMatchObject({ Os: 'linux' })
    const info = await docker.info()
    expect(info).toMatchObject({ OSType: 'linux', Images: 1 })
    expect((await docker.df()).Images).toHaveLength(1)
  })

  on.test('prune takes what is not used', async () => {
    const container = await create(['true'])
    const before = await docker.pruneContainers({ filters: { label: ['nobody'] } })
    expect(before.ContainersDeleted ?? []).toEqual([])
    expect((await docker.pruneContainers()).ContainersDeleted).toEqual([container.id])
    await docker.createNetwork({ Name: 'unused' })
    expect((await docker.pruneNetworks()).NetworksDeleted).toEqual(['unused'])
    expect((await docker.pruneImages()).ImagesDeleted ?? []).toEqual([])
    await docker.createVolume({ Name: 'unused' })
    expect((await docker.pruneVolumes({ filters: { all: ['true'] } as never })).VolumesDeleted).toEqual(['unused'])
    expect(await docker.listContainers({ all: true })).toEqual([])
  })
})

/** Another image: it has a label. */
const busyboxAs = (tag: string): Buffer => busyboxArchive({ tags: [tag], config: { Labels: { another: '1' } } })
