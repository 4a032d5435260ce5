/** How quickly what a container prints reaches a client, and its log. Run by main.ts on a host of its own. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { both, type MeasuredEngine, withEngines } from './engines.js'
import { measure } from './isolated.js'
import type { Target } from './page/result.js'
import { interleaved } from './tools.js'

const SUBJECT = {
  name: 'streams',
  title: 'Output',
  about: `A container prints so many bytes with \`cat\`, and a client that is attached reads them to the end: the rate from its start to the end of the stream. Once without a log
(\`--log-driver none\`), once with the engine's usual one (json-file), in lines of 100 letters. Then the whole log is read back by \`GET logs\`.`,
}

const MEGA = 1e6
const BLOCK = 64 * 1024
const LINE = 'x'.repeat(99)

/** Blocks that are printed. Docker's log is slow. */
const BLOCKS = { none: 4096, 'json-file': 768 } as const
type Driver = keyof typeof BLOCKS

const ATTACH: readonly Target[] = [
  {
    peer: 'dockerd',
    bound: 5,
    reason: `no byte goes through the engine: the shim moves pages from the container's pipe to the client's socket. What is left are the program's copy into the pipe and the
client's out of the socket, and the container's start. The client that counts the bytes has the same cores.`,
  },
]
const LOG: readonly Target[] = [
  {
    peer: 'dockerd',
    bound: 7,
    reason: `for each gigabyte the shim needs more than a second of processor time, in which every line becomes JSON with its time. The program that prints and the client have
the same cores.`,
  },
]

await measure(SUBJECT, (bench) =>
  withEngines(bench, async (engines) => {
    const turns = { rounds: bench.rounds(6, 1), signal: bench.signal, warmUp: 1 }
    const blocks = (driver: Driver) => BLOCKS[driver] / (bench.quick ? 8 : 1)
    const attached = (driver: Driver) => both(engines, (engine) => print(engine, driver, blocks(driver)))
    const count = blocks('json-file')
    const ids = { drydock: await logged(engines.drydock, count), dockerd: await logged(engines.dockerd, count) }
    const readBack = both(engines, async ({ api, name }) => {
      const began = performance.now()
      const head = `GET /v1.41/containers/${ids[name]}/logs?stdout=1 HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n`
      return rateOf(count, await drain(api.socket, head).ended, began)
    })
    bench.compare({
      key: 'streams',
      title: 'output of a container',
      unit: 'MB/s',
      better: 'more',
      own: 'drydock',
      cases: [
        { label: 'attached, no log', values: await interleaved(attached('none'), turns), targets: ATTACH },
        { label: 'attached, with a log', values: await interleaved(attached('json-file'), turns), targets: LOG },
        { label: 'the log, read back', values: await interleaved(readBack, turns) },
      ],
    })
  }),
)

function printer(driver: Driver, blocks: number): readonly string[] {
  return driver === 'none'
    ? ['dd', 'if=/dev/zero', `bs=${BLOCK}`, `count=${blocks}`]
    : ['sh', '-c', `yes ${LINE} | dd bs=${BLOCK} count=${blocks} iflag=fullblock`]
}

/** MB/s of one container, from its start. */
async function print({ api }: MeasuredEngine, driver: Driver, blocks: number): Promise<number> {
  const id = await api.create(printer(driver, blocks), { HostConfig: { NetworkMode: 'none', LogConfig: { Type: driver } } })
  const head = `POST /v1.41/containers/${id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`
  const stream = drain(api.socket, head)
  await stream.answered
  const began = performance.now()
  await api.start(id)
  const rate = rateOf(blocks, await stream.ended, began)
  await api.remove(id)
  return rate
}

/** A container that has printed it all. */
async function logged({ api }: MeasuredEngine, blocks: number): Promise<string> {
  const id = await api.create(printer('json-file', blocks), { HostConfig: { NetworkMode: 'none' } })
  const { status } = await api.wait(id, 'next-exit')
  await api.start(id)
  await status
  return id
}

function rateOf(blocks: number, came: number, began: number): number {
  const size = blocks * BLOCK
  if (came < size) throw new Error(`only ${came} bytes of ${size} came`)
  return size / MEGA / ((performance.now() - began) / 1000)
}

/** Send a request, and count what comes until the other side ends: into one buffer, so that the client costs little. */
function drain(path: string, head: string): { readonly answered: Promise<void>; readonly ended: Promise<number> } {
  let came = 0
  let answer: () => void = () => undefined
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  const socket = connect({
    path,
    onread: {
      buffer: Buffer.alloc(4 * BLOCK),
      callback: (bytes) => {
        came += bytes
        answer()
        return true
      },
    },
  })
  socket.write(head)
  return { answered, ended: once(socket, 'close').then(() => came) }
}
