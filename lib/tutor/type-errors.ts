/** What TypeScript finds in a learner's file: read, not run. Node runs it without looking at types, and then tells of a wrong argument where that came to harm. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { shownPath } from './workspace.js'

/** As much is told at once. */
const MOST = 3

/** Milliseconds. */
const PATIENCE = 60_000

/** Plain mistakes only: who learns system calls need not say what may be undefined. Modules are found as the tutor finds them, wherever the workspace is. */
const OPTIONS = {
  noEmit: 'true',
  ignoreConfig: 'true',
  strict: 'false',
  skipLibCheck: 'true',
  target: 'es2023',
  module: 'esnext',
  moduleResolution: 'bundler',
  types: 'node',
  typeRoots: fileURLToPath(new URL('../../node_modules/@types', import.meta.url)),
  pretty: 'false',
}

/** Semantic ones: what is wrong with the syntax was told when the file was loaded. */
const LINE = /^(.+)\((\d+),(\d+)\): error TS[2-9]\d{3}: (.+)$/

/** `02-cgroups.ts:29:21: Argument of type …`, the first few, and each once. None too where TypeScript is not installed (`npm ci --omit=dev`). */
export async function typeErrors(file: string): Promise<string[]> {
  const compiler = compilerHere()
  if (compiler === undefined) return []
  const options = Object.entries(OPTIONS).flatMap(([name, value]) => [`--${name}`, value])
  // Paths in its answers are relative to where it runs.
  const { stdout } = await execa(process.execPath, [compiler, ...options, file], { reject: false, timeout: PATIENCE, cwd: dirname(file) })
  return String(stdout)
    .split('\n')
    .map((line) => LINE.exec(line))
    .filter((match) => match !== null)
    .filter(([, path]) => join(dirname(file), path as string) === file)
    .filter(([, , , , message], index, all) => all.findIndex((one) => one[4] === message) === index)
    .slice(0, MOST)
    .map(([, , line, column, message]) => `${shownPath(file)}:${line}:${column}: ${message}`)
}

function compilerHere(): string | undefined {
  try {
    const { resolve } = createRequire(import.meta.url)
    return join(dirname(resolve('typescript/package.json')), 'bin/tsc')
  } catch {
    return undefined
  }
}
