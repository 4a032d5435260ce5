/** What was typed after `drydock run`, as a container's spec. */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { type ContainerSpec, checkHostname, checkName, findContainer, type NetworkMode, shortId } from '../container/index.js'
import { inventName } from '../container/names.js'
import type { ImageSpec } from '../container/spec.js'
import { firstProcess } from '../engine/living.js'
import { DrydockError } from '../kernel/errors.js'
import { randomBytes } from '../kernel/random.js'
import type { CgroupLimits } from '../primitives/cgroups/index.js'
import { parseRlimit } from '../primitives/process.js'
import { parseEnvironment } from './environment.js'
import type { RunArguments, RunFlags } from './run-options.js'
import { parseSecurity } from './security.js'
import { terminalSize } from './terminal.js'
import { parseBytes, parseInteger, parseMemory, parseNumber, parseSwap } from './units.js'
import { parseTmpfs, parseVolume } from './volumes.js'

/** An image, and what it says about running it. */
export interface RunnableImage extends ImageSpec {
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly workingDir: string
  readonly user: string
}

export interface RunRequest {
  readonly spec: ContainerSpec
  readonly warnings: readonly string[]
}

export function requestOf({ flags, command }: RunArguments, image: RunnableImage, dataRoot: string): RunRequest {
  const id = randomBytes(32).toString('hex')
  const network = networkOf(flags, dataRoot)
  const { warnings, ...security } = parseSecurity(flags.securityOpt)
  const spec: ContainerSpec = {
    id,
    name: flags.name === undefined ? inventName() : checkName(flags.name),
    image: { name: image.name, layers: image.layers },
    argv: argvOf(flags, command, image),
    env: [...image.env, ...parseEnvironment(flags.env, flags.envFile)],
    cwd: workdir(flags.workdir ?? (image.workingDir || '/')),
    user: flags.user ?? image.user,
    groups: flags.groupAdd,
    hostname: hostnameOf(flags, network, id),
    domainname: flags.domainname ?? '',
    ...(flags.tty && { terminal: terminalSize() }),
    stdin: flags.interactive,
    init: flags.init,
    readOnlyRoot: flags.readOnly,
    mounts: [
      ...flags.volume.map((text) => parseVolume(text, dataRoot, () => randomBytes(32).toString('hex'))),
      ...flags.tmpfs.map(parseTmpfs),
    ],
    ...(flags.shmSize !== undefined && { shmSize: parseBytes(flags.shmSize, '--shm-size') }),
    security: { ...security, privileged: flags.privileged, capAdd: flags.capAdd, capDrop: flags.capDrop },
    limits: limitsOf(flags),
    rlimits: flags.ulimit.map(parseRlimit),
    ...(flags.oomScoreAdj !== undefined && { oomScoreAdj: parseInteger(flags.oomScoreAdj, '--oom-score-adj') }),
    network,
    ephemeral: flags.rm,
  }
  return { spec, warnings }
}

/** An entrypoint that is given takes the image's command away too, as docker has it. */
function argvOf(flags: RunFlags, command: readonly string[], image: RunnableImage): string[] {
  const entrypoint = flags.entrypoint === undefined ? image.entrypoint : flags.entrypoint === '' ? [] : [flags.entrypoint]
  const rest = command.length > 0 || flags.entrypoint !== undefined ? command : image.cmd
  const argv = [...entrypoint, ...rest]
  if (argv.length === 0) throw new DrydockError('no command specified: the image names none, so give one after its name', { status: 400 })
  return argv
}

function workdir(path: string): string {
  if (path.startsWith('/')) return posix.normalize(path)
  throw new DrydockError(`the working directory '${path}' is invalid, it needs to be an absolute path`, { status: 400 })
}

function hostnameOf(flags: RunFlags, network: NetworkMode, id: string): string {
  if (flags.hostname !== undefined) {
    if (network.kind === 'container') throw conflicting('hostname and the network mode')
    return checkHostname(flags.hostname)
  }
  if (network.kind === 'host') return readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()
  return shortId(id)
}

const conflicting = (what: string): DrydockError => new DrydockError(`conflicting options: ${what}`, { status: 400 })

function networkOf(flags: RunFlags, dataRoot: string): NetworkMode {
  const asked = [...flags.network, ...((flags as unknown as { net: string[] }).net ?? [])]
  const rootless = process.geteuid?.() !== 0
  const names = asked.length > 0 ? asked : [rootless ? 'none' : 'bridge']
  const single = names.find((name) => name === 'none' || name === 'host' || name.startsWith('container:'))
  if (single !== undefined) {
    if (names.length > 1) throw conflicting(`the network ${single} and others`)
    if (flags.publish.length > 0 && single.startsWith('container:'))
      throw conflicting('port publishing and the container type network mode')
    if (single === 'none' || single === 'host') return { kind: single }
    return joined(single.slice('container:'.length), dataRoot)
  }
  if (rootless) {
    throw new DrydockError(
      `the network ${names[0]} needs root: an ordinary user may not plug a cable into the host. Use --network none or host, or sudo`,
      { status: 403 },
    )
  }
  return {
    kind: 'networks',
    names: names.map((name) => (name === 'default' ? 'bridge' : name)),
    aliases: flags.networkAlias,
    ports: flags.publish,
  }
}

function joined(word: string, dataRoot: string): NetworkMode {
  const { record, layout } = findContainer(dataRoot, word)
  const pid = firstProcess(layout.upper)
  if (pid !== undefined) return { kind: 'container', of: record.spec.id, pid }
  throw new DrydockError(`cannot join network of a non running container: ${word}`, { status: 409 })
}

function limitsOf(flags: RunFlags): CgroupLimits {
  const memory = flags.memory === undefined ? undefined : parseMemory(flags.memory)
  const pids = flags.pidsLimit === undefined ? undefined : parseInteger(flags.pidsLimit, '--pids-limit')
  return {
    ...(memory !== undefined && { memory }),
    ...(flags.memorySwap !== undefined && { memorySwap: parseSwap(flags.memorySwap) }),
    ...(flags.memoryReservation !== undefined && { memoryReservation: parseBytes(flags.memoryReservation, '--memory-reservation') }),
    // Docker: 0 and -1 are no limit.
    ...(pids !== undefined && { pids: pids === 0 ? -1 : pids }),
    ...(flags.cpus !== undefined && { cpus: parseNumber(flags.cpus, '--cpus') }),
    ...(flags.cpuShares !== undefined && { cpuShares: parseInteger(flags.cpuShares, '--cpu-shares') }),
    ...(flags.cpuQuota !== undefined && { cpuQuota: parseInteger(flags.cpuQuota, '--cpu-quota') }),
    ...(flags.cpuPeriod !== undefined && { cpuPeriod: parseInteger(flags.cpuPeriod, '--cpu-period') }),
    ...(flags.cpusetCpus !== undefined && { cpusetCpus: flags.cpusetCpus }),
  }
}
