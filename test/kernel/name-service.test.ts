/** The name service in bad company, and where its leases cannot be read: the engine that it is part of goes on. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, encode } from 'dns-packet'
import { expect } from 'vitest'
import { newNetwork, writeNetwork } from '../../lib/network/config.js'
import { frame, takeFrames } from '../../lib/network/forward.js'
import { startNameService } from '../../lib/network/names.js'
import { requires } from '../support/requires.js'

const GATEWAY = '127.0.53.1'
const SERVFAIL = 2

const test = requires('root')

async function served(use: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'drydock-names-'))
  writeNetwork(root, newNetwork('net', { subnet: '127.0.53.0/24', gateway: GATEWAY }))
  const service = await startNameService(root, 'net')
  try {
    await use(root)
  } finally {
    await service.close()
    rmSync(root, { recursive: true })
  }
}

const query = encode({ type: 'query', id: 7, questions: [{ type: 'A', name: 'web' }] })
const dial = () => connect({ host: GATEWAY, port: 53, localAddress: '127.0.53.2' })

test('keeps no descriptor of a port that it cannot have', async () => {
  const root = mkdtempSync(join(tmpdir(), 'drydock-names-'))
  // Nobody here has the address.
  writeNetwork(root, newNetwork('net', { subnet: '198.51.100.0/24', gateway: '198.51.100.1' }))
  const sockets = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
      } catch {
        return false
      }
    }).length
  const before = sockets()
  for (let turn = 0; turn < 3; turn++) await expect(startNameService(root, 'net')).rejects.toThrow('cannot have 198.51.100.1:53')
  await expect.poll(sockets).toBe(before)
  rmSync(root, { recursive: true })
})

test('says that it failed when it cannot read its leases', () =>
  served(async (root) => {
    const leases = join(root, 'networks', 'net', 'leases')
    rmSync(leases, { recursive: true, force: true })
    mkdirSync(join(leases, '..'), { recursive: true })
    writeFileSync(leases, 'no directory')

    const udp = createSocket('udp4')
    udp.bind(0, '127.0.53.2')
    udp.send(query, 53, GATEWAY)
    const [over] = (await once(udp, 'message')) as [Buffer]
    expect((decode(over).flags ?? 0) & 15).toBe(SERVFAIL)
    udp.close()

    const tcp = dial()
    tcp.write(frame(query))
    const [chunk] = (await once(tcp, 'data')) as [Buffer]
    expect((decode(takeFrames(chunk).frames[0] as Buffer).flags ?? 0) & 15).toBe(SERVFAIL)
    tcp.destroy()
  }))

test('leaves descriptors to others, however many connections one container makes', () =>
  served(async () => {
    const sockets = Array.from({ length: 600 }, () => dial().on('error', () => undefined))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await expect.poll(() => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length).toBeGreaterThan(300)
    for (const socket of sockets) socket.destroy()
  }))
