/** The lesson's engine: `drydock daemon` in the bottle, with a data root in memory and one image in it. */

import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import type { Bottle } from '../../lib/bottle.js'
import { clone3, execve, host, mkdir, mount, type Step } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import type { Exit } from '../../lib/kernel/frames.js'
import { patience } from '../../lib/kernel/patience.js'
import { invoker } from '../../lib/kernel/places.js'
import type { Shim } from '../../lib/kernel/shim.js'
import type { Box, Stage, Suggestion } from '../../lib/tutor/lesson.js'
import { Engine } from './client.js'
import { IMAGE, lifeboat } from './image.js'

/** Where it listens, as the bottle sees it. */
export const SOCKET = '/run/drydock.sock'
/** All that it keeps. In memory: overlayfs takes no upper layer that is on an overlay itself, as the bottle's directories are. */
const DATA = '/engine'
export const DATA_ROOT = `${DATA}/data`
/** The command line, as a script for node. */
export const PROGRAM = fileURLToPath(new URL('../../scripts/drydock.cjs', import.meta.url))

/** What the engine, and each client of it, is started with. */
const environment = (socket: string): string[] => [
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  `HOME=${DATA}`,
  'TERM=xterm',
  'NO_COLOR=1',
  `DRYDOCK_DATA_ROOT=${DATA_ROOT}`,
  `DRYDOCK_RUN_DIR=${DATA}/run`,
  `DOCKER_HOST=unix://${socket}`,
]

/** The command `drydock …`, in place of whoever makes this step. It asks the engine behind `socket`. */
export const drydock = (args: readonly string[], { socket = SOCKET, why }: { socket?: string; why?: string } = {}): Step =>
  execve(process.execPath, ['node', PROGRAM, ...args], environment(socket), why === undefined ? {} : { why })

/** Another program, which finds the engine where drydock does. */
export const asClient = (program: string, args: readonly string[]): Step => execve(program, args, environment(SOCKET))

/** Is the checkout, and is node, where a bottle sees them? Below /tmp, for example, it does not. */
export const canRun = (bottle: Bottle): boolean => [PROGRAM, process.execPath].every((path) => existsSync(bottle.hostPath(path)))

export const CANNOT_RUN =
  'The checkout of drydock, or node, lies where a bottle does not see it (below /tmp, perhaps), so that no engine can be started in one.'

let bundled: Promise<unknown> | undefined

/** The command makes a bundle of its sources when they have changed. In a bottle that would be lost with it, so the command is run once outside. */
export function bundle(): Promise<unknown> {
  const user = invoker()
  const own = user ? { uid: user.uid, gid: user.gid } : {}
  bundled ??= execa(process.execPath, [PROGRAM, '--version'], { reject: false, stdin: 'ignore', ...own })
  return bundled
}

const place = (): Step[] => [mkdir(DATA), mount('tmpfs', DATA, 'tmpfs', [], 'mode=755')]
const DAEMON = ['daemon', '--log-level', 'warn', '--group', 'root', '-H', `unix://${SOCKET}`]
const daemon = (): Step[] => [clone3([]), drydock(DAEMON)]

export interface Running {
  /** The engine is the child of this box. */
  readonly box: Box
  readonly engine: Engine
}

export interface Stock {
  /** The lesson's image is in it, for which the programs of a userland must be there. False for a scene without containers. */
  readonly image?: boolean
}

/** On the stage. Undefined where there can be none; then that was said. */
export async function openEngine(stage: Stage, { image = true }: Stock = {}): Promise<Running | undefined> {
  if (!canRun(stage.bottle)) {
    await stage.say(CANNOT_RUN)
    return undefined
  }
  await bundle()
  const box = await stage.box('engine')
  await box.together(`An engine: drydock ${DAEMON.join(' ')}`, [...host(place()), ...daemon()])
  const engine = await listening(stage.bottle, box.shim)
  if (image) await engine.import(IMAGE, lifeboat(stage.bottle))
  return { box, engine }
}

/** Another one on the same data root, when the first has ended. */
export async function reopenEngine(stage: Stage): Promise<Running> {
  const box = await stage.box('another engine')
  await box.together('The same command again, on the same data root', daemon())
  return { box, engine: await listening(stage.bottle, box.shim) }
}

const COMMAND = '/usr/local/bin/drydock'

/** A shell in which `drydock` is a command. Nothing of that where the bottle has a /usr that cannot be written. */
export async function shellWithDrydock(stage: Stage, box: Box, suggest: readonly Suggestion[]): Promise<void> {
  const script = ['#!/bin/sh', ...environment(SOCKET).map((variable) => `export ${variable}`), `exec ${process.execPath} ${PROGRAM} "$@"`]
  try {
    writeFileSync(stage.bottle.hostPath(COMMAND), `${script.join('\n')}\n`, { mode: 0o755 })
  } catch {
    return
  }
  await stage.shell(box, suggest)
}

/** Behind the stage, for an exercise. */
export async function quietEngine(bottle: Bottle): Promise<Engine> {
  if (!canRun(bottle)) throw new DrydockError(CANNOT_RUN)
  await bundle()
  const shim = await bottle.shim()
  await shim.run([...host(place()), ...daemon()])
  const engine = await listening(bottle, shim)
  await engine.import(IMAGE, lifeboat(bottle))
  return engine
}

/** Milliseconds that an engine may take until it answers, on a slow machine too; and between two questions. */
const PATIENCE = patience(20_000)
const BETWEEN_QUESTIONS = 10

/** `shim`: whose child the engine is. */
export async function listening(bottle: Bottle, shim: Shim): Promise<Engine> {
  const engine = new Engine(bottle.hostPath(SOCKET))
  let ended: Exit | undefined
  void shim.exited.then(
    (exit) => {
      ended = exit
    },
    () => undefined,
  )
  for (const end = Date.now() + PATIENCE; Date.now() < end && !ended; await sleep(BETWEEN_QUESTIONS)) {
    const reply = await engine.ask('GET', '/_ping').catch(() => undefined)
    if (reply?.status === 200) return engine
  }
  throw new DrydockError(
    ended ? `the engine has ended with ${ended.code}` : `the engine has not answered within ${PATIENCE / 1000} seconds`,
  )
}

/** `drydock ps`, with the columns that fit beside what the tutor shows. */
export async function list(stage: Stage, flags: readonly string[] = [], socket = SOCKET): Promise<void> {
  const args = ['ps', ...flags, '--format', 'table {{.ID}}\t{{.Status}}\t{{.Names}}']
  const box = await stage.box(['ps', ...flags].join(' '))
  await box.together(`drydock ${['ps', ...flags].join(' ')} --format 'table {{.ID}}\\t{{.Status}}\\t{{.Names}}'`, [
    clone3([]),
    drydock(args, { socket }),
  ])
  await box.exited()
}
