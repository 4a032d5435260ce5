import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { diffSnapshots, hostSnapshot } from '../../lib/kernel/snapshot.js'
import { requires } from '../support/requires.js'

const program = join(import.meta.dirname, '../support/programs/snapshot.ts')

describe('snapshots of the host', () => {
  requires(
    'user-namespaces',
    'command:unshare',
    'command:ip',
    'command:nft',
    'command:ipcmk',
    'command:hostname',
  )('see each change, and when it is undone', async () => {
    const run = mkdtempSync(join(tmpdir(), 'drydock-snap-'))
    const user = process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user']
    try {
      const { stdout } = await execa(
        'unshare',
        [...user, '-m', '-n', '-u', '-i', '-p', '-f', '--mount-proc', '--', process.execPath, '--import', 'tsx', program],
        {
          env: { DRYDOCK_RUN_DIR: run },
        },
      )
      const said = JSON.parse(stdout) as Record<string, string[]>
      for (const [name, sentences] of Object.entries(said)) {
        if (name.endsWith(', undone') || name === 'late') expect(sentences, name).toEqual([])
      }
      const place = `${run}/place`
      expect(said.mount).toEqual([expect.stringMatching(`^a mount is left over: ${place} \\(tmpfs odd name; rw,.*; private\\)$`)])
      expect(said.remount).toEqual([expect.stringMatching(/^a mount has changed: \/sys: was sysfs sysfs; rw,.*; is sysfs sysfs; ro,/)])
      expect(said.propagation).toEqual([expect.stringMatching(/^a mount has changed: \/sys: was .*; private; is .*; shared$/)])
      expect(said.link).toEqual(['a network link is left over: snap0 (index 77, bridge)'])
      expect(said.hostname).toEqual(['kernel.hostname was "snapshot" and is "another"'])
      expect(said.forwarding).toEqual(['net.ipv4.ip_forward was "0" and is "1"'])
      expect(said.ipc).toEqual(['the number of shared memory segments was 0 and is 1'])
      expect(said.file).toEqual([`a file in the run directory is left over: ${place}/file`])
      expect(said.table).toEqual(['an nft table is left over: ip drydock-snap (chains: 1, rules: 0)'])
      expect(said['another table']).toEqual([])
      const [file, ...processes] = said.process?.toReversed() ?? []
      expect(file).toMatch(/^a file in the run directory is left over: .*\.sock$/)
      expect(processes.length).toBeGreaterThan(0)
      for (const sentence of processes) expect(sentence).toMatch(/^a process is left over: [0-9]+ \(.*\/shim --spawner .*\)$/)
      expect(said.early).toHaveLength(2)
    } finally {
      rmSync(run, { recursive: true, force: true })
    }
  })

  test('are the same when nothing happens, and do not make the run directory', async () => {
    const before = await hostSnapshot()
    expect(before.things.mounts.length).toBeGreaterThan(0)
    expect(before.things.links.map(({ name }) => name)).toContain('lo')
    expect(before.settings['kernel/hostname']).not.toBe('')
    // Others may work on this machine at the same time; mounts and settings are not theirs to change.
    const after = await hostSnapshot()
    const still = (snapshot: typeof before) => ({
      ...snapshot,
      things: { ...snapshot.things, processes: [], files: [], cgroups: [], links: [] },
    })
    expect(diffSnapshots(still(before), still(after))).toEqual([])
  })
})
