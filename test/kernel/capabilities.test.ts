import { chmodSync, copyFileSync, existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { cap_ambient_clear_all, capget } from '../../lib/kernel/calls/credentials.js'
import { chmod, chown, mkdir, mknod, open } from '../../lib/kernel/calls/files.js'
import { mount } from '../../lib/kernel/calls/mounts.js'
import { clone, sethostname } from '../../lib/kernel/calls/process.js'
import { errnoOf } from '../../lib/kernel/constants.js'
import { readStatus, type Status } from '../../lib/kernel/proc/status.js'
import type { Shim } from '../../lib/kernel/shim.js'
import type { Step } from '../../lib/kernel/step.js'
import {
  ALL_CAPABILITIES,
  availableCapabilities,
  type Capability,
  capabilities,
  capabilitiesOf,
  DEFAULT_CAPABILITIES,
  dockerSets,
  lastCapability,
  resolveCapabilities,
} from '../../lib/primitives/capabilities.js'
import { execute, type PrivilegesSpec, privileges } from '../../lib/primitives/process.js'
import { requires } from '../support/requires.js'

let bottle: Bottle
/** What a child in the bottle can have at most. */
let available: Capability[]
const last = lastCapability()

beforeAll(async () => {
  bottle = await Bottle.open({ name: 'capabilities-test' })
  const sets = (readStatus(bottle.pid) as Status).capabilities
  available = capabilitiesOf(sets.permitted.bits & sets.bounding.bits)
})
afterAll(() => bottle?.close())

const statusOf = (shim: Shim) => readStatus(bottle.hostPid(shim.childPid as number) as number) as Status

/** The five sets (and more) of a program that was started with these privileges. */
async function started(spec: PrivilegesSpec, argv: string[] = ['sleep', '60']): Promise<Status> {
  const shim = await bottle.shim()
  await shim.run([clone('pid'), ...privileges({ lastCap: last, ...spec }).steps, ...execute({ argv }).steps])
  const status = statusOf(shim)
  await shim.rollback()
  return status
}

const named = ({ capabilities: sets }: Status) => ({
  inheritable: sets.inheritable.names,
  permitted: sets.permitted.names,
  effective: sets.effective.names,
  bounding: sets.bounding.names,
  ambient: sets.ambient.names,
})

/** What each step answers after these sets were taken: 'ok' or the error's name. */
async function withSets(held: readonly Capability[], steps: readonly Step[]): Promise<string[]> {
  const shim = await bottle.shim()
  const allowed = steps.map((one) => ({ ...one, allow: ['EPERM', 'EACCES'] }))
  const { steps: setting } = capabilities({ ...dockerSets(held, 0), lastCap: last })
  const results = await shim.run([clone('pid', 'mnt', 'uts'), ...setting, ...allowed])
  await shim.rollback()
  return results.slice(1 + setting.length).map(({ errno }) => (errno === 0 ? 'ok' : errnoOf(errno).name))
}

describe('the five sets of a program', () => {
  test('root has what the bounding set leaves, and nothing else', async () => {
    const { capabilities: wanted } = resolveCapabilities({ available, last })
    const sets = named(await started({ capabilities: dockerSets(wanted, 0) }))
    expect(sets).toEqual({ inheritable: [], permitted: wanted, effective: wanted, bounding: wanted, ambient: [] })
    // The bottle holds nearly everything, so these fourteen are a choice and no accident.
    expect(available.length).toBeGreaterThan(wanted.length)
  })

  test('root without capabilities is a user like others', async () => {
    const sets = named(await started({ capabilities: dockerSets([], 0) }))
    expect(sets).toEqual({ inheritable: [], permitted: [], effective: [], bounding: [], ambient: [] })
  })

  test('a bounding set without the others makes root strong again at the next execve', async () => {
    const bounding: Capability[] = ['chown', 'kill']
    const sets = named(await started({ capabilities: { ...dockerSets(bounding, 0), permitted: [], effective: [] } }))
    expect(sets).toMatchObject({ permitted: bounding, effective: bounding, bounding })
  })

  requires('root')('another user has none of them, and can get back what the bounding set leaves, by a setuid file', async () => {
    const bounding: Capability[] = ['chown', 'kill', 'net_raw']
    const user = { uid: 1000, gid: 1000, groups: [] }
    const plain = await started({ ...user, capabilities: dockerSets(bounding, 1000) })
    expect(named(plain)).toEqual({ inheritable: [], permitted: [], effective: [], bounding, ambient: [] })
    expect(plain.uid).toEqual({ real: 1000, effective: 1000, saved: 1000, filesystem: 1000 })

    copyFileSync('/bin/sleep', bottle.hostPath('/srv/setuid'))
    chmodSync(bottle.hostPath('/srv/setuid'), 0o4755)
    const back = await started({ ...user, capabilities: dockerSets(bounding, 1000) }, ['/srv/setuid', '60'])
    expect(named(back)).toMatchObject({ permitted: bounding, effective: bounding })
    expect(back.uid).toMatchObject({ real: 1000, effective: 0 })

    const never = await started({ ...user, capabilities: dockerSets(bounding, 1000), noNewPrivileges: true }, ['/srv/setuid', '60'])
    expect(named(never)).toMatchObject({ permitted: [], effective: [] })
    expect(never).toMatchObject({ noNewPrivs: true, uid: { effective: 1000 } })
  })

  requires('root')('an ambient capability survives both the change of user and the execve', async () => {
    const one: Capability[] = ['net_raw']
    const sets = { bounding: one, permitted: one, effective: one, inheritable: one, ambient: one }
    expect(named(await started({ uid: 1000, gid: 1000, groups: [], capabilities: sets }))).toEqual(sets)
    // Inheritable alone is not enough: sleep's file has no capabilities of its own.
    const alone = named(await started({ uid: 1000, gid: 1000, groups: [], capabilities: { ...sets, ambient: [] } }))
    expect(alone).toMatchObject({ inheritable: one, permitted: [], effective: [] })
  })

  requires('root')('keepcaps carries the permitted set over the change of user, until the execve', async () => {
    const shim = await bottle.shim()
    const one: Capability[] = ['net_raw']
    const held = { bounding: one, permitted: one, effective: one, inheritable: [], ambient: [] }
    await shim.run([clone('pid'), ...privileges({ uid: 1000, gid: 1000, groups: [], capabilities: held, lastCap: last }).steps])
    expect(named(statusOf(shim))).toMatchObject({ permitted: one, effective: one })
    await shim.run(execute({ argv: ['sleep', '60'] }).steps)
    expect(named(statusOf(shim))).toMatchObject({ permitted: [], effective: [] })
    await shim.rollback()
  })

  test('are what capget says', async () => {
    const shim = await bottle.shim()
    const held: Capability[] = ['chown', 'setpcap']
    const results = await shim.run([
      clone('pid'),
      ...capabilities({ ...dockerSets(held, 0), lastCap: last }).steps,
      cap_ambient_clear_all(),
      capget(),
    ])
    const data = results.at(-1)?.outs.at(-1) as Buffer
    const bits = (offset: number) => BigInt(data.readUInt32LE(offset)) | (BigInt(data.readUInt32LE(offset + 12)) << 32n)
    expect([0, 4, 8].map((offset) => capabilitiesOf(bits(offset)))).toEqual([held, held, []])
    await shim.rollback()
  })
})

describe('uid 0 that cannot', () => {
  const forbidden: [Capability, Step][] = [
    ['sys_admin', sethostname('renamed')],
    ['sys_admin', mount('none', '/tmp', 'tmpfs')],
    ['chown', chown('/tmp/plain', 5, 5)],
    ['mknod', mknod('/tmp/null', 'ifblk', 0o600, [7, 0])],
    ['dac_override', mkdir('/tmp/closed/below')],
  ]
  beforeAll(async () => {
    const shim = await bottle.shim()
    await shim.run([mkdir('/tmp/plain'), mkdir('/tmp/closed'), chmod('/tmp/closed', 0o000), open('/tmp/plain/file', ['creat', 'wronly'])])
    await shim.close()
  })

  // mknod of a device never works in a user namespace, and chown needs a mapped id.
  requires('root')('is refused each call without its capability, and makes it with nothing else', async () => {
    for (const [capability, step] of forbidden) {
      const others = available.filter((one) => one !== capability)
      expect([capability, step.call, await withSets(others, [step])]).toEqual([
        capability,
        step.call,
        capability === 'dac_override' ? ['EACCES'] : ['EPERM'],
      ])
      expect([capability, step.call, await withSets([capability], [step])]).toEqual([capability, step.call, ['ok']])
    }
    expect(existsSync(bottle.hostPath('/tmp/closed/below'))).toBe(true)
  })

  test('cannot rename even in a namespace of its own', async () => {
    expect(await withSets([], [sethostname('renamed')])).toEqual(['EPERM'])
    expect(await withSets(['sys_admin'], [sethostname('renamed')])).toEqual(['ok'])
  })
})

describe('this machine', () => {
  test('says what it has', () => {
    expect(last).toBeGreaterThanOrEqual(37)
    const own = (readStatus('self') as Status).capabilities
    expect(availableCapabilities().every((one) => own.bounding.names.includes(one) && own.permitted.names.includes(one))).toBe(true)
    expect(resolveCapabilities({ privileged: true, available: ALL_CAPABILITIES, last }).capabilities).toHaveLength(
      Math.min(last + 1, ALL_CAPABILITIES.length),
    )
    expect(DEFAULT_CAPABILITIES.every((one) => ALL_CAPABILITIES.includes(one))).toBe(true)
  })
})
