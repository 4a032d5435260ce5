/** What is within the lists, maps and objects of the tables: by the path of the member that holds it. Engine API 1.47. */
import type { Shape } from './members.js'

/** A value; or a list of such, a map to such, an object with these members. */
export type Inner = Shape | { readonly each: Inner } | { readonly values: Inner } | { readonly members: Readonly<Record<string, Inner>> }

const WORDS: Inner = { values: 'text' }
const RATES: Inner = { each: { members: { Path: 'text', Rate: 'integer' } } }
const HEALTH: Readonly<Record<string, Inner>> = {
  Test: 'texts',
  Interval: 'integer',
  Timeout: 'integer',
  StartPeriod: 'integer',
  StartInterval: 'integer',
  Retries: 'integer',
}

export const INNER: Readonly<Record<string, Inner>> = {
  ExposedPorts: { values: 'object' },
  Volumes: { values: 'object' },
  Labels: WORDS,
  Options: WORDS,
  DriverOpts: WORDS,
  Healthcheck: { members: HEALTH },
  'HostConfig.LogConfig': { members: { Type: 'text', Config: WORDS } },
  'HostConfig.PortBindings': { values: { each: { members: { HostIp: 'text', HostPort: 'text' } } } },
  'HostConfig.RestartPolicy': { members: { Name: 'text', MaximumRetryCount: 'integer' } },
  // Of an update, whose members are the body's own.
  RestartPolicy: { members: { Name: 'text', MaximumRetryCount: 'integer' } },
  'HostConfig.ConsoleSize': { each: 'integer' },
  'HostConfig.Annotations': WORDS,
  'HostConfig.StorageOpt': WORDS,
  'HostConfig.Tmpfs': WORDS,
  'HostConfig.Sysctls': WORDS,
  'HostConfig.BlkioWeightDevice': { each: { members: { Path: 'text', Weight: 'integer' } } },
  'HostConfig.BlkioDeviceReadBps': RATES,
  'HostConfig.BlkioDeviceWriteBps': RATES,
  'HostConfig.BlkioDeviceReadIOps': RATES,
  'HostConfig.BlkioDeviceWriteIOps': RATES,
  'HostConfig.Devices': { each: { members: { PathOnHost: 'text', PathInContainer: 'text', CgroupPermissions: 'text' } } },
  'HostConfig.DeviceRequests': { each: 'object' },
  'HostConfig.Ulimits': { each: { members: { Name: 'text', Soft: 'integer', Hard: 'integer' } } },
  'HostConfig.Mounts': { each: 'object' },
  'HostConfig.Mounts[].BindOptions': {
    members: {
      Propagation: 'text',
      NonRecursive: 'flag',
      CreateMountpoint: 'flag',
      ReadOnlyNonRecursive: 'flag',
      ReadOnlyForceRecursive: 'flag',
    },
  },
  'HostConfig.Mounts[].VolumeOptions': {
    members: { NoCopy: 'flag', Labels: WORDS, Subpath: 'text', DriverConfig: { members: { Name: 'text', Options: WORDS } } },
  },
  'HostConfig.Mounts[].TmpfsOptions': { members: { SizeBytes: 'integer', Mode: 'integer', Options: { each: { each: 'text' } } } },
  'NetworkingConfig.EndpointsConfig': { values: 'object' },
  'IPAM.Options': WORDS,
  'IPAM.Config': { each: 'object' },
  'IPAM.Config[].AuxiliaryAddresses': WORDS,
}
