/** What an engine finds when it begins: after it was killed at any moment under load, after a rest, after somebody killed a shim. */
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { ownerName } from '../../lib/image/owner.js'
import { readProcess } from '../../lib/kernel/proc/processes.js'
import { deadOwner } from '../support/dead-owner.js'
import { body, enginePlace, nothingElse, type Place } from '../support/engine.js'
import { onPrivateHost, program } from '../support/private-host.js'

const at = onPrivateHost('command:nft')
const { test } = at
const KILLS = Number(process.env.DRYDOCK_KILLS ?? 3)

/** One for all of them, which each leaves empty. */
let shared: Promise<Place> | undefined
const thePlace = () => (shared ??= enginePlace())
afterAll(async () => (await shared)?.remove())

describe.each(['none', 'bridge'])('with the network %s', (network) => {
  test(
    'killed again and again under load: nothing that was answered is lost, nothing that was begun is left',
    async () => {
      expect(await at.host.run(program('engine-kills', String(KILLS), network))).toEqual({ exitCode: 0, stdout: String(KILLS), stderr: '' })
    },
    30_000 + KILLS * 10_000,
  )
})

test('what ended while no engine was there: its exit is known, and what goes with it is gone', async () => {
  const place = await thePlace()
  let engine = await place.open()
  const create = async (autoRemove: boolean) =>
    (
      await engine.containers.create(
        body(['sh', '-c', 'read a; exit 8'], { OpenStdin: true, StdinOnce: true }, { AutoRemove: autoRemove }),
        {},
      )
    ).Id
  const [stays, goes] = [await create(false), await create(true)]
  const inputs = []
  for (const id of [stays, goes]) {
    inputs.push((await engine.containers.attach(id, { stdin: true, stdout: true, stderr: true, stream: true, logs: false })).stream)
    await engine.containers.start(id)
  }
  await engine.close()
  // Their streams are the shims', which know nothing of the engine.
  for (const input of inputs) {
    input.end('x\n')
    await once(input.resume(), 'end')
  }
  engine = await place.open()
  // An engine may begin before the shim has written the exit; then it hears of it.
  await engine.context.containers.find(stays).ended
  expect((await engine.containers.inspect(stays)).State).toMatchObject({ Status: 'exited', ExitCode: 8 })
  await engine.context.containers.all().find(({ id }) => id === goes)?.removed
  await expect(engine.containers.inspect(goes)).rejects.toMatchObject({ status: 404 })
  await engine.containers.remove(stays)
  await engine.close()
})

test('what killed programs had half made of layers goes when an engine begins; what the living have in hand stays', async () => {
  const place = await thePlace()
  const under = (mark: string, who: string) => join(place.root, 'overlay', `${mark}${who}`)
  const marks = ['.unpacking-', '.building-', '.removing-']
  const [left, kept] = [deadOwner(), ownerName()].map((who) => marks.map((mark) => under(mark, who))) as [string[], string[]]
  for (const path of [...left, ...kept]) mkdirSync(join(path, 'diff/deep'), { recursive: true })
  await (await place.open()).close()
  const still = [...left, ...kept].filter((path) => existsSync(path))
  for (const path of still) rmSync(path, { recursive: true })
  expect(still).toEqual(kept)
})

test('a container whose shim is killed ends, and can be started again', async () => {
  const place = await thePlace()
  const engine = await place.open()
  try {
    const { Id } = await engine.containers.create(body(['sleep', '1000']), {})
    await engine.containers.start(Id)
    const { pid, ended } = engine.context.containers.find(Id)
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    const { end } = await engine.containers.wait(Id, 'next-exit')
    process.kill(Number(parent), 'SIGKILL')
    expect(await end).toEqual({ StatusCode: 137 })
    await ended
    // Whoever adopts it has perhaps not looked after it yet.
    expect([undefined, 'Z']).toContain(readProcess(pid as number)?.state)
    nothingElse(engine, place)
    expect(await engine.containers.start(Id)).toBe(true)
    await engine.containers.remove(Id, { force: true })
  } finally {
    await engine.close()
  }
})
