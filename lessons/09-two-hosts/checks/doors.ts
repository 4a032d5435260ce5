/** The exercise “doors”: a table, and what is true of it; somebody on vm-2 knocks at every port. */
import { mkdirSync, readdirSync } from 'node:fs'
import type { Bottle } from '../../../lib/bottle.js'
import { accept4, bind_inet, close, connect_inet, listen, ref, type Step, setsockopt_rcvtimeo, socket } from '../../../lib/index.js'
import type { Endpoint } from '../../../lib/kernel/endpoint.js'
import type { Ground } from '../../../lib/tutor/ground.js'
import type { Setting, Trial } from '../../../lib/tutor/lesson.js'
import { random } from '../../../lib/tutor/random.js'
import { twoHosts } from '../ground.js'
import { linesIn, tableOf } from '../table.js'

/** Where they listen: every address, vm-1's own (`own`), or one that nobody else reaches. */
const PLACES = ['0.0.0.0', 'own', '127.0.0.1', '127.0.0.2'] as const
const MORE = 3

/** At least one of every kind. Ports are below those that the kernel gives to clients (32768 and up). `own`: the address of vm-1. */
function newListeners(own: string): Endpoint[] {
  const places = [...PLACES, ...Array.from({ length: MORE }, () => random.pick(PLACES))]
  const ports = new Set<number>()
  while (ports.size < places.length) ports.add(random.integer(1024, 32_000))
  return [...ports].map((port, index) => {
    const place = places[index] ?? 'own'
    return { address: place === 'own' ? own : place, port }
  })
}

const LISTENER = (index: number) => ref(`listener.${index}`)

/** The listeners, and a connection of vm-1 with itself: it too has a port that is vm-1's own, at which nobody is let in. */
export async function doorsSetting(bottle: Bottle, { log }: Trial['challenge'], ground: Ground): Promise<Setting> {
  mkdirSync(bottle.hostPath(log as string))
  const own = twoHosts({ ground }).address('vm-1')
  const server = await bottle.shim()
  const all = newListeners(own)
  await server.run(
    all.flatMap(({ address, port }, index): Step[] => [
      socket('inet', 'stream', 0, { keep: LISTENER(index).ref }),
      bind_inet(LISTENER(index), address, port),
      listen(LISTENER(index), 16),
    ]),
  )
  const open = all.findIndex(({ address }) => address === own)
  await server.run([
    socket('inet', 'stream', 0, { keep: 'client' }),
    connect_inet(ref('client'), own, all[open]?.port ?? 0),
    accept4(LISTENER(open), { keep: 'caller' }),
  ])
  return { given: { table: tableOf(bottle) }, close: async () => undefined }
}

export async function checkDoors(trial: Trial): Promise<void> {
  const hosts = twoHosts(trial)
  const vm1 = hosts.on('vm-1')
  const lines = linesIn(tableOf(vm1))
  const ports = [...new Set(lines.map(({ local }) => local.port))].sort((one, other) => one - other)
  await trial.run()
  const open = new Set<number>()
  const visitor = await hosts.on('vm-2').shim()
  for (const port of ports) if (await lets(visitor, hosts.address('vm-1'), port)) open.add(port)
  const named = readdirSync(vm1.hostPath(trial.challenge.log as string))
  const lineOf = (port: number) => lines.find(({ local }) => local.port === port)
  const unknown = named.filter((name) => !lineOf(Number(name)))
  trial.expect(unknown.length === 0, `in the log, and no port in the table: ${unknown.join(', ')}`, 2)
  for (const port of named.map(Number)) {
    const line = lineOf(port)
    if (!line || open.has(port)) continue
    const why = line.state === 'listen' ? `who listens there does so at ${line.local.address}` : 'nobody listens there'
    trial.expect(false, `${port} is in the log, and vm-2 was not let in at it: ${why}`, line.state === 'listen' ? 3 : 1)
  }
  const left = [...open].filter((port) => !named.includes(String(port)))
  trial.expect(left.length === 0, `vm-2 was let in, and the log has nothing of it: ${left.join(', ')}`, 2)
}

/** Does a connection come to stand? */
async function lets(visitor: Awaited<ReturnType<Bottle['shim']>>, address: string, port: number): Promise<boolean> {
  const results = await visitor.attempt([
    socket('inet', 'stream', 0, { keep: 'call' }),
    setsockopt_rcvtimeo(ref('call'), 2000),
    connect_inet(ref('call'), address, port, { allow: ['ECONNREFUSED', 'ETIMEDOUT'] }),
    close(ref('call')),
  ])
  return results[2]?.status === 'ok'
}
