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
import type { Bench } from './bench.js'
import { MeasuredEngine } from './engines.js'
import { measure, PLACE } from './isolated.js'
import type { Case, Target } from './page/result.js'
import { command, interleaved } from './tools.js'

const SUBJECT = {
  name: 'images',
  title: 'Images: pull, save, load',
  about: `From a registry on the loopback, the layers unpacked on a tmpfs: an image of ten thousand of this machine's files, and one of a hundred thousand small ones. \`drydock pull\`,
\`save\` and \`load\` do all by themselves (\`--no-engine\`), in a process that starts first; docker's daemon runs. Before each pull and load the image is forgotten.`,
}

const TARGETS: readonly Target[] = [
  {
    peer: 'docker',
    bound: 1 / 2,
    reason:
      'the command starts and loads its code first, which docker’s daemon has behind it; what that costs counts the more, the less there is to unpack.',
  },
]
const MEMORY_TARGETS: readonly Target[] = [{ bound: 150 }]

const REGISTRY = '127.0.0.1:5000'
/** Files of the machine's own in the first image. */
const ENOUGH = 10_000

const { PATH = '', HOME = '', DRYDOCK_DATA_ROOT = '' } = process.env
const ENVIRONMENT = { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME, DRYDOCK_DATA_ROOT, DRYDOCK_ENGINE: 'none' }

interface Found {
  readonly pull: Case[]
  readonly save: Case[]
  readonly load: Case[]
  /** Of one pull, MiB. */
  readonly memory: Case[]
}

await measure(SUBJECT, async (bench) => {
  const dockerd = new MeasuredEngine('dockerd', bench.signal)
  const registry = await startRegistry({ place: `${PLACE}/registry`, port: 5000 })
  const found: Found = { pull: [], save: [], load: [], memory: [] }
  try {
    await dockerd.start()
    bench.version('docker-registry', await registryVersion())
    for (const [name, make] of [
      ['files', someOfTheMachines],
      ['small', manySmall],
    ] as const) {
      const tree = `${PLACE}/tree`
      const label = make(tree, bench.quick ? 10 : 1)
      const image = `${REGISTRY}/${name}:latest`
      await execa('sh', ['-c', 'tar -C "$0" -c . | "$@"', tree, ...dockerd.docker('import', '-', image)])
      rmSync(tree, { recursive: true })
      await command(dockerd.docker('push', '-q', image), ENVIRONMENT)
      await compareAll(bench, { dockerd, image, label }, found)
      await forget(dockerd, image)
    }
  } finally {
    await registry.stop()
    await dockerd.close()
  }
  bench.command(
    'drydock --no-engine pull IMAGE',
    'docker pull IMAGE',
    'drydock --no-engine save -o FILE IMAGE',
    'docker save -o FILE IMAGE',
  )
  const common = { better: 'less', own: 'drydock' } as const
  bench.compare({ ...common, key: 'pull', title: 'pull and unpack', unit: 'ms', cases: found.pull })
  bench.compare({ ...common, key: 'save', title: 'save', unit: 'ms', cases: found.save })
  bench.compare({ ...common, key: 'load', title: 'load', unit: 'ms', cases: found.load })
  bench.compare({ ...common, key: 'pull-memory', title: 'most memory of drydock pull', unit: 'MiB', cases: found.memory })
})

interface Subject {
  readonly dockerd: MeasuredEngine
  readonly image: string
  readonly label: string
}

async function compareAll(bench: Bench, { dockerd, image, label }: Subject, found: Found): Promise<void> {
  const peaks: number[] = []
  const anew = { rounds: bench.rounds(3, 1), signal: bench.signal, warmUp: 1, before: () => forget(dockerd, image) }
  const there = { ...anew, before: async () => undefined }
  const archive = (who: string) => `${PLACE}/${who}.tar`
  const pull = {
    drydock: async () => void peaks.push(await drydock('pull', '-q', image)),
    docker: () => command(dockerd.docker('pull', '-q', image), ENVIRONMENT),
  }
  found.pull.push({ label, values: await interleaved(pull, anew), targets: TARGETS })
  found.memory.push({ label, values: { drydock: peaks }, targets: MEMORY_TARGETS })

  await pull.drydock()
  await pull.docker()
  const save = {
    drydock: async () => void (await drydock('save', '-o', archive('drydock'), image)),
    docker: () => command(dockerd.docker('save', '-o', archive('docker'), image), ENVIRONMENT),
  }
  found.save.push({ label, values: await interleaved(save, there), targets: TARGETS })
  // docker keeps layers uncompressed and saves them so, drydock as they came: each loads its own, and then both load docker's.
  for (const [about, own] of [
    ['', 'drydock'],
    [', archive of docker’s', 'docker'],
  ] as const) {
    const load = {
      drydock: async () => void (await drydock('load', '-q', '-i', archive(own))),
      docker: () => command(dockerd.docker('load', '-q', '-i', archive('docker')), ENVIRONMENT),
    }
    found.load.push({ label: `${label}${about}`, values: await interleaved(load, anew), targets: TARGETS })
  }
  for (const who of ['drydock', 'docker']) rmSync(archive(who))
}

async function forget(dockerd: MeasuredEngine, image: string): Promise<void> {
  rmSync(DRYDOCK_DATA_ROOT, { recursive: true, force: true })
  mkdirSync(DRYDOCK_DATA_ROOT)
  const [file, ...args] = dockerd.docker('rmi', '-f', image)
  await execa(file as string, args, { reject: false })
}

async function registryVersion(): Promise<string> {
  return (await execa('docker-registry', ['--version'])).stdout.replace(/^\S+\s+\S+\s+/, '')
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

/** Ten thousand regular files of /usr, or a part of that, in the order of their names. */
function someOfTheMachines(tree: string, part: number): string {
  let bytes = 0
  let files = 0
  const visit = (directory: string) => {
    mkdirSync(join(tree, directory), { recursive: true })
    for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (files === ENOUGH / part) return
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
  return `${files} files (${(bytes / 2 ** 20).toFixed(0)} MiB)`
}

function manySmall(tree: string, part: number): string {
  for (let directory = 0; directory < 1000 / part; directory++) {
    const path = join(tree, `${directory}`)
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < 100; file++) writeFileSync(join(path, `${file}`), `${directory}/${file} `.repeat(128).slice(0, 1024))
  }
  return `${100_000 / part} files of 1 KiB`
}
