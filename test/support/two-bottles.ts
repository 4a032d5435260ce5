/** The two hosts as bottles, and a third that plays the internet: brought up by `npm run hosts`, as anybody would, in a run directory of their own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { runInside } from '../../lib/hosts/inside.js'
import { type HostsState, hostOf } from '../../lib/hosts/state.js'
import type { Machine, TwoHosts } from './exercise/hosts.js'

const START = join(import.meta.dirname, '../../scripts/start.cjs')

export interface TwoBottles extends TwoHosts {
  close(): Promise<void>
}

export async function openTwoBottles(): Promise<TwoBottles> {
  const home = mkdtempSync(join(tmpdir(), 'drydock-two-bottles-'))
  const own = { DRYDOCK_RUN_DIR: join(home, 'run'), DRYDOCK_STATE_DIR: join(home, 'state') }
  const hosts = (...args: string[]) => execa(process.execPath, [START, 'hosts', ...args], { env: own, stdin: 'ignore' })
  const close = async () => {
    await hosts('down')
    rmSync(home, { recursive: true })
  }
  await hosts('--internet')
  const state = JSON.parse((await hosts('status', '--json')).stdout) as HostsState
  const record = (machine: Machine) => hostOf(state, machine)
  const variables = Object.entries(own).map(([name, value]) => `${name}=${value}`)
  return {
    addresses: { 'vm-1': record('vm-1').address, 'vm-2': record('vm-2').address },
    outside: { machine: 'internet', address: record('internet').address },
    on: (machine, script, input) => runInside(record(machine), ['sh', '-c', script], input),
    terminal: (machine) => ['env', ...variables, process.execPath, START, 'hosts', 'shell', machine],
    close,
  }
}
