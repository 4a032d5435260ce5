/** What a client does with an engine, each with an end that can be told from a wrong one. */

import { layerTar } from '../support/images.js'
import { readTar } from '../support/tar.js'
import { type Known, linesOf, PROGRAM } from './known.js'
import type { Soak } from './soak.js'

export interface Worker {
  readonly soak: Soak
  /** In the names of all that is its. */
  readonly name: string
  /** Long ones that it has started, the oldest first. Nobody else ends them, but for faults. */
  living: Known[]
}

type Deed = (worker: Worker, turn: number) => Promise<void>

/** Of one worker. */
const MOST_LIVING = 2
/** Where the local registry listens in the engine's host, and what it has. */
export const PULLED = '127.0.0.1:5000/busybox:latest'

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

async function make({ soak, name }: Worker, turn: number, kind: Known['kind'], more: Record<string, unknown> = {}): Promise<Known> {
  const code = kind === 'short' ? soak.random.between(0, 99) : 0
  const known: Known = { name: `${name}-${turn}`, kind, code, state: 'created', killed: false }
  const HostConfig = { NetworkMode: soak.random.pick(['none', 'bridge']) }
  const body = { Image: 'busybox', Cmd: ['sh', '-c', PROGRAM[kind](code)], HostConfig, ...more }
  await soak.ask('POST', `/containers/create?name=${known.name}`, [201], body)
  soak.known.push(known)
  return known
}

async function begin({ soak }: Worker, known: Known): Promise<void> {
  known.state = 'starting'
  await soak.ask('POST', `/containers/${known.name}/start`, [204])
  known.state = 'started'
}

async function remove({ soak }: Worker, known: Known): Promise<void> {
  known.state = 'removing'
  await soak.ask('DELETE', `/containers/${known.name}?force=1`, [204])
  known.state = 'removed'
}

/** One that runs: the worker's latest, or a new one. */
async function living(worker: Worker, turn: number): Promise<Known> {
  const there = worker.living.at(-1)
  if (there) return there
  const known = await make(worker, turn, 'long')
  await begin(worker, known)
  worker.living.push(known)
  return known
}

const short: Deed = async (worker, turn) => {
  const { soak } = worker
  const known = await make(worker, turn, 'short')
  const { status } = await soak.engine.api.wait(known.name, 'next-exit')
  await begin(worker, known)
  const code = await status
  must(code === known.code || known.killed, `${known.name} ended with ${code} instead of ${known.code}`)
  if (turn % 2 === 0) await remove(worker, known)
}

const long: Deed = async (worker, turn) => {
  const { soak } = worker
  while (worker.living.length >= MOST_LIVING) {
    const oldest = worker.living.shift() as Known
    // It may end from now on, whether that is answered or not.
    oldest.state = 'removing'
    await soak.ask('POST', `/containers/${oldest.name}/stop?t=${soak.random.pick([0, 5])}`, [204, 304])
    await remove(worker, oldest)
  }
  const known = await make(worker, turn, 'long')
  await begin(worker, known)
  worker.living.push(known)
}

const attach: Deed = async (worker, turn) => {
  const { soak, name } = worker
  // Nothing that is remembered: what it says is for who is attached.
  const own = `${name}-${turn}-cat`
  await soak.ask('POST', `/containers/create?name=${own}`, [201], {
    ...{ Image: 'busybox', Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true },
    HostConfig: { NetworkMode: 'none' },
  })
  const stream = await soak.engine.api.hijack(`/containers/${own}/attach?stream=1&stdin=1&stdout=1&stderr=1`)
  await soak.ask('POST', `/containers/${own}/start`, [204])
  const words = `${soak.random.next()}\n`.repeat(soak.random.between(1, 3000))
  stream.write(words)
  stream.closeInput()
  const { stdout } = await stream.output()
  must(stdout === words, `what cat was told are ${words.length} bytes, what it said are ${stdout.length}`)
  await soak.ask('DELETE', `/containers/${own}?force=1`, [204])
}

const logs: Deed = async (worker, turn) => {
  const known = await living(worker, turn)
  const lines = await linesOf(worker.soak.engine.api, known.name)
  must(
    lines.every((line, index) => line === `${index + 1}`),
    `${known.name} has a log with gaps`,
  )
}

const exec: Deed = async (worker, turn) => {
  const { soak } = worker
  const { name } = await living(worker, turn)
  const [word, code] = [`${soak.random.next()}`, soak.random.between(0, 99)]
  const body = { Cmd: ['sh', '-c', `echo ${word}; exit ${code}`], AttachStdout: true, AttachStderr: true }
  const { Id } = (await soak.ask('POST', `/containers/${name}/exec`, [201], body)).json<{ Id: string }>()
  const { stdout } = await (await soak.engine.api.hijack(`/exec/${Id}/start`, { body: { Detach: false, Tty: false } })).output()
  must(stdout === `${word}\n`, `an exec was to say ${word}, and said ${JSON.stringify(stdout)}`)
  const found = (await soak.ask('GET', `/exec/${Id}/json`, [200])).json<{ ExitCode: number }>()
  must(found.ExitCode === code, `an exec ended with ${found.ExitCode} instead of ${code}`)
}

const copy: Deed = async (worker, turn) => {
  const { soak } = worker
  const { name } = await living(worker, turn)
  const content = `${soak.random.next()}`.repeat(soak.random.between(1, 2000))
  await soak.ask('PUT', `/containers/${name}/archive?path=/tmp`, [200], layerTar({ [`copied-${turn}`]: content }))
  const { body } = await soak.ask('GET', `/containers/${name}/archive?path=/tmp/copied-${turn}`, [200])
  must(readTar(body)[0]?.content.toString() === content, `what was copied to ${name} came back as something else`)
}

const stats: Deed = async (worker, turn) => {
  const { soak } = worker
  const { name } = await living(worker, turn)
  const found = (await soak.ask('GET', `/containers/${name}/stats?stream=0&one-shot=1`, [200])).json<{
    readonly pids_stats: { readonly current?: number }
    readonly memory_stats: { readonly usage?: number }
  }>()
  must((found.pids_stats.current ?? 0) > 0 && (found.memory_stats.usage ?? 0) > 0, `${name} runs, and has neither processes nor memory`)
}

const list: Deed = async ({ soak }) => {
  // While others remove them.
  const all = (await soak.ask('GET', '/containers/json?all=1&size=1', [200])).json<{ readonly Id: string }[]>()
  must(
    all.every(({ Id }) => /^[0-9a-f]{64}$/.test(Id)),
    'a container has no id',
  )
}

const pull: Deed = async ({ soak, name }, turn) => {
  const { body } = await soak.ask('POST', `/images/create?fromImage=${PULLED}`, [200])
  must(!body.includes('"error"'), `a pull failed: ${body.toString().slice(-300)}`)
  await soak.ask('POST', `/images/busybox/tag?repo=${name}&tag=t${turn}`, [201])
  await soak.ask('DELETE', `/images/${name}:t${turn}`, [200])
}

const build: Deed = async ({ soak, name }, turn) => {
  const word = `${soak.random.next()}`
  const context = layerTar({ Dockerfile: `FROM busybox\nCOPY word /word\nRUN cat /word > /again\nLABEL turn=${turn}\n`, word })
  const { body } = await soak.ask('POST', `/build?t=${name}:built${turn}`, [200], context)
  must(!body.includes('"error"'), `a build failed: ${body.toString().slice(-300)}`)
  const { Id } = (
    await soak.ask('POST', '/containers/create', [201], {
      Image: `${name}:built${turn}`,
      Cmd: ['true'],
      HostConfig: { NetworkMode: 'none' },
    })
  ).json<{ Id: string }>()
  const archive = await soak.ask('GET', `/containers/${Id}/archive?path=/again`, [200])
  must(readTar(archive.body)[0]?.content.toString() === word, 'what a build wrote is something else')
  await soak.ask('DELETE', `/containers/${Id}`, [204])
  await soak.ask('DELETE', `/images/${name}:built${turn}`, [200])
}

/** Each as often as it stands here. */
export const DEEDS: readonly (readonly [string, Deed])[] = [
  ...[['short', short] as const, ['short', short] as const, ['short', short] as const],
  ...[['long', long] as const, ['long', long] as const],
  ...[['exec', exec] as const, ['exec', exec] as const],
  ['attach', attach],
  ['logs', logs],
  ['copy', copy],
  ['stats', stats],
  ['list', list],
  ['pull', pull],
  ['build', build],
]
