/**
 * `engine-kills KILLS NETWORK`: an engine under load (engine-load.ts) is killed so many times, and each time the next one is asked for everything that was
 * answered, and looked at for what is left over. Prints how often; fails with the first thing that is wrong.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Engine } from '../../../lib/engine/index.js'
import { enginePlace, nothingElse } from '../engine.js'
import { program } from '../private-host.js'

const [kills = '1', network = 'none'] = process.argv.slice(2)
const place = await enginePlace()

/** What a container's engine has answered last. */
interface Known {
  said: Map<string, string>
  /** It may be gone: its removal was asked for. */
  removing: Set<string>
  up: Set<string>
}

/** Until it has given so many answers. */
async function loaded(answers: number, known: Known): Promise<void> {
  const [file = '', ...args] = program('engine-load', place.root, '4', network)
  const child: ChildProcess = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let count = 0
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const [word = '', id = '', code] = line.split(' ')
    if (word === 'removing') known.removing.add(id)
    else if (word === 'up') known.up.add(id)
    else if (word !== 'open') known.said.set(id, code === undefined ? word : `${word} ${code}`)
    if (++count === answers) child.kill('SIGKILL')
  }
  await ended
  ok(count >= answers, 'it ended by itself')
}

async function check(engine: Engine, known: Known): Promise<void> {
  for (const [id, said] of known.said) {
    const found = await engine.containers.inspect(id).then(
      ({ State }) => State as Record<string, unknown>,
      () => undefined,
    )
    const [word, code] = said.split(' ')
    const told = `${id}: ${said}, and now ${JSON.stringify(found)}`
    if (word === 'removed') equal(found, undefined, told)
    if (known.removing.has(id)) continue
    if (word === 'created') ok(found, told)
    if (word === 'started') ok(['running', 'exited'].includes(found?.Status as string), told)
    if (word === 'exited') deepEqual([found?.Status, found?.ExitCode], ['exited', Number(code)], told)
    if (word === 'long') ok(found?.Status === 'running' && Number(found.Pid) > 0, told)
    if (word === 'long' && known.up.has(id))
      ok(readFileSync(join(place.root, 'containers', id, `${id}-json.log`), 'utf8').includes('up\\n'), told)
  }
}

const known: Known = { said: new Map(), removing: new Set(), up: new Set() }
for (let kill = 0; kill < Number(kills); kill++) {
  await loaded(2 + Math.floor(Math.random() * 60), known)
  const engine = await place.open()
  await check(engine, known)
  // What was about to end does so, and what goes with it is gone.
  for (const container of engine.context.containers.all()) {
    if (container.record.spec.argv.some((word) => word.includes('exit'))) await container.ended
    if (container.status === 'removing') await container.removed
  }
  nothingElse(engine, place)
  // Those that nobody has started yet can be.
  for (const { id } of engine.context.containers.all().filter(({ status }) => status === 'created')) {
    known.said.delete(id)
    ok(await engine.containers.start(id))
    await engine.containers.remove(id, { force: true })
  }
  await engine.close()
}
await place.remove()
process.stdout.write(`${kills}\n`)
