/** An engine on vm-1 and clients on vm-2: without TLS, with it, and what a client on neither of them is told. */
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endHostSpawner } from '../../lib/bottle.js'
import { Hosts } from '../../lib/hosts/hosts.js'
import { runInside, startInside } from '../../lib/hosts/inside.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { DRYDOCK } from '../support/private-host.js'
import { missing, requires } from '../support/requires.js'

const NEEDS = ['root', 'command:nft', 'command:busybox'] as const
const able = missing(NEEDS).length === 0

let hosts: Hosts
const daemons: Shim[] = []
beforeAll(async () => {
  if (!able) return
  hosts = await Hosts.open()
})
afterAll(async () => {
  if (!able) return
  await Promise.all(daemons.map((daemon) => daemon.rollback()))
  await hosts.close()
  await endHostSpawner()
})

const inside = (name: 'vm-1' | 'vm-2', script: string, input?: string) => runInside(hosts.record(name), ['sh', '-c', script], input)

/** A daemon on vm-1; resolves with what it said, when that matches. */
async function daemon(pattern: RegExp, ...args: string[]): Promise<string> {
  let said = ''
  let heard: () => void = () => undefined
  const shim = await startInside(hosts.record('vm-1'), { argv: ['drydock', 'daemon', ...args] }, (one) => {
    one.on('output', (_, bytes) => {
      said += bytes
      heard()
    })
  })
  daemons.push(shim)
  await new Promise<void>((resolve, reject) => {
    heard = () => pattern.test(said) && resolve()
    shim.once('exit', () => reject(new Error(`it has ended: ${said}`)))
    heard()
  })
  return said
}

const ROOT =
  'mkdir -p /tmp/root/bin && cp "$(command -v busybox)" /tmp/root/bin/ && ln -sf busybox /tmp/root/bin/sh && tar c -C /tmp/root .'

describe('an engine on vm-1', () => {
  const test = requires(...NEEDS)

  test('is reached from vm-2 without TLS, runs containers there, and gives root away', async () => {
    const said = await daemon(/API listen on tcp/, '-H', 'tcp://172.20.122.115:2375', '--tls=false')
    expect(said).toMatch(/warn +the API is open on tcp:\/\/172\.20\.122\.115:2375 without TLS/)
    const at = 'export DOCKER_HOST=tcp://172.20.122.115:2375;'
    expect((await inside('vm-2', `${at} drydock info --format '{{.Name}}'`)).stdout).toBe('vm-1\n')
    await inside('vm-2', `${at} ${ROOT} | drydock import - small`)
    const { stdout, stderr } = await inside(
      'vm-2',
      `${at} drydock run --rm -v /:/host small sh -c 'busybox cat /host/etc/hostname /host/etc/shadow'`,
    )
    expect(`${stdout}${stderr}`).toBe('vm-1\nroot:*:19000:0:99999:7:::\n')
    // All of it is on vm-1.
    expect((await inside('vm-2', 'ls -A /var/lib/drydock')).stdout).toBe('')
  }, 60_000)

  requires(...NEEDS, 'command:docker')('is the same to docker’s command line', async () => {
    const { stdout } = await inside('vm-2', `DOCKER_HOST=tcp://172.20.122.115:2375 docker info --format '{{.Name}} {{.DockerRootDir}}'`)
    expect(stdout).toBe('vm-1 /var/lib/drydock\n')
  })

  test('lets in by TLS who has the certificates that drydock tls made, and nobody else', async () => {
    const place = ['--data-root', '/var/lib/drydock/second', '--exec-root', '/run/second', '--pidfile', '/run/second.pid']
    await inside('vm-1', 'drydock tls --dir /root/certs --host vm-1 --host 172.20.122.115')
    const files = [
      '--tlscacert',
      '/root/certs/ca.pem',
      '--tlscert',
      '/root/certs/server-cert.pem',
      '--tlskey',
      '/root/certs/server-key.pem',
    ]
    await daemon(/API listen on tcp/, ...place, '-H', 'tcp://172.20.122.115:2376', '--tlsverify', ...files)
    const pack = 'cd /root/certs && base64 ca.pem && echo , && base64 cert.pem && echo , && base64 key.pem'
    const [ca = '', cert = '', key = ''] = (await inside('vm-1', pack)).stdout
      .split(',')
      .map((text) => Buffer.from(text, 'base64').toString())
    const put = (name: string, content: string) => inside('vm-2', `mkdir -p /root/.docker && cat > /root/.docker/${name}`, content)
    await put('ca.pem', ca)
    const ask = (host: string, verify = 1) =>
      inside('vm-2', `DOCKER_TLS_VERIFY=${verify || ''} DOCKER_HOST=tcp://${host}:2376 drydock info --format '{{.Name}}'`)
    expect((await ask('vm-1', 0)).stderr).toContain('Its port expects TLS, and none was spoken')
    await put('cert.pem', cert)
    await put('key.pem', key)
    for (const host of ['vm-1', '172.20.122.115']) expect((await ask(host)).stdout, host).toBe('vm-1\n')
  }, 60_000)
})

test('from here an engine on vm-1 is not asked', async () => {
  const env = { DRYDOCK_ENGINE: '', DOCKER_HOST: 'tcp://172.20.122.115:2375' }
  const { exitCode, stderr } = await execa(process.execPath, [DRYDOCK, 'ps'], { reject: false, env })
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/172\.20\.122\.115 is vm-1, and .*npm run hosts -- shell vm-2/)
})
