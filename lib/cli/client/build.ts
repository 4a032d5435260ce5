/** `drydock build`: an image by a Dockerfile, made by the engine. */
import { writeFileSync } from 'node:fs'
import { Transform } from 'node:stream'
import { humanSize } from '../../engine/units.js'
import { parseReference } from '../../image/reference.js'
import { followProgress } from '../engine/progress.js'
import { bytes, commaList, GoCommand, list, readBytes, valued, whole } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { type BuildContext, contextOf } from './context/index.js'
import { checkHost, checkLabel, readUlimit, type Ulimit } from './create/words.js'
import { registryConfig } from './pulling.js'
import { verb } from './verb.js'

interface Flags {
  readonly addHost: readonly string[]
  readonly buildArg: readonly string[]
  readonly cacheFrom: readonly string[]
  readonly cgroupParent?: string
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpuShares?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly file?: string
  readonly forceRm?: boolean
  readonly iidfile?: string
  readonly isolation?: string
  readonly label: readonly string[]
  readonly memory?: number
  readonly memorySwap?: number
  readonly network?: string
  readonly cache: boolean
  readonly platform?: string
  readonly pull?: boolean
  readonly quiet?: boolean
  readonly rm: boolean
  readonly securityOpt: readonly string[]
  readonly shmSize?: number
  readonly squash?: boolean
  readonly tag: readonly string[]
  readonly target?: string
  readonly ulimit: readonly Ulimit[]
}

const checkedTag = (value: string): string => {
  parseReference(value)
  return value
}

const describe = (path: string): GoCommand =>
  new GoCommand(path)
    .description('Make an image by a Dockerfile.')
    .usage('[OPTIONS] PATH | URL | -')
    .argument('<path>', 'a directory, an address (http://…), or - for an archive or a Dockerfile on standard input')
    .addOption(list('--add-host <host:ip>', 'a line for /etc/hosts while commands run', checkHost))
    .addOption(list('--build-arg <name=value>', 'what an ARG is; NAME alone: what it is here'))
    .addOption(commaList('--cache-from <image>', 'an image that counts as a cache too'))
    .option('--cgroup-parent <path>', 'the cgroup above those of the containers')
    .addOption(whole('--cpu-period <microseconds>', 'after which processor time is counted anew'))
    .addOption(whole('--cpu-quota <microseconds>', 'of processor time in a period'))
    .addOption(whole('-c, --cpu-shares <weight>', 'beside others, of which each has 1024'))
    .option('--cpuset-cpus <list>', 'processors on which commands may run (0-3, 0,1)')
    .option('--cpuset-mems <list>', 'memory nodes on which they may have memory')
    .option('-f, --file <path>', 'the Dockerfile; - for standard input (PATH/Dockerfile)')
    .option('--force-rm', 'remove containers also when a command fails')
    .option('--iidfile <file>', 'write the id of the image into this file')
    .option('--isolation <technology>', 'of Windows alone')
    .addOption(list('--label <name=value>', 'of the image', checkLabel))
    .addOption(bytes('-m, --memory <size>', 'that commands may have'))
    .addOption(
      valued<number>('--memory-swap <size>', 'memory and swap together; -1: as much as there is', (value) =>
        value === '-1' ? -1 : readBytes(value),
      ),
    )
    .option('--network <mode>', 'of commands')
    .option('--no-cache', 'make everything anew')
    .option('--platform <os/architecture>', 'for which machine the base is to be')
    .option('--pull', 'ask for a newer base')
    .option('-q, --quiet', 'print the id of the image and no more')
    .option('--rm', 'remove containers of commands that went well; --rm=false: keep them', true)
    .addOption(list('--security-opt <option>', 'of commands'))
    .addOption(bytes('--shm-size <size>', 'of /dev/shm'))
    .option('--squash', 'one layer of all new ones')
    .addOption(list('-t, --tag <name:tag>', 'a name for the image', checkedTag))
    .option('--target <stage>', 'build up to this stage')
    .addOption(valued<Ulimit[]>('--ulimit <name=soft:hard>', 'of commands', (value, before) => [...before, readUlimit(value)], []))

export const build = verb<Flags>(describe, async ({ options, args, engine: open }) => {
  const context = await contextOf(args[0] as string, options.file)
  const engine = await open()
  const auths = await registryConfig()
  const told = await interruptible(async (signal) => {
    const stream = await engine.stream({
      method: 'POST',
      path: '/build',
      query: queryOf(options, context),
      headers: { 'Content-Type': 'application/x-tar', ...(auths !== undefined && { 'X-Registry-Config': auths }) },
      ...(context.body && { body: options.quiet ? context.body : context.body.compose(counting()) }),
      signal,
    })
    return followProgress(stream, process.stdout)
  })
  const id = told.findLast(({ ID }) => typeof ID === 'string')?.ID
  if (options.iidfile !== undefined && !options.quiet) writeFileSync(options.iidfile, String(id ?? ''))
  return 0
})

/** Docker's first line, when all is sent: until then the engine has nothing to say. */
function counting(): Transform {
  let sent = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length
      done(null, chunk)
    },
    flush(done) {
      process.stdout.write(`Sending build context to the engine  ${humanSize(sent)}\n`)
      done()
    },
  })
}

function queryOf(flags: Flags, { remote, dockerfile }: BuildContext) {
  const named = (texts: readonly string[], alone: (name: string) => string | null) =>
    Object.fromEntries(
      texts.map((text) => {
        const cut = text.indexOf('=')
        return cut < 0 ? [text, alone(text)] : [text.slice(0, cut), text.slice(cut + 1)]
      }),
    )
  const json = (value: object, count: number) => (count > 0 ? JSON.stringify(value) : undefined)
  const { buildArg, label, cacheFrom, ulimit, addHost, securityOpt, tag } = flags
  const args = named(buildArg, (name) => process.env[name] ?? null)
  const all = {
    version: 1,
    remote,
    dockerfile,
    t: tag.length > 0 ? tag : undefined,
    buildargs: json(args, buildArg.length),
    labels: json(
      named(label, () => ''),
      label.length,
    ),
    cachefrom: json(cacheFrom, cacheFrom.length),
    ulimits: json(ulimit, ulimit.length),
    extrahosts: addHost.length > 0 ? addHost : undefined,
    securityopt: securityOpt.length > 0 ? securityOpt : undefined,
    cgroupparent: flags.cgroupParent,
    cpuperiod: flags.cpuPeriod,
    cpuquota: flags.cpuQuota,
    cpushares: flags.cpuShares,
    cpusetcpus: flags.cpusetCpus,
    cpusetmems: flags.cpusetMems,
    isolation: flags.isolation,
    memory: flags.memory,
    memswap: flags.memorySwap,
    networkmode: flags.network,
    platform: flags.platform,
    shmsize: flags.shmSize,
    target: flags.target,
    ...on({ forcerm: flags.forceRm, nocache: !flags.cache, pull: flags.pull, q: flags.quiet, squash: flags.squash }),
    ...(!flags.rm && { rm: 0 }),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

const on = (switches: Readonly<Record<string, boolean | undefined>>) =>
  Object.fromEntries(Object.entries(switches).flatMap(([name, value]) => (value ? [[name, 1]] : [])))
