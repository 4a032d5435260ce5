/** `drydock run`: a container in the foreground, without an engine. */
import { type Layout, readMachine } from '../container/index.js'
import { serveNames } from '../engine/connections.js'
import { parseExtraHosts } from '../engine/hosts.js'
import { parseDetachKeys } from '../engine/keys.js'
import { type Launched, type LaunchRequest, launch } from '../engine/launch.js'
import { Control } from '../kernel/control.js'
import { DrydockError } from '../kernel/errors.js'
import { loneShim } from '../kernel/lone.js'
import { dataRoot } from '../kernel/places.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Step } from '../kernel/step.js'
import { Foreground } from './foreground.js'
import { parseDns } from './names.js'
import { requestOf } from './request.js'
import { findImage } from './run-image.js'
import { parseRun, type RunArguments, type RunFlags } from './run-options.js'

/** Exit status: the container's; 125, 126, 127 when it could not be started (docker-run(1)). */
export async function run(argv: readonly string[]): Promise<number> {
  const parsed = parseRun(argv)
  if ('status' in parsed) return parsed.status
  const { flags } = parsed
  const root = dataRoot()
  const detachKeys = parseDetachKeys(flags.detachKeys)
  checkTerminal(flags)
  if (flags.record && !flags.step) throw new DrydockError('--record keeps a record of --step: give both, or neither')
  const image = await findImage(parsed, root)
  const { spec, warnings, fill } = requestOf(parsed, image, root)
  for (const warning of warnings) warn(warning)
  const request: LaunchRequest = {
    spec,
    dataRoot: root,
    machine: readMachine(),
    extraHosts: parseExtraHosts(flags.addHost),
    dns: parseDns(flags),
    ...(flags.ip !== undefined && { ip: flags.ip }),
    ...(flags.macAddress !== undefined && { mac: flags.macAddress }),
  }
  if (flags.explain) return (await import('./explain.js')).explain(request)
  // What copies is loaded only where there may be something to copy.
  if (fill.length > 0) await (await import('../engine/copy-up.js')).fillVolumes(fill, image.layers, loneShim)
  const watch = await watcher(parsed)
  let foreground: Foreground | undefined
  try {
    const launched = await launch(request, {
      newShim: loneShim,
      ...(!flags.detach && { serveNames: (networks) => serveNames(root, networks) }),
      monitor: (layout) => monitorOf(flags, layout),
      prepared: (shim, { socket }) => {
        const signal = signalsTo(socket)
        foreground = new Foreground(shim, { spec, detachKeys, signalProxy: flags.sigProxy, signal, broken: () => shim.rollback() })
        return watch?.(shim).attempt
      },
    })
    image.release?.()
    for (const warning of launched.warnings) warn(warning)
    if (flags.detach) return await leave(launched, () => process.stdout.write(`${spec.id}\n`))
    return await attend(launched, foreground as Foreground)
  } catch (error) {
    if (flags.step && (error as Error).name === 'Quit') return (error as { status?: number }).status ?? 0
    throw error
  }
}

interface Watcher {
  attempt(steps: readonly Step[]): Promise<Result[]>
}

/** --trace prints each call, --step waits before it. */
async function watcher({ flags, image, command }: RunArguments): Promise<((shim: Shim) => Watcher) | undefined> {
  if (flags.step) return (await import('./step.js')).stepping({ title: ['drydock run', image, ...command].join(' '), record: flags.record })
  if (!flags.trace) return undefined
  const { traceLine } = await import('./trace.js')
  return (shim) => ({
    async attempt(steps) {
      const results = await shim.attempt(steps)
      process.stderr.write(results.map(traceLine).join(''))
      return results
    },
  })
}

async function attend(launched: Launched, foreground: Foreground): Promise<number> {
  const { shim, names } = launched
  const end = await foreground.attend(shim.exited)
  await names?.close()
  if ('detached' in end) return leave(launched, () => process.stderr.write('\r\n'))
  await shim.ended
  return end.exit.code
}

/** The shim goes on alone, and undoes what is to be undone when the container has ended. */
async function leave({ shim }: { shim: Shim }, say: () => void): Promise<number> {
  await shim.leave()
  say()
  return 0
}

/** By a connection of its own, which the first one opens. */
function signalsTo(path: string): (number: number) => void {
  let control: Promise<Control> | undefined
  return (number) => {
    control ??= Control.open(path)
    // One that has ended needs none.
    control.then(
      (open) => open.signal(number),
      () => undefined,
    )
  }
}

/** As docker does: the log and the exit are kept as long as the container is; its socket is there while it runs. */
function monitorOf(flags: RunFlags, layout: Layout) {
  return {
    socketPath: layout.socket,
    ...(!flags.rm && { logPath: layout.log, exitPath: layout.exit }),
    // With -d and -i nobody types, and nobody has finished typing either.
    ...(flags.detach && flags.interactive && { keepStdin: true }),
  }
}

function checkTerminal(flags: RunFlags): void {
  if (flags.tty && flags.interactive && !flags.detach && !flags.explain && !process.stdin.isTTY) {
    throw new DrydockError('the input device is not a TTY: leave -t out, or run it in a terminal')
  }
}

const warn = (sentence: string): void => {
  process.stderr.write(`WARNING: ${sentence}\n`)
}
