/** The documents of tables.ts as they are when they have been read: members that said nothing are absent. */

export interface ConfigBody {
  readonly Hostname?: string
  readonly Domainname?: string
  readonly User?: string
  readonly AttachStdin?: boolean
  readonly AttachStdout?: boolean
  readonly AttachStderr?: boolean
  readonly ExposedPorts?: Readonly<Record<string, unknown>>
  readonly Tty?: boolean
  readonly OpenStdin?: boolean
  readonly StdinOnce?: boolean
  readonly Env?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Healthcheck?: unknown
  readonly Shell?: readonly string[]
  readonly Image?: string
  readonly Volumes?: Readonly<Record<string, unknown>>
  readonly WorkingDir?: string
  readonly Entrypoint?: readonly string[]
  readonly NetworkDisabled?: boolean
  readonly MacAddress?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly StopTimeout?: number
}

export interface PortBinding {
  readonly HostIp?: string
  readonly HostPort?: string
}

export interface HostBody {
  readonly Binds?: readonly string[]
  readonly LogConfig?: { readonly Type?: string; readonly Config?: Readonly<Record<string, string>> | null }
  readonly NetworkMode?: string
  readonly PortBindings?: Readonly<Record<string, readonly PortBinding[] | null>>
  readonly RestartPolicy?: { readonly Name?: string; readonly MaximumRetryCount?: number }
  readonly AutoRemove?: boolean
  readonly VolumeDriver?: string
  readonly VolumesFrom?: readonly string[]
  readonly ConsoleSize?: readonly number[]
  readonly CapAdd?: readonly string[]
  readonly CapDrop?: readonly string[]
  readonly CgroupnsMode?: string
  readonly CgroupParent?: string
  readonly Dns?: readonly string[]
  readonly DnsOptions?: readonly string[]
  readonly DnsSearch?: readonly string[]
  readonly ExtraHosts?: readonly string[]
  readonly GroupAdd?: readonly string[]
  readonly IpcMode?: string
  readonly Links?: readonly string[]
  readonly OomScoreAdj?: number
  readonly PidMode?: string
  readonly Privileged?: boolean
  readonly PublishAllPorts?: boolean
  readonly ReadonlyRootfs?: boolean
  readonly SecurityOpt?: readonly string[]
  readonly Tmpfs?: Readonly<Record<string, string>>
  readonly UTSMode?: string
  readonly UsernsMode?: string
  readonly ShmSize?: number
  readonly Sysctls?: Readonly<Record<string, string>>
  readonly Runtime?: string
  readonly Isolation?: string
  readonly CpuShares?: number
  readonly Memory?: number
  readonly NanoCpus?: number
  readonly BlkioWeight?: number
  readonly BlkioDeviceReadBps?: readonly DeviceRate[]
  readonly BlkioDeviceWriteBps?: readonly DeviceRate[]
  readonly BlkioDeviceReadIOps?: readonly DeviceRate[]
  readonly BlkioDeviceWriteIOps?: readonly DeviceRate[]
  readonly CpuPeriod?: number
  readonly CpuQuota?: number
  readonly CpusetCpus?: string
  readonly CpusetMems?: string
  readonly Devices?: readonly DeviceMapping[]
  readonly DeviceCgroupRules?: readonly string[]
  readonly MemoryReservation?: number
  readonly MemorySwap?: number
  readonly MemorySwappiness?: number
  readonly OomKillDisable?: boolean
  readonly PidsLimit?: number
  readonly Ulimits?: readonly { readonly Name?: string; readonly Soft?: number; readonly Hard?: number }[]
  readonly Mounts?: readonly unknown[]
  readonly MaskedPaths?: readonly string[]
  readonly ReadonlyPaths?: readonly string[]
  readonly Init?: boolean
}

export interface DeviceRate {
  readonly Path?: string
  readonly Rate?: number
}

export interface DeviceMapping {
  readonly PathOnHost?: string
  readonly PathInContainer?: string
  readonly CgroupPermissions?: string
}

export interface EndpointBody {
  readonly IPAMConfig?: unknown
  readonly Links?: readonly string[]
  readonly Aliases?: readonly string[]
  readonly GwPriority?: number
  readonly MacAddress?: string
}

export interface MountBody {
  readonly Type?: string
  readonly Source?: string
  readonly Target?: string
  readonly ReadOnly?: boolean
  readonly BindOptions?: {
    readonly Propagation?: string
    readonly NonRecursive?: boolean
    readonly CreateMountpoint?: boolean
    readonly ReadOnlyNonRecursive?: boolean
    readonly ReadOnlyForceRecursive?: boolean
  }
  readonly VolumeOptions?: {
    readonly NoCopy?: boolean
    readonly Labels?: Readonly<Record<string, string>> | null
    readonly Subpath?: string
    readonly DriverConfig?: { readonly Name?: string; readonly Options?: Readonly<Record<string, string>> | null } | null
  }
  readonly TmpfsOptions?: {
    readonly SizeBytes?: number
    readonly Mode?: number
    readonly Options?: readonly (readonly string[])[] | null
  }
}
