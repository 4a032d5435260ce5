/**
 * Changes the machine in one way after the other and prints what the snapshots say of each, and in the end, as JSON. To be run in mount,
 * network, uts, ipc and pid namespaces of its own.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { runDirectory } from '../../../lib/kernel/places.js'
import { diffSnapshots, hostSnapshot, lastingDifferences } from '../../../lib/kernel/snapshot.js'
import { Spawner } from '../../../lib/kernel/spawner.js'

// An ordinary user's path has no place for nft(8).
const sh = (script: string) => execa('sh', ['-ec', script], { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } })
// /sys shows the network devices of the namespace in which it was mounted.
await sh('mount --make-rprivate /; mount -t sysfs sysfs /sys')
const directory = join(runDirectory(), 'place')
mkdirSync(directory)

let spawner: Spawner | undefined
const changes: Record<string, { make(): unknown; undo(): unknown }> = {
  mount: { make: () => sh(`mount -t tmpfs 'odd name' ${directory}`), undo: () => sh(`umount ${directory}`) },
  remount: { make: () => sh('mount -o remount,bind,ro /sys'), undo: () => sh('mount -o remount,bind,rw /sys') },
  propagation: { make: () => sh('mount --make-shared /sys'), undo: () => sh('mount --make-private /sys') },
  link: { make: () => sh('ip link add snap0 index 77 type bridge'), undo: () => sh('ip link delete snap0') },
  hostname: { make: () => sh('hostname another'), undo: () => sh('hostname snapshot') },
  forwarding: { make: () => sh('echo 1 > /proc/sys/net/ipv4/ip_forward'), undo: () => sh('echo 0 > /proc/sys/net/ipv4/ip_forward') },
  ipc: { make: () => sh('ipcmk -M 4096'), undo: () => sh('ipcrm --all=shm') },
  file: { make: () => writeFileSync(join(directory, 'file'), ''), undo: () => rmSync(join(directory, 'file')) },
  table: {
    make: () => sh("nft 'add table ip drydock-snap; add chain ip drydock-snap c'"),
    undo: () => sh('nft delete table ip drydock-snap'),
  },
  'another table': { make: () => sh('nft add table ip somebody'), undo: () => sh('nft delete table ip somebody') },
  process: {
    make: async () => {
      spawner = await Spawner.start()
    },
    undo: () => spawner?.close(),
  },
}
await sh('hostname snapshot')
const before = await hostSnapshot()
const said: Record<string, string[]> = {}
for (const [name, { make, undo }] of Object.entries(changes)) {
  await make()
  said[name] = diffSnapshots(before, await hostSnapshot())
  await undo()
  said[`${name}, undone`] = await lastingDifferences(before)
}
await sh('ip link add v0 type veth peer name v1')
said.early = await lastingDifferences(before, 0)
setTimeout(() => sh('ip link delete v0'), 60)
said.late = await lastingDifferences(before)
rmSync(directory, { recursive: true })
console.log(JSON.stringify(said))
process.exit(0)
