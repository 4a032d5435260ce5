/**
 * What a picture of the kernel's state is made of: tables of things, each thing under a key that stays its own while it lives. Everything in it was
 * read from /proc, by netlink, or from the files of cgroups and layers at one moment; nothing comes from drydock's own records. Plain JSON, so that a
 * page and a recorded trace hold the same. Texts are the kernel's or a program's own, as they stand there: whoever shows them escapes them.
 */

export interface Picture {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Milliseconds that it took to be read. */
  readonly took: number
  readonly host: HostView
  readonly tables: Tables
}

/** Keys: see each view. A thing that was not there, or may not be read, is not in its table. */
export interface Tables {
  /** Key: pid as the reader counts. */
  readonly processes: Readonly<Record<string, ProcessView>>
  /** Key: `kind:inode`, such as `uts:4026531838`. */
  readonly namespaces: Readonly<Record<string, NamespaceView>>
  /** Key: path below the tops of the trees, such as `/drydock/3f2a9c1b77de`; `/` is the top. */
  readonly cgroups: Readonly<Record<string, CgroupView>>
  /** Key: `inode of the network namespace/index`. */
  readonly links: Readonly<Record<string, LinkView>>
  /** Key: `inode of the network namespace/table and chain/handle`; of an element of a map: its key in place of the handle. */
  readonly rules: Readonly<Record<string, RuleView>>
  /** Key: `inode of the mount namespace/id of the mount`. */
  readonly overlays: Readonly<Record<string, OverlayView>>
  /** Key: `upper directory//path in it`, such as `/var/lib/drydock/overlay/3f2a/diff//etc/hosts`. */
  readonly changes: Readonly<Record<string, ChangeView>>
}

export type TableName = keyof Tables

export interface HostView {
  readonly hostname: string
  /** `6.1.0-18-amd64`. */
  readonly kernel: string
  readonly cgroups: 'v1' | 'v2' | 'hybrid' | 'none'
  readonly processors: number
  /** Bytes. */
  readonly memory: { readonly total: number; readonly available: number }
  /** One, five and fifteen minutes. */
  readonly load: readonly [number, number, number]
  /** Uid of who reads: what belongs to others may be missing. */
  readonly reader: number
  /** The reader's own namespaces, `uts` → inode: what is "the host" in this picture. */
  readonly namespaces: Readonly<Record<string, number>>
  /** What could not be read and why, a sentence each; empty as a rule. */
  readonly missing: readonly string[]
}

/**
 * A process that is drawn: one that differs from the reader in a namespace, one of drydock's own (a shim, an engine), one that was asked for (`focus`),
 * and the ancestors of these. All others are only counted (`NamespaceView.members`).
 */
export interface ProcessView {
  readonly pid: number
  readonly parent: number
  readonly name: string
  /** First 200 characters of the command line, arguments joined by blanks; empty for a zombie. */
  readonly command: string
  /** One letter, proc_pid_stat(5): `Z` is a zombie. */
  readonly state: string
  /** In each pid namespace from the reader's inwards: the last is what it calls itself. */
  readonly pids: readonly number[]
  readonly threads: number
  /** Real and effective, as the reader counts. */
  readonly uid: readonly [number, number]
  readonly gid: readonly [number, number]
  /** `uts` → inode. Empty when it may not be read. */
  readonly namespaces: Readonly<Record<string, number>>
  /** Key in `cgroups`: its cgroup in the tree that has memory, or in version 2's. */
  readonly cgroup: string
  /** Bits in hexadecimal, as /proc/PID/status has them; names are in `lib/picture/capabilities`. */
  readonly capabilities: {
    readonly inheritable: string
    readonly permitted: string
    readonly effective: string
    readonly bounding: string
    readonly ambient: string
  }
  readonly noNewPrivs: boolean
  readonly seccomp: 'off' | 'strict' | 'filter'
  /** KiB. */
  readonly resident: number
  /** Root directory as the reader sees it, when it is not `/`. */
  readonly root?: string
  /** Why it is drawn. */
  readonly role: 'shim' | 'engine' | 'container' | 'focus' | 'ancestor'
}

export interface NamespaceView {
  readonly kind: string
  readonly inode: number
  /** Key of the namespace that it was made in: of user and pid namespaces only (NS_GET_PARENT, ioctl_ns(2)); absent where it is unknown or the reader's own top. */
  readonly parent?: string
  /** Key of the user namespace that owns it (NS_GET_USERNS). */
  readonly owner?: string
  /** Is it the reader's own? */
  readonly host: boolean
  /** Pids of the drawn processes in it. */
  readonly drawn: readonly number[]
  /** How many processes are in it altogether, as far as they may be read (and were looked at); 0: it is only known as somebody's parent or owner. */
  readonly members: number
  /** uts: the host name in it, where somebody could look. */
  readonly hostname?: string
  /** user: the lines of uid_map and gid_map, `inside outside count`; the ids outside are as the reader counts. */
  readonly uidMap?: readonly string[]
  readonly gidMap?: readonly string[]
}

/** Numbers are absent where no tree has the controller. Bytes, microseconds, counts. */
export interface CgroupView {
  readonly path: string
  /** Pids of the drawn processes in it (not below it). */
  readonly drawn: readonly number[]
  /** How many processes are in it, in the tree by which `ProcessView.cgroup` is told, or in the first that has it. */
  readonly processes: number
  readonly memory?: { readonly current: number; readonly max: number | null; readonly peak?: number; readonly oomKills: number }
  /** `max` is a share of one processor: 0.5 is half of one; null: unlimited. */
  readonly cpu?: {
    readonly usage: number
    readonly max: number | null
    /** v1: cpu.shares, 1024 unless said otherwise; v2: cpu.weight, 100. */
    readonly weight?: number
    readonly periods: number
    readonly throttled: number
    readonly throttledTime: number
  }
  readonly pids?: { readonly current: number; readonly max: number | null; readonly refused: number }
  readonly frozen?: boolean
  /** Which trees have it: `memory`, `cpu`, … or `unified`. */
  readonly trees: readonly string[]
}

export interface LinkView {
  /** Inode of its network namespace. */
  readonly namespace: number
  readonly index: number
  readonly name: string
  /** `veth`, `bridge`, `loopback`, …; empty for hardware. */
  readonly kind: string
  readonly up: boolean
  /** The carrier: is somebody at the other end of the cable? */
  readonly running: boolean
  readonly mac?: string
  readonly mtu: number
  /** `172.20.0.2/16`, IPv4 first. */
  readonly addresses: readonly string[]
  /** Key of the bridge that it is plugged into. */
  readonly bridge?: string
  /** Key of the other end of the cable (veth), when that is in a namespace of this picture. */
  readonly peer?: string
  readonly received: { readonly bytes: number; readonly packets: number }
  readonly sent: { readonly bytes: number; readonly packets: number }
  /** Default gateways that go out by it. */
  readonly gateways: readonly string[]
  /** Where TCP connections are waited for in this namespace, told at its loopback only: `0.0.0.0:80`, `[::]:80`. */
  readonly listening?: readonly string[]
}

/** A rule of the packet filter that translates addresses or ports, or an element of a map that such a rule looks into. */
export interface RuleView {
  readonly namespace: number
  readonly kind: 'masquerade' | 'dnat' | 'snat' | 'redirect'
  /** Family, table and chain (or map): `ip drydock leaving`. */
  readonly place: string
  /** In the packet filter's own words, counters left out: `tcp dport 8080 dnat to 172.20.0.2:80`. */
  readonly text: string
  /** Where it counts them; some seconds old at most. */
  readonly packets?: number
  /** dnat: what is published. `port` has the address in front when it is published on one alone: `127.0.0.1:8080`. */
  readonly publishes?: { readonly protocol: string; readonly port: string; readonly to: string }
}

export interface OverlayView {
  /** Inode of the mount namespace. */
  readonly namespace: number
  readonly mountPoint: string
  /** From top to bottom, as the kernel tells them; only the ends of long paths matter to a person. */
  readonly lower: readonly string[]
  /** Absent: read-only. */
  readonly upper?: string
  readonly work?: string
  /** Entries in the upper directory by kind, and whether there were too many to look at. */
  readonly counts: Readonly<Record<ChangeView['kind'], number>>
  readonly more: boolean
  /** Why the upper directory could not be looked into; nothing is known of its changes then. */
  readonly unseen?: string
  /** Pids of the drawn processes that see it. */
  readonly drawn: readonly number[]
}

/** What stands in an upper directory. */
export interface ChangeView {
  readonly upper: string
  /** As it is called in the overlay: `/etc/hosts`. */
  readonly path: string
  /** copied up: a layer below has the name too; whiteout: a 0/0 device hides what a layer below has; opaque: a directory that hides all below it. */
  readonly kind: 'new' | 'copied up' | 'whiteout' | 'opaque'
  readonly type: 'file' | 'directory' | 'link' | 'other'
  /** Bytes; 0 of a directory. */
  readonly size: number
}

/** What has changed from one picture to the next. */
export interface Delta {
  readonly at: number
  readonly took: number
  readonly host?: HostView
  /** New and changed things, whole. */
  readonly set: { readonly [Table in TableName]?: Tables[Table] }
  readonly gone: { readonly [Table in TableName]?: readonly string[] }
}
