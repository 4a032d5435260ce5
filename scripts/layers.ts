/**
 * The layers of the house: a folder may import itself and what stands below it, and nothing above. The order is the design's;
 * a folder that is not in the table is an error, so that nobody adds one without saying where it stands.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { glob } from 'zx'

const ROOT = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..')

/** From the ground up. Folders on one line stand side by side and do not import each other. */
const FLOORS: readonly (readonly string[])[] = [
  ['lib/kernel'],
  ['lib/primitives'],
  ['lib/container'],
  ['lib/image', 'lib/network', 'lib/tls'],
  ['lib/picture'],
  ['lib/trace'],
  ['lib/bottle'],
  ['lib/engine'],
  ['lib/api'],
  ['lib/tutor'],
  ['lib/workshop'],
  ['lib/cli', 'lib/repl', 'lib/doctor', 'lib/classroom'],
  ['lib/hosts'],
  ['lib/index.ts'],
  ['lessons'],
  // Statistics, pictures and words of the benchmarks: pure, and tested.
  ['bench/page'],
  ['scripts'],
  ['test'],
  ['bench', 'vitest.config.ts'],
]

/** Sentences about folders that the picture of the house in docs/ARCHITECTURE.md lacks, or has on another floor. */
export async function checkDrawing(): Promise<string[]> {
  const text = await readFile(join(ROOT, 'docs/ARCHITECTURE.md'), 'utf8')
  const drawing = /```\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
  let above = drawing.length
  return FLOORS.flatMap((folders) => {
    // From the ground up: each floor stands on an earlier line than the one below it.
    const folder = folders.filter((one) => !one.endsWith('config.ts'))
    const places = folder.map((one) => drawing.search(new RegExp(`(^|[^\\w/])${one.replaceAll('.', '\\.')}(?![\\w/])`, 'm')))
    const lacking = folder.filter((_, index) => places[index] === -1)
    const wrong = folder.filter((_, index) => (places[index] as number) > above)
    above = Math.min(above, ...places.filter((place) => place !== -1))
    return [
      ...lacking.map((one) => `docs/ARCHITECTURE.md: the picture of the house lacks ${one}`),
      ...wrong.map((one) => `docs/ARCHITECTURE.md: in the picture of the house ${one} stands below what it is built on`),
    ]
  })
}

/** What runs in a browser, and all of the house that it may bring along: what needs no Node. */
const PAGE = 'lib/workshop/page'
const FREE_OF_NODE = [
  'lib/kernel/printable.ts',
  'lib/picture/capabilities.ts',
  'lib/picture/delta.ts',
  'lib/picture/types.ts',
  'lib/trace/replay.ts',
  'lib/trace/report.ts',
  'lib/trace/types.ts',
  'lib/workshop/protocol.ts',
]

/** Sentences about imports that go up, sideways or out of the table; empty when the house stands. */
export async function checkLayers(): Promise<string[]> {
  const files = await glob(['{lib,lessons,test,bench,scripts}/**/*.{ts,tsx}', '*.ts'], { cwd: ROOT, ignore: ['**/node_modules/**'] })
  const complaints: string[] = []
  for (const file of files.sort()) {
    const from = placeOf(file)
    if (!from) {
      complaints.push(`${file}: stands in no layer; add its folder to FLOORS in scripts/layers.ts`)
      continue
    }
    for (const target of importsOf(await readFile(join(ROOT, file), 'utf8'))) {
      const path = posix.normalize(posix.join(posix.dirname(file), target)).replace(/\.js$/, '.ts')
      if (file.startsWith(`${PAGE}/`) && !path.startsWith(`${PAGE}/`) && !FREE_OF_NODE.includes(path)) {
        complaints.push(`${file}: imports ${path}, which is not known to be free of Node: see FREE_OF_NODE in scripts/layers.ts`)
      }
      const to = placeOf(path)
      if (to && !mayImport(from, to)) {
        complaints.push(
          `${file}: imports ${path}, but ${from.folder} stands ${from.floor < to.floor ? 'below' : 'beside'} ${to.folder} and may not know it`,
        )
      }
    }
  }
  return complaints
}

interface Place {
  readonly folder: string
  readonly floor: number
}

function placeOf(file: string): Place | undefined {
  for (const [floor, folders] of FLOORS.entries()) {
    // lib/bottle.ts is the entry of lib/bottle/, so it stands there too.
    const folder = folders.find((name) => file === name || file.startsWith(`${name}/`) || file === `${name}.ts`)
    if (folder) return { folder, floor }
  }
  return undefined
}

function mayImport(from: Place, to: Place): boolean {
  // A lesson's files are what the tutor opens by name, so lessons know the tutor's types and nobody knows the lessons but tests.
  return from.folder === to.folder || from.floor > to.floor
}

/** Relative targets of the static and dynamic imports and re-exports in a source. */
function importsOf(source: string): string[] {
  const targets = [...source.matchAll(/(?:from|import|import\()\s*['"](\.[^'"]+)['"]/g)].map(([, target]) => target as string)
  return [...new Set(targets)]
}
