/** docs/BENCHMARKS.md and its pictures, with the machine as it is. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { arch, cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { giveToInvoker } from '../lib/kernel/places.js'
import { detectCgroups } from '../lib/primitives/cgroups/index.js'
import { distributionOf, type Machine, processorOf, rootTypeOf } from './page/machine.js'
import { writePage } from './page/markdown.js'
import type { Result } from './page/result.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Paths of the files that were written, from the checkout. Pictures of an earlier page that this one has not are taken away. */
export function writeDocuments(results: readonly Result[]): string[] {
  const { markdown, pictures } = writePage(results, machineOf())
  const images = `${ROOT}docs/images`
  mkdirSync(images, { recursive: true })
  for (const name of readdirSync(images)) if (/^bench-.*\.svg$/.test(name) && !(name in pictures)) rmSync(`${images}/${name}`)
  const files = {
    'docs/BENCHMARKS.md': markdown,
    ...Object.fromEntries(Object.entries(pictures).map(([name, text]) => [`docs/images/${name}`, text])),
  }
  for (const [path, text] of Object.entries(files)) {
    writeFileSync(`${ROOT}${path}`, text)
    giveToInvoker(`${ROOT}${path}`)
  }
  return Object.keys(files)
}

/** As the kernel tells it: of the machine, not of what is measured on it. */
function machineOf(): Machine {
  const read = (path: string) => readFileSync(path, 'utf8')
  const versions = [...new Set(detectCgroups().hierarchies.map(({ version }) => `v${version}`))].sort()
  return {
    processor: processorOf(read('/proc/cpuinfo'), arch()),
    cores: cpus().length,
    memoryGiB: totalmem() / 2 ** 30,
    kernel: release(),
    distribution: distributionOf(read('/etc/os-release')),
    cgroups: versions.join(' and ') || 'none',
    fileSystem: `tmpfs for all files of the measurements; the programs are read from ${rootTypeOf(read('/proc/self/mounts'))}`,
  }
}
