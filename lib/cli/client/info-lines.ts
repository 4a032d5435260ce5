/** The lines of `docker info` (cli/command/system/info.go), out of the Engine API's SystemInfo. */
import { binarySize } from '../table.js'

type Words = readonly string[] | null | undefined
type Value = string | number | boolean | undefined

/** The members that are shown; engines leave out what they do not have. */
export interface Info {
  readonly Containers?: number
  readonly ContainersRunning?: number
  readonly ContainersPaused?: number
  readonly ContainersStopped?: number
  readonly Images?: number
  readonly ServerVersion?: string
  readonly Driver?: string
  readonly DriverStatus?: readonly (readonly [string, string])[] | null
  readonly LoggingDriver?: string
  readonly CgroupDriver?: string
  readonly CgroupVersion?: string
  readonly Plugins?: { readonly Volume?: Words; readonly Network?: Words; readonly Authorization?: Words; readonly Log?: Words } | null
  readonly CDISpecDirs?: Words
  readonly Swarm?: { readonly LocalNodeState?: string } | null
  readonly Runtimes?: Readonly<Record<string, unknown>> | null
  readonly DefaultRuntime?: string
  readonly InitBinary?: string
  readonly ContainerdCommit?: { readonly ID: string } | null
  readonly RuncCommit?: { readonly ID: string } | null
  readonly InitCommit?: { readonly ID: string } | null
  readonly SecurityOptions?: Words
  readonly KernelVersion?: string
  readonly OperatingSystem?: string
  readonly OSType?: string
  readonly Architecture?: string
  readonly NCPU?: number
  readonly MemTotal?: number
  readonly Name?: string
  readonly ID?: string
  readonly DockerRootDir?: string
  readonly Debug?: boolean
  readonly NFd?: number
  readonly NGoroutines?: number
  readonly SystemTime?: string
  readonly NEventsListener?: number
  readonly HttpProxy?: string
  readonly HttpsProxy?: string
  readonly NoProxy?: string
  readonly Labels?: Words
  readonly ExperimentalBuild?: boolean
  readonly RegistryConfig?: {
    readonly IndexConfigs?: Readonly<Record<string, { readonly Secure?: boolean }>> | null
    readonly InsecureRegistryCIDRs?: Words
    readonly Mirrors?: Words
  } | null
  readonly LiveRestoreEnabled?: boolean
  readonly ProductLicense?: string
  readonly DefaultAddressPools?: readonly { readonly Base: string; readonly Size: number }[] | null
  readonly Warnings?: Words
}

export function infoLines(info: Info, version: string): string {
  const client = ['Client:', ` Version:    ${version}`, ' Context:    default', ' Debug Mode: false']
  return `${[...client, '', 'Server:', ...countLines(info), ...pluginLines(info), ...runtimeLines(info), ...machineLines(info), ...settingLines(info)].join('\n')}\n\n`
}

/** A line when there is something to tell. */
const line = (name: string, value: Value | null): string[] =>
  value === undefined || value === null || value === '' ? [] : [` ${name}: ${value}`]
const below = (name: string, words: Words): string[] =>
  words && words.length > 0 ? [` ${name}:`, ...words.map((word) => `  ${word}`)] : []

function countLines(info: Info): string[] {
  return [
    ` Containers: ${info.Containers ?? 0}`,
    `  Running: ${info.ContainersRunning ?? 0}`,
    `  Paused: ${info.ContainersPaused ?? 0}`,
    `  Stopped: ${info.ContainersStopped ?? 0}`,
    ` Images: ${info.Images ?? 0}`,
    ...line('Server Version', info.ServerVersion),
    ...line('Storage Driver', info.Driver),
    ...(info.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ...line('Logging Driver', info.LoggingDriver),
    ...line('Cgroup Driver', info.CgroupDriver),
    ...line('Cgroup Version', info.CgroupVersion),
  ]
}

function pluginLines({ Plugins, CDISpecDirs, Swarm }: Info): string[] {
  const kinds = (['Volume', 'Network', 'Authorization', 'Log'] as const).flatMap((kind) => {
    const words = Plugins?.[kind] ?? []
    return kind === 'Volume' || kind === 'Network' || words.length > 0 ? [`  ${kind}: ${words.join(' ')}`] : []
  })
  return [' Plugins:', ...kinds, ...below('CDI spec directories', CDISpecDirs), ...line('Swarm', Swarm?.LocalNodeState)]
}

function runtimeLines(info: Info): string[] {
  const names = Object.keys(info.Runtimes ?? {})
  const security = (info.SecurityOptions ?? []).flatMap((option) => {
    const words = Object.fromEntries(option.split(',').map((word) => [word.split('=')[0], word.slice(word.indexOf('=') + 1)]))
    return [`  ${words.name ?? option}`, ...(words.profile ? [`   Profile: ${words.profile}`] : [])]
  })
  return [
    ...(names.length > 0 ? [` Runtimes: ${names.join(' ')}`] : []),
    ...line('Default Runtime', info.DefaultRuntime),
    ...line('Init Binary', info.InitBinary),
    ...(info.ContainerdCommit ? [` containerd version: ${info.ContainerdCommit.ID}`] : []),
    ...(info.RuncCommit ? [` runc version: ${info.RuncCommit.ID}`] : []),
    ...(info.InitCommit ? [` init version: ${info.InitCommit.ID}`] : []),
    ...(security.length > 0 ? [' Security Options:', ...security] : []),
  ]
}

function machineLines(info: Info): string[] {
  return [
    ...line('Kernel Version', info.KernelVersion),
    ...line('Operating System', info.OperatingSystem),
    ...line('OSType', info.OSType),
    ...line('Architecture', info.Architecture),
    ...line('CPUs', info.NCPU),
    ...(info.MemTotal === undefined ? [] : [` Total Memory: ${binarySize(info.MemTotal)}`]),
    ...line('Name', info.Name),
    ...line('ID', info.ID),
    ...line('Docker Root Dir', info.DockerRootDir),
    ...line('Debug Mode', info.Debug ?? false),
    ...(info.Debug
      ? [
          `  File Descriptors: ${info.NFd ?? 0}`,
          `  Goroutines: ${info.NGoroutines ?? 0}`,
          `  System Time: ${info.SystemTime ?? ''}`,
          `  EventsListeners: ${info.NEventsListener ?? 0}`,
        ]
      : []),
  ]
}

function settingLines(info: Info): string[] {
  const { RegistryConfig, DefaultAddressPools } = info
  const insecure = Object.entries(RegistryConfig?.IndexConfigs ?? {}).flatMap(([name, { Secure }]) => (Secure === false ? [name] : []))
  return [
    ...line('HTTP Proxy', info.HttpProxy),
    ...line('HTTPS Proxy', info.HttpsProxy),
    ...line('No Proxy', info.NoProxy),
    ...below('Labels', info.Labels),
    ...line('Experimental', info.ExperimentalBuild ?? false),
    ...below('Insecure Registries', [...insecure, ...(RegistryConfig?.InsecureRegistryCIDRs ?? [])]),
    ...below('Registry Mirrors', RegistryConfig?.Mirrors),
    ...line('Live Restore Enabled', info.LiveRestoreEnabled ?? false),
    ...line('Product License', info.ProductLicense),
    ...(DefaultAddressPools && DefaultAddressPools.length > 0
      ? [' Default Address Pools:', ...DefaultAddressPools.map(({ Base, Size }) => `   Base: ${Base}, Size: ${Size}`)]
      : []),
  ]
}
