import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isToBeRecorded } from '../../../lib/trace/record.js'
import { announceWorkshop, workshopIsOpen } from '../../../lib/trace/workshop.js'

let run = ''
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'drydock-open-'))
  vi.stubEnv('DRYDOCK_RUN_DIR', run)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(run, { recursive: true })
})
const open = () => workshopIsOpen([run])

describe('the workshop’s page', () => {
  it('is open for as long as its server runs', async () => {
    expect(await open()).toBe(false)
    const [first] = [await announceWorkshop()]
    expect(readdirSync(run)).toEqual([`workshop-${process.pid}.sock`])
    expect(await open()).toBe(true)
    await first.close()
    expect(await open()).toBe(false)
    expect(readdirSync(run)).toEqual([])
  })

  it('is not, where a server was killed or something else stands', async () => {
    const die = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', die, join(run, `workshop-${process.pid}.sock`)])
    writeFileSync(join(run, 'workshop-1.sock'), '')
    expect(await open()).toBe(false)
    const announcement = await announceWorkshop()
    expect(await open()).toBe(true)
    await announcement.close()
  })

  it('has sessions recorded that play by themselves; those of a person are anyway', async () => {
    const recorded = (auto: boolean, asked = false) => isToBeRecorded({ auto, asked })
    expect([await recorded(false), await recorded(true, true)]).toEqual([true, true])
    // Root's page may be open on this machine while the test runs.
    expect(await recorded(true)).toBe(await workshopIsOpen())
    const announcement = await announceWorkshop()
    expect(await recorded(true)).toBe(true)
    await announcement.close()
  })
})
