/**
 * `engine-load ROOT ABREAST NETWORK`: an engine that is kept busy until it is killed. Each answer that it gets is told in a line of its own, after it was given:
 * created ID, started ID, up ID (its first output was read), exited ID CODE, removed ID; `long` before the id of one that runs on.
 */
import { writeSync } from 'node:fs'
import { Engine } from '../../../lib/engine/index.js'
import { body } from '../engine.js'

const [dataRoot = '', abreast = '4', network = 'none'] = process.argv.slice(2)
/** So many run on at one time. */
const LONG = 6

const tell = (...words: readonly (string | number)[]) => writeSync(1, `${words.join(' ')}\n`)

const engine = await Engine.open({ dataRoot })
const { containers } = engine
tell('open')
let turn = 0

async function work(): Promise<never> {
  for (;;) {
    const kind = turn++ % 4
    const host = { NetworkMode: network, AutoRemove: kind === 1 }
    if (kind === 0) await long(host)
    else await short(host, kind === 3)
  }
}

async function short(host: Record<string, unknown>, remove: boolean): Promise<void> {
  const code = turn % 100
  const { Id } = await containers.create(body(['sh', '-c', `echo said; exit ${code}`], {}, host), {})
  tell('created', Id)
  const { end } = await containers.wait(Id, host.AutoRemove ? 'removed' : 'next-exit')
  if (host.AutoRemove) tell('removing', Id)
  // It may have ended, and be gone, before this has been answered.
  await containers.start(Id)
  if (!host.AutoRemove) tell('started', Id)
  const { StatusCode } = await end
  if (StatusCode !== code) throw new Error(`${Id} ended with ${StatusCode} and not ${code}`)
  tell(host.AutoRemove ? 'removed' : 'exited', Id, code)
  if (!remove) return
  tell('removing', Id)
  await containers.remove(Id)
  tell('removed', Id)
}

async function long(host: Record<string, unknown>): Promise<void> {
  const running = engine.context.containers.all().filter((one) => one.running && one.record.spec.argv.includes('echo up; exec sleep 1000'))
  const [oldest] = running.slice(LONG - 1).reverse()
  if (oldest) {
    tell('removing', oldest.id)
    await containers.remove(oldest.id, { force: true }).then(
      () => tell('removed', oldest.id),
      (error) => {
        // Another worker was quicker.
        if (![404, 409].includes(error.status)) throw error
      },
    )
  }
  const { Id } = await containers.create(body(['sh', '-c', 'echo up; exec sleep 1000'], {}, host), {})
  tell('created', Id)
  const { stream } = await containers.attach(Id, { stdin: false, stdout: true, stderr: true, stream: true, logs: false })
  await containers.start(Id)
  tell('long', Id)
  await new Promise((resolve) => stream.once('data', resolve).once('end', resolve))
  tell('up', Id)
  stream.destroy()
}

await Promise.all(Array.from({ length: Number(abreast) }, work))
