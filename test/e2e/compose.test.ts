/**
 * docker-compose with drydock, and the same with Docker's own daemon: three services on two networks, one of them internal, with aliases, links, a fixed address, ports,
 * a volume, and one that is waited for until it is well.
 */
import { beforeAll, describe, expect } from 'vitest'
import { ComposeProject } from '../support/compose.js'
import { type EngineKind, NEEDS, TestEngine } from '../support/engines.js'
import { missing, requires } from '../support/requires.js'

const FILE = `
version: "2.4"
services:
  web:
    image: busybox
    command: ["httpd", "-f", "-p", "80", "-h", "/var"]
    environment:
      GREETING: \${GREETING:-ahoy}
    ports: ["8080:80", "127.0.0.1:8091-8092:81-82", "5353:53/udp"]
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_started}
    links: ["db:store"]
    networks:
      front: {aliases: [www]}
      back: {aliases: [site]}
    dns_search: fleet.example
    restart: unless-stopped
    stop_signal: SIGKILL
  db:
    image: busybox
    command: ["sh", "-c", "echo ready; echo treasure > /data/chest; exec httpd -f -p 5432 -h /data"]
    volumes: ["hold:/data"]
    networks:
      back: {aliases: [database], ipv4_address: 10.77.0.10}
    healthcheck: {test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:5432/chest"], interval: 200ms, timeout: 10s, retries: 50}
    stop_signal: SIGKILL
  cache:
    image: busybox
    command: ["sleep", "1000"]
    networks: [back]
    stop_signal: SIGKILL
networks:
  front: {}
  back:
    internal: true
    ipam: {config: [{subnet: 10.77.0.0/24}]}
volumes:
  hold: {}
`

/** What a container of `web` can tell. */
const LOOK = `
echo $GREETING
for name in db database store cache www site; do ping -c 1 -W 5 $name > /dev/null && echo $name answers; done
wget -qO- http://store:5432/chest
ip route | grep -o 'default via [0-9.]*'
grep search /etc/resolv.conf
`

const NAMES = ['web', 'db', 'cache'].map((name) => `/fleet_${name}_1`).sort()

async function play(kind: EngineKind) {
  const engine = await TestEngine.open(kind)
  const project = new ComposeProject(engine, FILE)
  const ok = async (words: string, environment?: Readonly<Record<string, string>>) => {
    const { exitCode, stderr, stdout } = await project.run(words.split(' '), environment)
    if (exitCode !== 0) throw new Error(`${kind}: docker-compose ${words}: ${exitCode}: ${stderr}`)
    return stdout
  }
  try {
    await ok('up -d')
    const up = await project.state()
    const ps = await ok('ps')
    const inside = await project.run(['exec', '-T', 'web', 'sh', '-c', LOOK])
    const exits = (await project.run(['exec', '-T', 'cache', 'sh', '-c', 'exit 7'])).exitCode
    const logs = await ok('logs --no-color db')
    await ok('up -d --scale cache=2')
    const scaled = Object.keys(await project.ids()).sort()
    const before = await project.ids()
    await ok('up -d', { GREETING: 'welcome' })
    const after = await project.ids()
    const recreated = Object.keys(after).filter((name) => before[name] !== after[name])
    const changed = (await project.state()).containers['/fleet_web_1']
    await ok('stop')
    const stopped = Object.values((await project.state()).containers).map(({ status }) => status)
    await ok('start')
    const started = await project.state()
    await ok('down -v')
    return { up, ps, inside, exits, logs, scaled, recreated, changed, stopped, started, down: await project.state() }
  } finally {
    project.remove()
    await engine.close()
  }
}

type Played = Awaited<ReturnType<typeof play>>

const needs = [...new Set([...NEEDS.drydock, ...NEEDS.dockerd, 'command:docker-compose' as const])]
const test = requires(...needs)
let ours: Played
let docker: Played
beforeAll(async () => {
  if (missing(needs).length > 0) return
  ;[ours, docker] = await Promise.all([play('drydock'), play('dockerd')])
}, 600_000)

describe('docker-compose', () => {
  test('brings a project up: what is there is what Docker has then', () => {
    expect(Object.keys(ours.up.containers).sort()).toEqual(NAMES)
    expect(ours.up.containers['/fleet_db_1']).toMatchObject({ status: 'running', health: 'healthy' })
    expect(ours.up.networks.fleet_back).toMatchObject({ Internal: true, members: NAMES.map((name) => name.slice(1)) })
    expect(ours.up).toEqual(docker.up)
  })

  test('services find each other by every name, and only by the network that leads out they get out', () => {
    const answers = ['db', 'database', 'store', 'cache', 'www', 'site'].map((name) => `${name} answers`)
    expect(ours.inside.stdout.split('\n')).toEqual([
      'ahoy',
      ...answers,
      'treasure',
      expect.stringMatching(/^default via /),
      'search fleet.example',
    ])
    expect(ours.inside).toEqual(docker.inside)
  })

  test('lists them, shows what they print, and runs commands in them', () => {
    // Docker's own program between also answers on IPv6 for a container that has none.
    const table = (text: string) =>
      text
        .replaceAll(/, :::[0-9]+->[0-9]+\/(tcp|udp)|,:::[0-9]+->[0-9]+\/(tcp|udp)/g, '')
        .replaceAll(/ +$|-{3,}/gm, '')
        .replaceAll(/ +/g, ' ')
    expect(table(ours.ps)).toEqual(table(docker.ps))
    expect(ours.logs).toContain('ready')
    expect(ours.logs).toEqual(docker.logs)
    expect([ours.exits, docker.exits]).toEqual([7, 7])
  })

  test('makes more of one, and makes those anew that have changed', () => {
    expect(ours.scaled).toEqual([...NAMES, '/fleet_cache_2'].sort())
    expect(ours.scaled).toEqual(docker.scaled)
    expect(ours.recreated).toEqual(docker.recreated)
    expect(ours.changed?.env).toContain('GREETING=welcome')
    expect(ours.changed).toEqual(docker.changed)
  })

  test('stops and starts all, and leaves nothing', () => {
    expect(new Set(ours.stopped)).toEqual(new Set(['exited']))
    expect(ours.started).toEqual(docker.started)
    expect(ours.down).toEqual({ containers: {}, networks: {}, volumes: {} })
    expect(docker.down).toEqual(ours.down)
  })
})
