/**
 * What a container is to be: Docker's Config and HostConfig in one, every value resolved, nothing of the command line left. Pure data, so
 * that it can be kept on disk and planned again.
 */
import { DrydockError } from '../kernel/errors.js'
import type { CgroupLimits } from '../primitives/cgroups/index.js'
import type { Rlimit } from '../primitives/process.js'
import type { DeviceNode, MountSpec } from '../primitives/rootfs/index.js'
import type { Profile } from '../primitives/seccomp/index.js'

export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

export interface ContainerSpec {
  /** 64 hexadecimal digits; the first twelve name the container to people. */
  readonly id: string
  readonly name: string
  readonly image: ImageSpec
  /** Program and arguments, the entrypoint included. */
  readonly argv: readonly string[]
  /** NAME=VALUE; PATH, HOSTNAME, HOME and TERM are added where they are missing, as Docker does. */
  readonly env: readonly string[]
  /** Absolute; made when it does not exist. */
  readonly cwd: string
  /** `user[:group]` as Docker takes it; '' is root. */
  readonly user: string
  readonly groups: readonly string[]
  /** At most 64 bytes; the container's own uts namespace has it. Absent with the host's network: the host's name. */
  readonly hostname: string
  readonly domainname: string
  /** A terminal of this size, or three pipes. */
  readonly terminal?: TerminalSize
  /** Whether stdin stays open; /dev/null otherwise. */
  readonly stdin: boolean
  /** Reaps orphans and passes signals on as process 1. */
  readonly init: boolean
  readonly readOnlyRoot: boolean
  readonly mounts: readonly MountSpec[]
  /** Volumes that live in memory as long as a container has them: options of their file systems, by their directories. */
  readonly memoryVolumes?: Readonly<Record<string, readonly string[]>>
  /** Directories of volumes that were made for this container alone, and go with it when it is ephemeral. */
  readonly ownVolumes?: readonly string[]
  /** Bytes of /dev/shm. */
  readonly shmSize?: number
  readonly security: SecuritySpec
  readonly limits: CgroupLimits
  /** Names of cgroups below drydock's own, with slashes between, in which its own is; absent: right below. */
  readonly cgroupParent?: string
  readonly rlimits: readonly Rlimit[]
  readonly oomScoreAdj?: number
  readonly network: NetworkMode
  /** Namespaces that are not its own, but for the network's. */
  readonly sharing?: Sharing
  /** Where the ipc namespace is its own; absent: private. */
  readonly ownIpc?: OwnIpc
  /** Nodes of /dev beside the usual ones; that they may be opened is among `limits`. */
  readonly devices?: readonly DeviceNode[]
  /** Settings of the kernel in its own namespaces: `net.core.somaxconn`. */
  readonly sysctls?: Readonly<Record<string, string>>
  /** Nothing is kept when it has ended. */
  readonly ephemeral: boolean
  readonly declared?: Declared
}

/** What makes no call, and is kept to be told again (inspect, commit), or for a verb to come (stop). */
export interface Declared {
  /** The two that `argv` was made of; null where the image and the caller name none. */
  readonly entrypoint: readonly string[] | null
  readonly cmd: readonly string[] | null
  readonly labels: Readonly<Record<string, string>>
  /** `80/tcp` */
  readonly exposedPorts: readonly string[]
  /** Where the image wants volumes. */
  readonly volumes: readonly string[]
  readonly stopSignal?: string
}

export interface Sharing {
  /** `host`, or the processes of another container. */
  readonly pid?: 'host' | OtherContainer
  readonly ipc?: 'host' | OtherContainer
  readonly uts?: 'host'
  readonly cgroup?: 'host'
  /** Set only where others have a user namespace of their own. */
  readonly user?: 'host'
}

/** What others may do with its own ipc namespace (`private`: nothing), and whether it has a /dev/shm in it. */
export type OwnIpc = 'private' | 'shareable' | 'none'

/** A container that runs: its id, and its first process on the host. */
export interface OtherContainer {
  readonly of: string
  readonly pid: number
}

export interface ImageSpec {
  /** As the user named it. */
  readonly name: string
  /** `sha256:…` of its configuration; absent for a directory, and for the host's own programs. */
  readonly id?: string
  /** Directories, the top one first; read only. */
  readonly layers: readonly string[]
}

export interface SecuritySpec {
  readonly privileged: boolean
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly noNewPrivileges: boolean
  readonly seccomp: 'default' | 'unconfined' | Profile
  /** Nothing of /proc and /sys is masked or read-only (`systempaths=unconfined`). */
  readonly unmasked: boolean
}

/** `container`: the network of the container whose first process has this id on the host. `networks`: by name, the first has the default route. */
export type NetworkMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'host' }
  | { readonly kind: 'container'; readonly of: string; readonly pid: number }
  | { readonly kind: 'networks'; readonly names: readonly string[]; readonly aliases: readonly string[]; readonly ports: readonly string[] }

/** Docker's rule for names of containers, volumes and networks. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/** Characters: names are those of files too (NAME_MAX of limits.h). */
const LONGEST_NAME = 255

/** The name, or a sentence in Docker's words about what is wrong with it. */
export function checkName(name: string, what = 'container'): string {
  if (name.length > LONGEST_NAME)
    throw new DrydockError(`invalid ${what} name (${name.slice(0, 20)}…): it is longer than ${LONGEST_NAME} characters`, { status: 400 })
  if (NAME.test(name)) return name
  throw new DrydockError(`invalid ${what} name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, and at least two characters`, {
    status: 400,
  })
}

/** sethostname(2) takes 64 bytes; what is in them is a name of letters, digits, '-' and '.' (hostname(7)). */
export function checkHostname(name: string): string {
  if (Buffer.byteLength(name) <= 64 && /^[a-zA-Z0-9_]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$/.test(name)) return name
  throw new DrydockError(
    `invalid hostname '${name}': at most 64 letters, digits, '-' and '.', and neither of the last two at its beginning or end`,
    { status: 400 },
  )
}

/** Its cgroup, from drydock's own on. */
export const cgroupPath = ({ id, cgroupParent }: Pick<ContainerSpec, 'id' | 'cgroupParent'>): string =>
  cgroupParent === undefined ? id : `${cgroupParent}/${id}`

export const shortId = (id: string): string => id.slice(0, 12)
