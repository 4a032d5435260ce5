/** What was typed after `drydock run`, as a container's spec. */
import { dirname } from 'node:path'
import { type ContainerSpec, checkName, findContainer, type NetworkMode } from '../container/index.js'
import { inventName } from '../container/names.js'
import { mergeEnvironment, parseEnvironment } from '../engine/environment.js'
import { firstProcess } from '../engine/living.js'
import {
  conflicting,
  hostnameOf,
  pidsLimit,
  programOf,
  stopSignal,
  wantedVolumes,
  withProtocol,
  workingDirectory,
} from '../engine/request/common.js'
import type { RunnableImage } from '../engine/request/image.js'
import { parseSecurity } from '../engine/security.js'
import { parseBytes, parseInteger, parseMemory, parseNumber, parseSwap } from '../engine/units.js'
import { ownVolume, parseTmpfs, parseVolume } from '../engine/volumes.js'
import { DrydockError } from '../kernel/errors.js'
import { newId } from '../kernel/random.js'
import { exposedPort } from '../network/ports.js'
import type { CgroupLimits } from '../primitives/cgroups/index.js'
import { parseRlimit } from '../primitives/process.js'
import type { MountSpec } from '../primitives/rootfs/index.js'
import type { RunArguments, RunFlags } from './run-options.js'
import { terminalSize } from './terminal.js'

export interface RunRequest {
  readonly spec: ContainerSpec
  readonly warnings: readonly string[]
  /** Volumes that get what the image has in their place, when they are empty. */
  readonly fill: readonly MountSpec[]
}

export function requestOf({ flags, command }: RunArguments, image: RunnableImage, dataRoot: string): RunRequest {
  const id = newId()
  const exposed = exposedPorts(flags, image)
  const network = networkOf(flags, dataRoot, exposed)
  const { mounts, ownVolumes, fill } = mountsOf(flags, image, dataRoot)
  const { argv, ...told } = programOf(entrypointOf(flags), command, image)
  const { warnings, ...security } = parseSecurity(flags.securityOpt)
  const spec: ContainerSpec = {
    id,
    name: flags.name === undefined ? inventName() : checkName(flags.name),
    image: { name: image.name, ...(image.id !== undefined && { id: image.id }), layers: image.layers },
    argv,
    env: mergeEnvironment(image.env, parseEnvironment(flags.env, flags.envFile)),
    cwd: workingDirectory(flags.workdir ?? (image.workingDir || '/')),
    user: flags.user ?? image.user,
    groups: flags.groupAdd,
    hostname: hostnameOf(flags.hostname, network, id),
    domainname: flags.domainname ?? '',
    ...(flags.tty && { terminal: terminalSize() }),
    stdin: flags.interactive,
    init: flags.init,
    readOnlyRoot: flags.readOnly,
    mounts,
    ...(ownVolumes.length > 0 && { ownVolumes }),
    ...(flags.shmSize !== undefined && { shmSize: parseBytes(flags.shmSize, '--shm-size') }),
    security: { ...security, privileged: flags.privileged, capAdd: flags.capAdd, capDrop: flags.capDrop },
    limits: limitsOf(flags),
    rlimits: flags.ulimit.map(parseRlimit),
    ...(flags.oomScoreAdj !== undefined && { oomScoreAdj: parseInteger(flags.oomScoreAdj, '--oom-score-adj') }),
    network,
    ephemeral: flags.rm,
    declared: {
      ...told,
      labels: { ...image.labels, ...labelsOf(flags) },
      exposedPorts: exposed,
      volumes: image.volumes ?? [],
      ...stopSignal(flags.stopSignal ?? image.stopSignal),
    },
  }
  return { spec, warnings, fill }
}

/** `--entrypoint ''` takes the image's away. */
const entrypointOf = ({ entrypoint }: RunFlags): string[] | undefined =>
  entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint]

interface Mounts {
  readonly mounts: readonly MountSpec[]
  readonly ownVolumes: readonly string[]
  readonly fill: readonly MountSpec[]
}

/** What was asked for; and a volume of its own wherever the image wants one and nothing else is mounted. */
function mountsOf(flags: RunFlags, image: RunnableImage, dataRoot: string): Mounts {
  const parse = (text: string) => parseVolume(text, dataRoot, newId)
  const asked = flags.volume.map(parse)
  const tmpfs = flags.tmpfs.map(parseTmpfs)
  const taken = new Set([...asked.map(({ mount }) => mount), ...tmpfs].map(({ target }) => target))
  const volumes = [...asked, ...wantedVolumes(image.volumes ?? [], taken).map((path) => ownVolume(path, dataRoot, newId))]
  return {
    mounts: [...volumes.map(({ mount }) => mount), ...tmpfs],
    ownVolumes: volumes.flatMap(({ mount, source }) => (source === 'own' ? [dirname(mount.source as string)] : [])),
    fill: volumes.flatMap(({ mount, copies }) => (copies ? [mount] : [])),
  }
}

/** The image's and those of --expose, `80/tcp`, each once. */
function exposedPorts({ expose }: RunFlags, { exposedPorts: ports = [] }: RunnableImage): string[] {
  const asked = expose.flatMap((text) => {
    const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp))?$/.exec(text) ?? []
    const [from, to] = [Number(first), Number(last)]
    if (first === '' || from < 1 || to > 65535 || to < from)
      throw new DrydockError(`invalid range format for --expose: ${text}: it is PORT or FIRST-LAST, and /udp behind it for that`, {
        status: 400,
      })
    return Array.from({ length: to - from + 1 }, (_, at) => `${from + at}/${protocol}`)
  })
  return [...new Set([...ports.map(withProtocol), ...asked])]
}

function labelsOf({ label, labelFile }: RunFlags): Record<string, string> {
  const lines = [...labelFile.flatMap((file) => parseEnvironment([], [file], {})), ...label]
  return Object.fromEntries(lines.map((line) => (/^([^=]*)=(.*)$/s.exec(line) ?? [line, line, '']).slice(1, 3)))
}

function networkOf(flags: RunFlags, dataRoot: string, exposed: readonly string[]): NetworkMode {
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
    ports: flags.publishAll
      ? [...flags.publish, ...exposed.filter((port) => !isPublished(port, flags.publish)).map(exposedPort)]
      : flags.publish,
  }
}

/** Is it led to by one of -p already? */
function isPublished(port: string, publish: readonly string[]): boolean {
  return publish.some((text) => {
    const [to = '', protocol = 'tcp'] = (text.split(':').at(-1) as string).split('/')
    return `${to}/${protocol}` === port
  })
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
    ...pidsLimit(pids),
    ...(flags.cpus !== undefined && { cpus: parseNumber(flags.cpus, '--cpus') }),
    ...(flags.cpuShares !== undefined && { cpuShares: parseInteger(flags.cpuShares, '--cpu-shares') }),
    ...(flags.cpuQuota !== undefined && { cpuQuota: parseInteger(flags.cpuQuota, '--cpu-quota') }),
    ...(flags.cpuPeriod !== undefined && { cpuPeriod: parseInteger(flags.cpuPeriod, '--cpu-period') }),
    ...(flags.cpusetCpus !== undefined && { cpusetCpus: flags.cpusetCpus }),
  }
}
