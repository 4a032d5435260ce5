/**
 * The exercise with two hosts in short: an engine on vm-1, its client on vm-2, between two guests with a cable. Each step goes on where the one before has left
 * them, and the last leaves them as they were. The whole of it, with terminals and a registry, is test/support/exercise.
 */
import assert from 'node:assert/strict'
import type { Said } from './talk.js'

export type Name = 'vm-1' | 'vm-2'

export interface Machines {
  readonly addresses: Readonly<Record<Name, string>>
  /** Whether they have docker's own command line. */
  readonly docker: boolean
  /** A script, run by sh as root, to its end. */
  on(name: Name, script: string): Promise<Said>
  /** Plug it in. */
  begin(name: Name): Promise<Said>
}

interface Step {
  readonly name: string
  run(two: Machines): Promise<void>
}

const SOCKET = 'unix:///run/drydock.sock'
const LOG = '/tmp/exercise.log'

/** What it says, without the newline at its end; anything but status 0 is an error. */
async function said({ on }: Machines, name: Name, script: string): Promise<string> {
  const { code, stdout, stderr } = await on(name, script)
  assert.equal(code, 0, `on ${name}: ${script}\n${stdout}${stderr}`)
  return stdout.replace(/\n$/, '')
}

const portOf = ({ addresses }: Machines) => `tcp://${addresses['vm-1']}:2375`
/** A command line of vm-2 that asks the engine on vm-1. */
const afar = (two: Machines, words: string) => said(two, 'vm-2', `DOCKER_HOST=${portOf(two)} ${words}`)

/** Start the daemon in the background, and return what it said until it listens everywhere. */
function start(two: Machines, ...places: string[]): Promise<string> {
  const hosts = places.map((place) => `-H ${place}`).join(' ')
  const waits = `until [ "$(grep -c 'API listen on' ${LOG})" = ${places.length} ]; do kill -0 $! || { cat ${LOG}; exit 1; }; sleep 0.2; done`
  return said(
    two,
    'vm-1',
    `drydock daemon ${hosts} --tls=false > ${LOG} 2>&1 < /dev/null & echo $! > /tmp/exercise.pid\n${waits}\ncat ${LOG}`,
  )
}

/** End it, and wait until it is gone: its process has become a child of process 1, which may not have waited for it. */
const stop = (two: Machines) =>
  said(
    two,
    'vm-1',
    'read pid < /tmp/exercise.pid; kill $pid; while grep -q "^State:.[^Z]" /proc/$pid/status 2>/dev/null; do sleep 0.1; done',
  )

/** Ports on which somebody listens, of IPv4, in decimal. proc(5): 0A is LISTEN. */
async function listening(two: Machines): Promise<number[]> {
  const rows = (await said(two, 'vm-1', 'cat /proc/net/tcp')).split('\n').map((row) => row.trim().split(/\s+/))
  return rows.filter(([, , , state]) => state === '0A').map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16))
}

const container: { id?: string } = {}

export const STEPS: readonly Step[] = [
  {
    name: 'they see each other',
    async run(two) {
      for (const name of ['vm-1', 'vm-2'] as const) assert.deepEqual(await two.begin(name), { code: 0, stdout: '', stderr: '' })
      await said(two, 'vm-2', 'ping -c 1 -W 20 vm-1')
    },
  },
  {
    name: 'the engine is on its socket, and on no port',
    async run(two) {
      await start(two, SOCKET)
      assert.equal(await said(two, 'vm-1', "drydock info --format '{{.Name}}'"), 'vm-1')
      assert.deepEqual(await listening(two), [])
      await stop(two)
    },
  },
  {
    name: 'on the network it warns, and its socket is gone',
    async run(two) {
      const log = await start(two, portOf(two))
      assert.match(log, /warn +the API is open on tcp:\S+ without TLS/)
      assert.deepEqual(await listening(two), [2375])
      const { code, stderr } = await two.on('vm-1', `DOCKER_HOST=${SOCKET} drydock info`)
      assert.equal(code, 1)
      assert.match(stderr, /\/run\/drydock\.sock/)
    },
  },
  {
    name: 'from vm-2 the engine of vm-1 answers',
    async run(two) {
      assert.equal(await afar(two, "drydock info --format '{{.Name}} {{.KernelVersion}}'"), `vm-1 ${await said(two, 'vm-1', 'uname -r')}`)
      if (two.docker) assert.equal(await afar(two, "docker info --format '{{.Name}} {{.Driver}}'"), 'vm-1 overlay2')
      assert.equal(await said(two, 'vm-2', 'hostname; ls -A /var/lib/drydock 2>/dev/null || :'), 'vm-2')
    },
  },
  {
    name: 'it listens in both places at once',
    async run(two) {
      await stop(two)
      await start(two, SOCKET, portOf(two))
      const id = await said(two, 'vm-1', "drydock info --format '{{.ID}}'")
      assert.equal(await afar(two, "drydock info --format '{{.ID}}'"), id)
    },
  },
  {
    name: 'a container that vm-2 asks for is a process of vm-1, and its -v is a path of vm-1',
    async run(two) {
      const files =
        'mkdir -p /tmp/root/bin /tmp/root/tmp && cp "$(command -v busybox)" /tmp/root/bin/ && ln -sf busybox /tmp/root/bin/sh && tar c -C /tmp/root .'
      await said(two, 'vm-2', `set -e; ( ${files} ) > /tmp/root.tar; DOCKER_HOST=${portOf(two)} drydock import /tmp/root.tar small`)
      const script =
        'echo "Happy whales !" > /tmp/myfile; read name < /vm/etc/hostname; echo "$name $(busybox hostname)"; exec busybox sleep 86399'
      const id = await afar(two, `drydock run -d --network none -v /:/vm small sh -c '${script.replaceAll("'", "'\\''")}'`)
      container.id = id
      // That it runs is told when its shell begins: what it does next has to be waited for.
      const looks = `for one in /proc/[0-9]*; do tr '\\0' ' ' < $one/cmdline; echo; done 2>/dev/null | grep -c '^busybox sleep 8639[9] $'`
      await said(two, 'vm-1', `until [ "$(${looks})" = 1 ]; do sleep 0.2; done`)
      assert.equal((await two.on('vm-2', looks)).stdout, '0\n')
      const logs = await afar(two, `sh -c 'until logs=$(drydock logs ${id}) && [ -n "$logs" ]; do sleep 0.2; done; echo "$logs"'`)
      assert.equal(logs, `vm-1 ${id.slice(0, 12)}`)
    },
  },
  {
    name: 'what it wrote is a file of vm-1, and is there when it is started again',
    async run(two) {
      const id = container.id ?? 'no container'
      await afar(two, `drydock kill ${id}`)
      assert.equal(await afar(two, 'drydock ps -q'), '')
      assert.equal(await afar(two, 'drydock ps -aq --no-trunc'), id)
      const upper = await afar(two, `drydock inspect -f '{{.GraphDriver.Data.UpperDir}}' ${id}`)
      assert.equal(await said(two, 'vm-1', `cat ${upper}/tmp/myfile`), 'Happy whales !')
      await afar(two, `drydock start ${id}`)
      assert.equal(await afar(two, `drydock exec ${id} busybox cat /tmp/myfile`), 'Happy whales !')
    },
  },
  {
    name: 'nothing is left',
    async run(two) {
      await afar(two, `drydock rm -f ${container.id}`)
      await afar(two, 'drydock rmi small')
      await stop(two)
      assert.deepEqual(await listening(two), [])
      await said(two, 'vm-1', `rm -rf /var/lib/drydock/* /run/drydock ${LOG} /tmp/exercise.pid`)
      await said(two, 'vm-2', 'rm -rf /tmp/root /tmp/root.tar')
    },
  },
]

/** Play it. What fails is said and ends it, for later steps need it. */
export async function replay(two: Machines): Promise<{ passed: number; failed: number; skipped: number }> {
  console.log('\nthe exercise with two hosts, in short (two guests and a cable)')
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { name, run } of STEPS) {
    const began = performance.now()
    try {
      await run(two)
    } catch (error) {
      console.log(`  FAIL  ${name}\n${((error as Error).stack ?? String(error)).replace(/^/gm, '        ')}`)
      return { ...counts, failed: 1 }
    }
    counts.passed++
    console.log(`  ok  ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
  }
  return counts
}
