/** The exercise “both”: a caller on vm-1 at the socket, one on vm-2 at the port, and a look at the table for more than was asked. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bottle } from '../../../lib/bottle.js'
import { connect_inet, connect_unix, read, ref, type Step, setsockopt_rcvtimeo, socket, write } from '../../../lib/index.js'
import { errnoOf } from '../../../lib/kernel/constants.js'
import { textOf } from '../../../lib/kernel/result.js'
import type { Shim } from '../../../lib/kernel/shim.js'
import type { Trial } from '../../../lib/tutor/lesson.js'
import { statOf } from '../../04-rootfs/looks.js'
import { parseAnswer, question } from '../../08-engine/http.js'
import { twoHosts } from '../ground.js'
import { type Line, linesIn, tableOf } from '../table.js'

/** Milliseconds that a server may take until it listens, and to answer, on a slow machine too. */
const PATIENCE = 4000
const BETWEEN_LOOKS = 20
const CALL = ref('call')
const READS = 8

interface Challenge {
  readonly path: string
  readonly address: string
  readonly port: number
  readonly text: string
}

export async function checkBoth(trial: Trial): Promise<void> {
  const hosts = twoHosts(trial)
  const { path, address, port, text } = trial.challenge as unknown as Challenge
  const vm1 = hosts.on('vm-1')
  let over = false
  const running = trial.run().finally(() => {
    over = true
  })
  running.catch(() => undefined)
  const found = await standing(vm1, path, port, () => over)
  const near = await caller(vm1, 'unix', connect_unix(CALL, path))
  const far = await caller(hosts.on('vm-2'), 'inet', connect_inet(CALL, address, port))
  // Both have come and asked before either waits for an answer.
  const asked = `/${text.slice(-4)}`
  for (const one of [near, far]) await one.ask(question('GET', asked))
  const answers = { near: await near.answer(), far: await far.answer() }
  trial.expect(near.connected === 'ok', `somebody on vm-1 tried ${path} and got ${near.connected}`, 1)
  trial.expect(far.connected === 'ok', `somebody on vm-2 tried port ${port} and got ${far.connected}`, found ? 2 : 1)
  for (const line of found?.lines ?? [])
    trial.expect(line.local.address === address, `the server listened at ${line.local.address}:${port}, not at ${address} alone`, 2)
  for (const [who, answer, connected] of [
    ['who came to the socket', answers.near, near.connected],
    ['who came to the port', answers.far, far.connected],
  ] as const) {
    if (connected !== 'ok') continue
    const { status, body } = parseAnswer(answer)
    const shown = answer === '' ? 'nothing' : JSON.stringify(answer.slice(0, 48))
    trial.expect(status === 200, `${who} was answered ${shown}, which is not HTTP with the status 200`, answer === '' ? 3 : 4)
    if (status === 200) trial.expect(body === text, `${who} got the body ${JSON.stringify(body?.slice(0, 40))}, not “${text}”`, 4)
  }
  if (over) await running
  else if (near.connected === 'ok' && far.connected === 'ok') await running
}

/** Until there is the file and somebody at the port, or nothing more to wait for. The lines of that port. */
async function standing(
  vm1: Bottle,
  path: string,
  port: number,
  over: () => boolean,
): Promise<{ readonly lines: readonly Line[] } | undefined> {
  for (const end = Date.now() + PATIENCE; Date.now() < end && !over(); await sleep(BETWEEN_LOOKS)) {
    const lines = linesIn(tableOf(vm1)).filter(({ state, local }) => state === 'listen' && local.port === port)
    if (statOf(vm1.hostPath(path)) && lines.length > 0) return { lines }
  }
  return undefined
}

interface Caller {
  /** `ok`, or the error. */
  readonly connected: string
  ask(text: string): Promise<void>
  /** All that comes until the end, or until nothing comes any more. */
  answer(): Promise<string>
}

async function caller(bottle: Bottle, family: 'unix' | 'inet', connect: Step): Promise<Caller> {
  const shim = await bottle.shim()
  const results = await shim.attempt([socket(family, 'stream', 0, { keep: CALL.ref }), setsockopt_rcvtimeo(CALL, PATIENCE), connect])
  const failed = results.find(({ errno }) => errno !== 0)
  return {
    connected: failed ? errnoOf(failed.errno).name : 'ok',
    async ask(text) {
      if (!failed) await shim.attempt([write(CALL, text)])
    },
    answer: () => (failed ? Promise.resolve('') : heard(shim)),
  }
}

async function heard(shim: Shim): Promise<string> {
  let text = ''
  for (let count = 0; count < READS; count++) {
    const [piece] = await shim.attempt([read(CALL, 4096)])
    if (piece?.errno !== 0 || piece.ret === 0n) break
    text += textOf(piece)
  }
  return text
}
