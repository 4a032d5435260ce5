/** What the article leaves out: whose files and processes are meant from vm-2, and how to keep everybody else out. On any two hosts, each part on its own. */
import { expect } from 'vitest'
import { done, type TwoHosts } from './hosts.js'

type Hosts = Pick<TwoHosts, 'on' | 'addresses'>

export interface SecurePart {
  readonly name: string
  run(hosts: Hosts): Promise<void>
}

const PIDFILE = '/run/drydock-secure.pid'
const LOG = '/tmp/drydock-secure.log'

/** A daemon on vm-1 while `act` acts; what it said until it listened. */
async function withDaemon(hosts: Hosts, args: readonly string[], act: (said: string) => Promise<void>): Promise<void> {
  await done(
    hosts,
    'vm-1',
    `setsid drydock daemon ${args.join(' ')} --pidfile ${PIDFILE} > ${LOG} 2>&1 < /dev/null &
     until grep -q 'API listen on' ${LOG}; do kill -0 $! || { cat ${LOG} >&2; exit 1; }; sleep 0.05; done`,
  )
  try {
    await act(await done(hosts, 'vm-1', `cat ${LOG}`))
  } finally {
    await done(hosts, 'vm-1', `pid=$(cat ${PIDFILE}); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done; rm ${LOG}`)
  }
}

/** An image of one program, as a tar on standard output. */
const SMALL = `mkdir -p /tmp/small/bin && cp "$(command -v busybox)" /tmp/small/bin/busybox && ln -sf busybox /tmp/small/bin/sh && tar c -C /tmp/small .`

export const SECURE: readonly SecurePart[] = [
  {
    name: 'without TLS vm-2 runs containers on vm-1 with vm-1’s files, and is root there; it is warned of',
    async run(hosts) {
      const at = `tcp://${hosts.addresses['vm-1']}:2375`
      const refused = await hosts.on('vm-2', `drydock -H ${at} info`)
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('connection refused')])
      const afar = (script: string) => done(hosts, 'vm-2', `export DOCKER_HOST=${at}; ${script}`)
      await withDaemon(hosts, ['-H', at, '--tls=false'], async (said) => {
        expect(said).toMatch(/warn +the API is open on tcp:\S+ without TLS/)
        expect(await afar("drydock info --format '{{.Name}}'")).toBe('vm-1\n')
        await afar(`${SMALL} | drydock import - small`)
        const id = (await afar('drydock run -d small busybox sleep 4711')).trim()
        const seen = 'ps axo args | grep -c "[s]leep 4711" || true'
        expect([await done(hosts, 'vm-1', seen), await done(hosts, 'vm-2', seen)]).toEqual(['1\n', '0\n'])
        const secrets = await afar('drydock run --rm -v /:/host small busybox cat /host/etc/hostname /host/etc/shadow')
        expect(secrets).toBe(await done(hosts, 'vm-1', 'cat /etc/hostname /etc/shadow'))
        await afar(`drydock rm -f ${id}; drydock rmi small`)
        // All of it was on vm-1.
        expect(await done(hosts, 'vm-2', 'ls -d /var/lib/drydock/overlay 2>/dev/null || true')).toBe('')
      })
    },
  },
  {
    name: 'with TLS those are let in who have the certificates of drydock tls, and nobody else',
    async run(hosts) {
      const address = hosts.addresses['vm-1']
      await done(hosts, 'vm-1', `rm -rf /root/certs; drydock tls --dir /root/certs --host vm-1 --host ${address}`)
      const files = ['ca', 'cert', 'key'].flatMap((name) => [
        `--tls${name === 'ca' ? 'cacert' : name}`,
        `/root/certs/${name === 'ca' ? 'ca' : `server-${name}`}.pem`,
      ])
      const put = async (name: string) => {
        const pem = await done(hosts, 'vm-1', `cat /root/certs/${name}`)
        await done(hosts, 'vm-2', `mkdir -p /root/.docker && cat > /root/.docker/${name}`, pem)
      }
      const ask = (host: string, verify: '1' | '') =>
        hosts.on('vm-2', `DOCKER_TLS_VERIFY=${verify} drydock -H tcp://${host}:2376 info --format '{{.Name}}'`)
      try {
        await withDaemon(hosts, ['-H', `tcp://${address}:2376`, '--tlsverify', ...files], async () => {
          await put('ca.pem')
          expect((await ask(address, '')).stderr).toContain('Its port expects TLS, and none was spoken')
          expect((await ask(address, '1')).code).toBe(1)
          for (const name of ['cert.pem', 'key.pem']) await put(name)
          for (const host of ['vm-1', address]) expect(await ask(host, '1'), host).toMatchObject({ code: 0, stdout: 'vm-1\n' })
        })
      } finally {
        for (const machine of ['vm-1', 'vm-2'] as const) await done(hosts, machine, 'rm -rf /root/certs /root/.docker')
      }
    },
  },
]
