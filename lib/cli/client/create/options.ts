/** The flags that say what a container is to be: those of `create` and `run`, docker's words in docker's meaning. */
import type { Option } from 'commander'
import { bytes, duration, type GoCommand, list, readBytes, readSixteen, valued, whole } from '../../flags.js'
import { readGpus, readOperations, readRate, readWeight } from './devices.js'
import { type Mount, readMount } from './mounts.js'
import { type NetworkWish, readNetwork } from './networks.js'
import {
  checkAddress,
  checkDeviceRule,
  checkDomain,
  checkHost,
  checkLabel,
  checkLink,
  checkStream,
  checkSysctl,
  checkVariable,
  readCpus,
  readUlimit,
  type Ulimit,
} from './words.js'

type Words = readonly string[]

export interface CreateFlags {
  readonly addHost: Words
  readonly annotation: Words
  readonly attach: Words
  readonly blkioWeight?: number
  readonly blkioWeightDevice: readonly object[]
  readonly capAdd: Words
  readonly capDrop: Words
  readonly cgroupParent?: string
  readonly cgroupns?: string
  readonly cidfile?: string
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpuRtPeriod?: number
  readonly cpuRtRuntime?: number
  readonly cpuShares?: number
  readonly cpus?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly device: Words
  readonly deviceCgroupRule: Words
  readonly deviceReadBps: readonly object[]
  readonly deviceReadIops: readonly object[]
  readonly deviceWriteBps: readonly object[]
  readonly deviceWriteIops: readonly object[]
  readonly dns: Words
  readonly dnsOption: Words
  readonly dnsSearch: Words
  readonly domainname?: string
  readonly entrypoint?: string
  readonly env: Words
  readonly envFile: Words
  readonly expose: Words
  readonly gpus: readonly object[]
  readonly groupAdd: Words
  readonly healthCmd?: string
  readonly healthInterval?: number
  readonly healthRetries?: number
  readonly healthStartInterval?: number
  readonly healthStartPeriod?: number
  readonly healthTimeout?: number
  readonly healthcheck: boolean
  readonly hostname?: string
  readonly init?: boolean
  readonly interactive?: boolean
  readonly ip?: string
  readonly ip6?: string
  readonly ipc?: string
  readonly isolation?: string
  readonly kernelMemory?: number
  readonly label: Words
  readonly labelFile: Words
  readonly link: Words
  readonly linkLocalIp: Words
  readonly logDriver?: string
  readonly logOpt: Words
  readonly macAddress?: string
  readonly memory?: number
  readonly memoryReservation?: number
  readonly memorySwap?: number
  readonly memorySwappiness: number
  readonly mount: readonly Mount[]
  readonly network: readonly NetworkWish[]
  readonly networkAlias: Words
  readonly oomKillDisable?: boolean
  readonly oomScoreAdj?: number
  readonly pid?: string
  readonly pidsLimit?: number
  readonly privileged?: boolean
  readonly publish: Words
  readonly publishAll?: boolean
  readonly readOnly?: boolean
  readonly restart: string
  readonly rm?: boolean
  readonly runtime?: string
  readonly securityOpt: Words
  readonly shmSize?: number
  readonly stopSignal?: string
  readonly stopTimeout?: number
  readonly storageOpt: Words
  readonly sysctl: Words
  readonly tmpfs: Words
  readonly tty?: boolean
  readonly ulimit: readonly Ulimit[]
  readonly user?: string
  readonly userns?: string
  readonly uts?: string
  readonly volume: Words
  readonly volumeDriver?: string
  readonly volumesFrom: Words
  readonly workdir?: string
}

/** What `run` and `create` need besides. */
export interface MakingFlags extends CreateFlags {
  readonly name?: string
  readonly platform?: string
  readonly pull: string
  readonly quiet?: boolean
}

/** Each value is one of the list. */
const each = <T>(flags: string, text: string, read: (value: string) => T): Option =>
  valued<T[]>(flags, text, (value, before) => [...before, read(value)], [])

export function addCreateFlags(command: GoCommand): GoCommand {
  return addLimitFlags(rights(files(network(program(command)))))
    .alsoSpelled('--net', '--network')
    .alsoSpelled('--net-alias', '--network-alias')
    .alsoSpelled('--dns-opt', '--dns-option')
}

function program(command: GoCommand): GoCommand {
  return command
    .addOption(list('-a, --attach <stream>', 'stdin, stdout, stderr: only these are passed on', checkStream))
    .option('--name <name>', 'a name; made up otherwise')
    .option('--platform <os/architecture>', 'an image for another machine, such as linux/arm64')
    .option('--pull <when>', 'fetch the image: always, when it is missing, or never', 'missing')
    .option('-q, --quiet', 'do not show how an image is fetched')
    .option('-i, --interactive', 'keep stdin open')
    .option('-t, --tty', 'give it a terminal')
    .option('--rm', 'remove it when it has ended, with volumes that have no name')
    .option('--init', 'a first process that reaps orphans and passes signals on')
    .option('--entrypoint <program>', 'in place of the image’s')
    .addOption(list('-e, --env <name=value>', 'a variable; NAME alone takes it from here', checkVariable))
    .addOption(list('--env-file <file>', 'variables, one a line'))
    .option('-w, --workdir <path>', 'where it starts')
    .option('-u, --user <user[:group]>', 'names or numbers, as the image has them')
    .addOption(list('--group-add <group>', 'a further group'))
    .addOption(list('-l, --label <name=value>', 'a label', checkLabel))
    .addOption(list('--label-file <file>', 'labels, one a line'))
    .addOption(list('--annotation <name=value>', 'an annotation for the OCI runtime'))
    .option('--cidfile <file>', 'write its id there')
    .option('--restart <policy>', 'no, always, unless-stopped, on-failure[:times]', 'no')
    .option('--stop-signal <signal>', 'what ends it kindly; the image’s or SIGTERM otherwise')
    .addOption(whole('--stop-timeout <seconds>', 'until it is ended unkindly'))
    .option('--health-cmd <command>', 'a command that tells whether it is well')
    .addOption(duration('--health-interval <duration>', 'between two times'))
    .addOption(whole('--health-retries <number>', 'so many failures and it is unwell'))
    .addOption(duration('--health-start-interval <duration>', 'between two times at the start'))
    .addOption(duration('--health-start-period <duration>', 'failures do not count so long'))
    .addOption(duration('--health-timeout <duration>', 'how long one time may take'))
    .option('--no-healthcheck', 'not even the image’s')
    .option('--log-driver <name>', 'where its output is kept')
    .addOption(list('--log-opt <name=value>', 'an option of that'))
    .option('--runtime <name>', 'an OCI runtime of the engine’s')
    .option('--isolation <technology>', 'of Windows; default elsewhere')
}

function network(command: GoCommand): GoCommand {
  return command
    .option('-h, --hostname <name>', 'its host name; the beginning of its id otherwise')
    .option('--domainname <name>', 'its NIS domain name')
    .addOption(each('--network <network>', 'none, host, container:NAME, a network; name=…,alias=…,ip=…', readNetwork))
    .addOption(list('--network-alias <name>', 'a further name on its network'))
    .option('--ip <address>', 'its IPv4 address')
    .option('--ip6 <address>', 'its IPv6 address')
    .addOption(list('--link <container[:name]>', 'another container under a name', checkLink))
    .addOption(list('--link-local-ip <address>', 'a link-local address'))
    .option('--mac-address <address>', 'its hardware address')
    .addOption(list('-p, --publish <[ip:][port:]port[/udp]>', 'a port of the host’s that leads to one of its own'))
    .option('-P, --publish-all', 'all ports that the image exposes, at any that are free')
    .addOption(list('--expose <port[/udp]>', 'a port that -P publishes too'))
    .addOption(list('--dns <address>', 'a name server', checkAddress))
    .addOption(list('--dns-search <domain>', 'a domain that short names are looked for in', checkDomain))
    .addOption(list('--dns-option <option>', 'an option for resolv.conf'))
    .addOption(list('--add-host <name:address>', 'a line in /etc/hosts', checkHost))
}

function files(command: GoCommand): GoCommand {
  return command
    .addOption(list('-v, --volume <[source:]target[:options]>', 'a directory, a file or a volume; options ro, rprivate, …'))
    .addOption(each('--mount <type=…,src=…,dst=…>', 'the same in words', readMount))
    .addOption(list('--tmpfs <target[:options]>', 'a directory in memory'))
    .addOption(list('--volumes-from <container[:ro]>', 'the volumes of another container'))
    .option('--volume-driver <name>', 'which plugin makes its volumes')
    .option('--read-only', 'no writes to its root')
    .addOption(list('--storage-opt <name=value>', 'an option of the storage driver'))
    .addOption(list('--device <device[:path][:rwm]>', 'a device of the host’s'))
    .addOption(list('--device-cgroup-rule <rule>', 'which devices it may use, such as c 1:3 rwm', checkDeviceRule))
    .addOption(each('--gpus <request>', 'graphics processors: all, a number, device=…', readGpus))
}

function rights(command: GoCommand): GoCommand {
  return command
    .addOption(list('--cap-add <capability>', 'a capability more, or ALL'))
    .addOption(list('--cap-drop <capability>', 'a capability less, or ALL'))
    .option('--privileged', 'all capabilities and devices, no filter, nothing masked')
    .addOption(list('--security-opt <option>', 'no-new-privileges, seccomp=unconfined, seccomp=FILE, systempaths=unconfined, …'))
    .option('--cgroupns <which>', 'cgroup namespace: host or private')
    .option('--ipc <which>', 'IPC namespace: none, private, shareable, host, container:NAME')
    .option('--pid <which>', 'PID namespace: host, container:NAME')
    .option('--userns <which>', 'user namespace: host')
    .option('--uts <which>', 'UTS namespace: host')
    .addOption(list('--sysctl <name=value>', 'a setting of its kernel namespaces', checkSysctl))
    .addOption(each('--ulimit <name=soft[:hard]>', 'a resource limit', readUlimit))
    .addOption(whole('--oom-score-adj <number>', 'how gladly the kernel kills it when memory is short'))
    .option('--oom-kill-disable', 'let it hang instead of killing it')
    .addOption(bytes('--shm-size <bytes>', 'size of /dev/shm'))
    .option('--cgroup-parent <path>', 'below which cgroup')
    .addOption(bytes('--kernel-memory <bytes>', 'taken for docker’s sake: kernels do not have it any more'))
    .addOption(whole('--memory-swappiness <number>', 'how gladly it is swapped out, 0 to 100', -1))
    .addOption(each('--blkio-weight-device <device:weight>', 'its share of a block device', readWeight))
    .addOption(each('--device-read-bps <device:bytes>', 'bytes a second', readRate))
    .addOption(each('--device-read-iops <device:number>', 'readings a second', readOperations))
    .addOption(each('--device-write-bps <device:bytes>', 'bytes a second', readRate))
    .addOption(each('--device-write-iops <device:number>', 'writings a second', readOperations))
}

/** Those that `update` can change later. */
export function addLimitFlags(command: GoCommand): GoCommand {
  return command
    .addOption(valued<number>('--blkio-weight <number>', 'its share of block devices, 10 to 1000', readSixteen))
    .addOption(whole('--cpu-period <microseconds>', 'length of the period'))
    .addOption(whole('--cpu-quota <microseconds>', 'time in each period'))
    .addOption(whole('--cpu-rt-period <microseconds>', 'the same for real-time processes'))
    .addOption(whole('--cpu-rt-runtime <microseconds>', 'the same for real-time processes'))
    .addOption(whole('-c, --cpu-shares <weight>', 'share when processors are short; 1024 is usual'))
    .addOption(valued<number>('--cpus <number>', 'processors’ worth of time, such as 0.5', readCpus))
    .option('--cpuset-cpus <list>', 'processors that it may use, such as 0-2')
    .option('--cpuset-mems <list>', 'memory nodes that it may use')
    .addOption(bytes('-m, --memory <bytes>', 'memory, such as 512m'))
    .addOption(bytes('--memory-reservation <bytes>', 'memory that is left to it when others want more'))
    .addOption(
      valued<number>('--memory-swap <bytes>', 'memory and swap together; -1: any', (value) => (value === '-1' ? -1 : readBytes(value))),
    )
    .addOption(whole('--pids-limit <number>', 'processes and threads; -1: any'))
}
