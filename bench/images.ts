/**
 * `drydock pull` beside `docker pull` of the same image from the same registry, and save and load beside docker's: an image of about ten
 * thousand of this machine's files, and one of a hundred thousand small ones. Every round begins without the image. The most memory that a
 * pull's process had is told too. Run by main.ts on a host of its own.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { execa } from 'execa'
import { DRYDOCK } from '../test/support/private-host.js'
import { startRegistry } from '../test/support/registry.js'
import { type Daemon, startDaemon } from './daemon.js'
import { measure, PLACE } from './isolated.js'
import { interleaved, medianOf, report, roundsOf } from './tools.js'

/** What issue 4 asks for, of the peer's time; and of memory, in MiB. */
const TARGETS = { docker: 1 / 2 }
const MEMORY_TARGET = 150

const REGISTRY = '127.0.0.1:5000'
/** Files of the machine's own in the first image. */
const ENOUGH = 10_000
const rounds = roundsOf(process.argv, 5)

const { PATH = '', HOME = '', DRYDOCK_DATA_ROOT = '' } = process.env
const ENVIRONMENT = { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME, DRYDOCK_DATA_ROOT, DRYDOCK_ENGINE: 'none' }

await measure(async (signal) => {
  await execa('ip', ['link', 'set', 'lo', 'up'])
  const daemon = await startDaemon(`${PLACE}/docker`, signal)
  const registry = await startRegistry({ place: `${PLACE}/registry`, port: 5000 })
  try {
    for (const [name, make] of [
      ['files', someOfTheMachines],
      ['small', manySmall],
    ] as const) {
      const tree = `${PLACE}/tree`
      const description = make(tree)
      const image = `${REGISTRY}/${name}:latest`
      await execa('sh', ['-c', 'tar -C "$0" -c . | "$@"', tree, ...daemon.docker('import', '-', image)])
      rmSync(tree, { recursive: true })
      await command(daemon.docker('push', '-q', image))
      await comparePull(daemon, image, description, signal)
      await compareArchives(daemon, image, description, signal)
      await forget(daemon, image)
    }
  } finally {
    await registry.stop()
    await daemon.stop()
  }
})

async function comparePull(daemon: Daemon, image: string, description: string, signal: AbortSignal): Promise<void> {
  const peaks: number[] = []
  const times = await interleavedAnew(
    daemon,
    image,
    { drydock: async () => void peaks.push(await drydock('pull', '-q', image)), docker: () => command(daemon.docker('pull', '-q', image)) },
    signal,
  )
  report(`pull of ${description}, beside Docker ${daemon.version} whose daemon runs`, times, 'drydock', TARGETS)
  console.log(`  most memory of drydock pull: ${medianOf(peaks).toFixed(0)} MiB, target less than ${MEMORY_TARGET}`)
}

async function compareArchives(daemon: Daemon, image: string, description: string, signal: AbortSignal): Promise<void> {
  await drydock('pull', '-q', image)
  await command(daemon.docker('pull', '-q', image))
  const archive = (who: string) => `${PLACE}/${who}.tar`
  const saved = await interleaved(
    {
      drydock: async () => void (await drydock('save', '-o', archive('drydock'), image)),
      docker: () => command(daemon.docker('save', '-o', archive('docker'), image)),
    },
    rounds,
    signal,
    1,
  )
  report(`save of ${description}`, saved, 'drydock', TARGETS)
  const loaded = await interleavedAnew(
    daemon,
    image,
    {
      drydock: async () => void (await drydock('load', '-q', '-i', archive('drydock'))),
      docker: () => command(daemon.docker('load', '-q', '-i', archive('docker'))),
    },
    signal,
  )
  report(`load of ${description}`, loaded, 'drydock', TARGETS)
  for (const who of ['drydock', 'docker']) rmSync(archive(who))
}

/** Interleaved, and before every single one the image is forgotten; that time does not count. */
async function interleavedAnew(
  daemon: Daemon,
  image: string,
  contestants: Readonly<Record<'drydock' | 'docker', () => Promise<void>>>,
  signal: AbortSignal,
): Promise<Record<'drydock' | 'docker', number[]>> {
  const times: Record<'drydock' | 'docker', number[]> = { drydock: [], docker: [] }
  for (let round = -1; round < rounds; round++) {
    for (const who of ['drydock', 'docker'] as const) {
      signal.throwIfAborted()
      await forget(daemon, image)
      const began = performance.now()
      await contestants[who]()
      if (round >= 0) times[who].push(performance.now() - began)
    }
  }
  return times
}

async function forget(daemon: Daemon, image: string): Promise<void> {
  rmSync(DRYDOCK_DATA_ROOT, { recursive: true, force: true })
  mkdirSync(DRYDOCK_DATA_ROOT)
  const [file, ...args] = daemon.docker('rmi', '-f', image)
  await execa(file as string, args, { reject: false })
}

async function command([file, ...args]: readonly string[]): Promise<void> {
  await execa(file as string, args, { stdin: 'ignore', stdout: 'ignore', env: ENVIRONMENT, extendEnv: false })
}

/** Run it; the most memory that its process had resident, in MiB, as the kernel counts it (VmHWM, proc_pid_status(5)). */
async function drydock(...args: string[]): Promise<number> {
  const child = spawn(DRYDOCK, args, { stdio: ['ignore', 'ignore', 'inherit'], env: ENVIRONMENT })
  let peak = 0
  const look = setInterval(() => {
    peak = Math.max(peak, residentPeak(child.pid as number))
  }, 20)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearInterval(look)
  if (code !== 0) throw new Error(`drydock ${args.join(' ')} ended with ${code}`)
  return peak
}

function residentPeak(pid: number): number {
  try {
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Ten thousand regular files of /usr, in the order of their names. */
function someOfTheMachines(tree: string): string {
  let bytes = 0
  let files = 0
  const visit = (directory: string) => {
    mkdirSync(join(tree, directory), { recursive: true })
    for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (files === ENOUGH) return
      const path = join(directory, entry.name)
      if (entry.isDirectory()) visit(path)
      else if (entry.isFile()) {
        copyFileSync(path, join(tree, path))
        bytes += lstatSync(path).size
        files++
      }
    }
  }
  for (const directory of ['/usr/share', '/usr/lib']) if (statSync(directory, { throwIfNoEntry: false })) visit(directory)
  return `${files} files of this machine (${(bytes / 2 ** 20).toFixed(0)} MiB)`
}

function manySmall(tree: string): string {
  for (let directory = 0; directory < 1000; directory++) {
    const path = join(tree, `${directory}`)
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < 100; file++) writeFileSync(join(path, `${file}`), `${directory}/${file} `.repeat(128).slice(0, 1024))
  }
  return '100,000 files of 1 KiB'
}
