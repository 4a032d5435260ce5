/** What drydock is built with and runs on: kernel, Node, compiler, tools. */
import { accessSync, constants, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { release } from 'node:os'
import { execa } from 'execa'
import { SHIM_PATH } from '../kernel/constants.js'
import { readStatus } from '../kernel/proc/status.js'
import { ALL_CAPABILITIES, capabilityName, lastCapability } from '../primitives/capabilities.js'
import { findCommand, installHint } from '../tutor/packages.js'
import { type Chapter, type Finding, missing, ok, restricted } from './finding.js'

const { checkPlatform } = createRequire(import.meta.url)('../../scripts/setup.cjs') as { checkPlatform(): string | undefined }

/** CLONE_INTO_CGROUP is of 5.7; mount_setattr, without which a bottle cannot show a directory read-only, of 5.12. */
const OLDEST_KERNEL = [5, 12] as const

export async function machine(): Promise<Chapter> {
  return {
    title: 'Machine',
    findings: [kernel(release()), node(), ...(await compiler()), shim(), capabilities(), filter(), await terminals()],
  }
}

export function kernel(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const says = `Linux ${version}, ${process.arch === 'x64' ? 'x86-64' : process.arch}`
  const enough = major > OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor >= OLDEST_KERNEL[1])
  const wanted = OLDEST_KERNEL.join('.')
  return enough
    ? ok('kernel', says)
    : missing('kernel', `${says}; drydock needs ${wanted}`, `a newer kernel, or a virtual machine that has one (vm/README.md)`)
}

function node(): Finding {
  const problem = checkPlatform()
  if (problem === undefined) return ok('Node', `${process.versions.node} (${process.execPath})`)
  const [says = '', remedy = ''] = problem.split('\n')
  return missing('Node', says, remedy)
}

async function compiler(): Promise<Finding[]> {
  const cc = findCommand('cc') ?? findCommand('gcc')
  if (!cc || !findCommand('make')) {
    const lacking = ['make', 'cc'].filter((name) => !findCommand(name))
    return [missing('C compiler', `${lacking.join(' and ')} cannot be found`, installHint(lacking))]
  }
  const { stdout } = await execa(cc, ['-print-file-name=libc.a'], { reject: false })
  // A library that it does not find is answered with the bare name.
  const library = stdout.startsWith('/')
    ? ok('static libc', stdout)
    : missing('static libc', 'libc.a is not there, so the shim cannot be linked', installHint(['cc']))
  return [ok('C compiler', cc), library]
}

function shim(): Finding {
  try {
    accessSync(SHIM_PATH, constants.X_OK)
    return ok('shim', SHIM_PATH)
  } catch {
    return missing('shim', `${SHIM_PATH} is not built`, 'run: make -C native')
  }
}

/** The bounding set: nothing that is started from here can have what it lacks. capabilities(7). */
export function capabilities(bounding: readonly string[] = readStatus('self')?.capabilities.bounding.names ?? []): Finding {
  const all = ALL_CAPABILITIES.slice(0, lastCapability() + 1)
  const lacking = all.filter((name) => !bounding.includes(name))
  if (lacking.length === 0) return ok('capabilities', `all ${all.length} of this kernel can be had here`)
  const names = lacking.map(capabilityName).join(', ')
  return restricted(
    'capabilities',
    `no program started from here can have ${names}: the bounding set lacks ${lacking.length === 1 ? 'it' : 'them'}`,
    'start outside of the container or service that took them away, or let it keep them (--cap-add)',
  )
}

export function filter(mode: string | undefined = readStatus('self')?.seccomp): Finding {
  return mode === 'filter'
    ? restricted(
        'seccomp',
        'doctor itself runs under a filter, as in a container: calls may be forbidden',
        'start outside of that container, or start it with --security-opt seccomp=unconfined',
      )
    : ok('seccomp', 'no filter around this program')
}

/** Really opened: a shell that says which terminal it has. */
async function terminals(): Promise<Finding> {
  const failed = (says: string) => missing('terminals', says, 'mount a devpts at /dev/pts, and raise kernel.pty.max if it is reached')
  try {
    const { spawn } = await import('node-pty')
    const pty = spawn('/bin/sh', ['-c', 'test -t 0'], { cols: 80, rows: 24 })
    const status = await new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)))
    return status === 0 ? ok('terminals', 'a pty can be opened') : failed('a program on a new pty does not find a terminal')
  } catch (error) {
    return failed(`a pty cannot be opened: ${(error as Error).message.split('\n')[0]}`)
  }
}

const TOOLS = {
  lessons: ['unshare', 'setpriv', 'ip'],
  tests: ['strace', 'busybox', 'crun', 'runc', 'nft', 'newuidmap'],
} as const

/** Programs that drydock itself can do without. */
export function tools(): Chapter {
  const findings = Object.entries(TOOLS).map(([name, commands]) => {
    const lacking = commands.filter((command) => findCommand(command) === undefined)
    const what = `for ${name}`
    if (lacking.length === 0) return ok(what, commands.join(', '))
    const loss = name === 'tests' ? 'tests that use them are skipped' : 'commands that the text suggests will not be found'
    return missing(what, `${lacking.join(', ')}: ${loss}`, `run: ${installHint(lacking)}`)
  })
  const mine = existsSync('/.dockerenv') || existsSync('/run/.containerenv')
  const container = mine
    ? [restricted('container', 'this is inside a container, which may forbid what lessons do', 'a virtual machine or the host itself')]
    : []
  return { title: 'Tools', findings: [...findings, ...container] }
}
