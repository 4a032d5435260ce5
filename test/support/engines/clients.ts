/** The docker command lines of this machine, unmodified: every version of it that is found. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { TerminalSession } from '../terminal.js'
import { type Exchange, Recorder } from './recorder.js'

export interface DockerProgram {
  readonly path: string
  /** `28.2.2`; what a distribution adds is left out. */
  readonly version: string
}

/** The newest first. */
export function dockerPrograms(): DockerProgram[] {
  const paths = [...`${process.env.PATH ?? ''}`.split(':'), '/usr/local/bin', '/usr/bin'].map((folder) => join(folder, 'docker'))
  const found = new Map<string, DockerProgram>()
  for (const path of new Set(paths.filter(isExecutable).map((one) => realpathSync(one)))) {
    const version = /version (\d+\.\d+\.\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1]
    if (version && !found.has(version)) found.set(version, { path, version })
  }
  return [...found.values()].sort((a, b) => b.version.localeCompare(a.version, undefined, { numeric: true }))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface Finished {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
  readonly exchanges: readonly Exchange[]
}

export interface CommandOptions {
  readonly input?: string | Buffer
  readonly cwd?: string
}

const SIZE = { rows: 33, cols: 101 } as const

const isSized = ({ target, status }: Exchange): boolean => target.endsWith(`/resize?h=${SIZE.rows}&w=${SIZE.cols}`) && status === 200

/**
 * `sized`: the client has said the terminal's size, for the last time unless that changes. It does so when the program runs, and a shell that is told of it in the
 * middle of a line draws the line again: nothing is to be typed before.
 */
export type TerminalAct = (terminal: TerminalSession, sized: () => Promise<void>) => Promise<void>

/** One of them, asking one engine, with a configuration of its own that says nothing. */
export class DockerClient {
  readonly program: DockerProgram
  readonly #socket: string
  readonly #home: string

  constructor(program: DockerProgram, socket: string) {
    this.program = program
    this.#socket = socket
    this.#home = mkdtempSync(join(tmpdir(), 'drydock-docker-'))
  }

  /** To its end, however that is. */
  async run(args: readonly string[], { input, cwd }: CommandOptions = {}): Promise<Finished> {
    const recorder = await Recorder.open(this.#socket)
    const { exitCode, stdout, stderr } = await execa(this.program.path, [...args], {
      reject: false,
      stripFinalNewline: false,
      extendEnv: false,
      env: this.#environment(recorder),
      encoding: 'utf8',
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      ...(cwd && { cwd }),
    })
    return { exit: exitCode ?? -1, stdout, stderr, exchanges: await recorder.close() }
  }

  /** On a terminal of 33 rows and 101 columns. */
  async terminal(args: readonly string[], act: TerminalAct): Promise<Finished> {
    const recorder = await Recorder.open(this.#socket)
    const terminal = new TerminalSession(this.program.path, args, { ...SIZE, env: this.#environment(recorder) })
    try {
      await act(terminal, () => recorder.answered(isSized, 'the size of the terminal'))
      const exit = await terminal.ended()
      return { exit, stdout: terminal.text, stderr: '', exchanges: await recorder.close() }
    } finally {
      terminal.kill()
    }
  }

  remove(): void {
    rmSync(this.#home, { recursive: true })
  }

  #environment(recorder: Recorder): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.#home,
      DOCKER_CONFIG: this.#home,
      DOCKER_HOST: `unix://${recorder.socket}`,
      DOCKER_CLI_HINTS: 'false',
      DOCKER_BUILDKIT: '0',
      LANG: 'C.UTF-8',
      TZ: 'UTC',
    }
  }
}
