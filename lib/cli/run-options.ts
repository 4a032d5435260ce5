/** The flags of `drydock run`: docker's, and three of our own that show how it is done. */
import { Command, Option } from 'commander'
import { DEFAULT_DETACH_KEYS } from '../engine/keys.js'
import { parseVerb } from './verb.js'

export interface RunFlags {
  readonly interactive: boolean
  readonly tty: boolean
  readonly detach: boolean
  readonly rm: boolean
  readonly init: boolean
  readonly readOnly: boolean
  readonly privileged: boolean
  readonly rootfs: boolean
  readonly name?: string
  readonly hostname?: string
  readonly domainname?: string
  readonly env: readonly string[]
  readonly envFile: readonly string[]
  readonly workdir?: string
  readonly user?: string
  readonly groupAdd: readonly string[]
  readonly volume: readonly string[]
  readonly tmpfs: readonly string[]
  readonly shmSize?: string
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly securityOpt: readonly string[]
  readonly ulimit: readonly string[]
  readonly oomScoreAdj?: string
  readonly memory?: string
  readonly memorySwap?: string
  readonly memoryReservation?: string
  readonly cpus?: string
  readonly cpuShares?: string
  readonly cpuQuota?: string
  readonly cpuPeriod?: string
  readonly cpusetCpus?: string
  readonly pidsLimit?: string
  readonly network: readonly string[]
  readonly networkAlias: readonly string[]
  readonly ip?: string
  readonly macAddress?: string
  readonly publish: readonly string[]
  readonly publishAll: boolean
  readonly expose: readonly string[]
  readonly dns: readonly string[]
  readonly dnsSearch: readonly string[]
  readonly dnsOption: readonly string[]
  readonly addHost: readonly string[]
  readonly entrypoint?: string
  readonly pull: string
  readonly platform?: string
  readonly quiet: boolean
  readonly label: readonly string[]
  readonly labelFile: readonly string[]
  readonly stopSignal?: string
  readonly detachKeys: string
  readonly sigProxy: boolean
  readonly explain: boolean
  readonly step: boolean
  readonly record: boolean
  readonly trace: boolean
}

export interface RunArguments {
  readonly flags: RunFlags
  readonly image: string
  readonly command: readonly string[]
}

const many = (value: string, before: string[]) => [...before, value]

/** The arguments; or, for --help and mistakes, the exit status after commander has said what there is to say. */
export function parseRun(argv: readonly string[]): RunArguments | { readonly status: number } {
  const parsed = parseVerb<RunFlags>(runCommand(), argv, 125)
  if ('status' in parsed) return parsed
  const { options, args } = parsed
  const [image = '', ...command] = args
  return { flags: options, image, command }
}

function runCommand(): Command {
  const list = (flags: string, text: string) => new Option(flags, text).argParser(many).default([] as string[], 'none')
  const command = new Command('drydock run')
    .description('Make a container and run a program in it.')
    .argument('<image>', 'an image; `host`: the programs of this machine; with --rootfs a directory')
    .argument('[command...]', 'the program and its arguments')
    .usage('[options] IMAGE [COMMAND] [ARG...]')
    .passThroughOptions()
  command
    .optionsGroup('How it runs')
    .option('-i, --interactive', 'keep stdin open', false)
    .option('-t, --tty', 'give it a terminal', false)
    .option('-d, --detach', 'leave it running, print its id', false)
    .option('--rm', 'remove it when it has ended', false)
    .option('--init', 'a first process that reaps orphans and passes signals on', false)
    .option('--detach-keys <keys>', 'what leaves it without ending it', DEFAULT_DETACH_KEYS)
    .option('--no-sig-proxy', 'do not pass signals on')
    .optionsGroup('What runs')
    .option('--pull <when>', 'fetch the image: always, when it is missing, or never', 'missing')
    .option('--platform <os/architecture>', 'an image for another machine, such as linux/arm64')
    .option('-q, --quiet', 'do not show how an image is fetched', false)
    .option('--entrypoint <program>', 'in place of the image’s')
    .addOption(list('-e, --env <name=value>', 'a variable; NAME alone takes it from here'))
    .addOption(list('--env-file <file>', 'variables, one a line'))
    .option('-w, --workdir <path>', 'where it starts; made when it is not there')
    .option('-u, --user <user[:group]>', 'names or numbers, as the image has them')
    .addOption(list('--group-add <group>', 'a further group'))
    .optionsGroup('Names and network')
    .option('--name <name>', 'a name; made up otherwise')
    .option('-h, --hostname <name>', 'its host name; the beginning of its id otherwise')
    .option('--domainname <name>', 'its NIS domain name')
    .addOption(
      list('--network <name>', 'none, host, bridge, container:NAME, or a network of yours').default([], 'bridge for root, otherwise none'),
    )
    .addOption(list('--net <name>', 'the same').hideHelp())
    .addOption(list('--network-alias <name>', 'a further name on its networks'))
    .option('--ip <address>', 'its address')
    .option('--mac-address <address>', 'its hardware address')
    .addOption(list('-p, --publish <[ip:][port:]port[/udp]>', 'a port of the host’s that leads to one of its own'))
    .option('-P, --publish-all', 'all ports that the image exposes, at any that are free', false)
    .addOption(list('--expose <port[/udp]>', 'a port that -P publishes too'))
    .addOption(list('--dns <address>', 'a name server'))
    .addOption(list('--dns-search <domain>', 'a domain that short names are looked for in'))
    .addOption(list('--dns-option <option>', 'an option for resolv.conf'))
    .addOption(list('--add-host <name:address>', 'a line in /etc/hosts'))
    .addOption(list('-l, --label <name=value>', 'a label'))
    .addOption(list('--label-file <file>', 'labels, one a line'))
    .option('--stop-signal <signal>', 'what ends it kindly; the image’s or SIGTERM otherwise')
    .optionsGroup('Files')
    .option('--rootfs', 'IMAGE is a directory that has a root file system', false)
    .addOption(list('-v, --volume <[source:]target[:options]>', 'a directory, a file or a volume; options ro, rprivate, …'))
    .addOption(list('--tmpfs <target[:options]>', 'a directory in memory'))
    .option('--read-only', 'no writes to its root', false)
    .option('--shm-size <bytes>', 'size of /dev/shm')
    .optionsGroup('Rights')
    .addOption(list('--cap-add <capability>', 'a capability more, or ALL'))
    .addOption(list('--cap-drop <capability>', 'a capability less, or ALL'))
    .option('--privileged', 'all capabilities and devices, no filter, nothing masked', false)
    .addOption(list('--security-opt <option>', 'no-new-privileges, seccomp=unconfined, seccomp=FILE, systempaths=unconfined'))
    .optionsGroup('Limits')
    .option('-m, --memory <bytes>', 'memory, such as 512m')
    .option('--memory-swap <bytes>', 'memory and swap together; -1: any')
    .option('--memory-reservation <bytes>', 'memory that is left to it when others want more')
    .option('--cpus <number>', 'processors’ worth of time, such as 0.5')
    .option('-c, --cpu-shares <weight>', 'share when processors are short; 1024 is usual')
    .option('--cpu-quota <microseconds>', 'time in each period')
    .option('--cpu-period <microseconds>', 'length of the period')
    .option('--cpuset-cpus <list>', 'processors that it may use, such as 0-2')
    .option('--pids-limit <number>', 'processes and threads; -1: any')
    .addOption(list('--ulimit <name=soft[:hard]>', 'a resource limit'))
    .option('--oom-score-adj <number>', 'how gladly the kernel kills it when memory is short')
    .optionsGroup('To see how it is done')
    .option('--explain', 'print the list of system calls, and make none', false)
    .option('--step', 'make them one at a time, with the tutor', false)
    .option('--record', 'with --step: keep a record for the workshop’s page where nobody is asked, too', false)
    .option('--trace', 'print each with its result and its time', false)
  return command
}
