/** A container's Config and HostConfig as inspect tells them: what was asked for, with what Docker puts in where nothing was said. */

import type { ContainerSpec } from '../../container/index.js'
import { asSet } from '../../image/documents.js'
import { MASKED_PATHS, READ_ONLY_PATHS } from '../../primitives/rootfs/index.js'
import { configDocument } from '../documents/config.js'
import type { Document } from '../types.js'
import type { ConfigBody, HostBody } from './bodies.js'

/** The container's own, with the image's under it. */
export function configOf(body: ConfigBody, spec: ContainerSpec): Document {
  const { declared } = spec
  const { HostConfig: _host, NetworkingConfig: _networking, ...asked } = body as Record<string, unknown>
  return configDocument({
    ...asked,
    Hostname: spec.hostname,
    Domainname: spec.domainname,
    User: spec.user,
    Env: spec.env,
    Cmd: declared?.cmd ?? null,
    Entrypoint: declared?.entrypoint ?? null,
    WorkingDir: spec.cwd === '/' && !body.WorkingDir ? '' : spec.cwd,
    Labels: declared?.labels ?? {},
    Volumes: declared && declared.volumes.length > 0 ? asSet(declared.volumes) : null,
    ExposedPorts: declared && declared.exposedPorts.length > 0 ? asSet(declared.exposedPorts) : undefined,
    StopSignal: declared?.stopSignal,
    Image: body.Image ?? '',
  })
}

/** In Docker's order. Members that Docker leaves out when they are empty are not here. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  Binds: null,
  ContainerIDFile: '',
  LogConfig: { Type: 'json-file', Config: {} },
  NetworkMode: 'bridge',
  PortBindings: null,
  RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: 'private',
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: 'private',
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  ShmSize: 64 * 1024 * 1024,
  Runtime: 'drydock',
  Isolation: '',
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: null,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  MaskedPaths: MASKED_PATHS,
  ReadonlyPaths: READ_ONLY_PATHS,
}

/** `mode`: the network's name, where `default` was asked for. */
export function hostConfigOf(body: HostBody, spec: ContainerSpec, mode: string): Document {
  const { privileged, unmasked } = spec.security
  const paths = unmasked ? [] : null
  const { pid, ipc } = spec.sharing ?? {}
  const { MemorySwappiness, LogConfig, RestartPolicy, ShmSize, Memory, MemorySwap, PidsLimit, ...asked } = body
  return {
    ...DEFAULTS,
    ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== '' || value === undefined)),
    NetworkMode: mode,
    ...(LogConfig && { LogConfig: { Type: LogConfig.Type || 'json-file', Config: LogConfig.Config ?? {} } }),
    ...(RestartPolicy && {
      RestartPolicy: { Name: RestartPolicy.Name || 'no', MaximumRetryCount: RestartPolicy.MaximumRetryCount ?? 0 },
    }),
    ...(ShmSize && { ShmSize }),
    ...((PidsLimit ?? 0) > 0 && { PidsLimit }),
    ...(Memory && { Memory, MemorySwap: MemorySwap || Memory * 2 }),
    ...(!Memory && MemorySwap && { MemorySwap }),
    ...(MemorySwappiness !== undefined && MemorySwappiness !== -1 && { MemorySwappiness }),
    ...((privileged || unmasked) && { MaskedPaths: paths, ReadonlyPaths: paths }),
    // By its id, as its name may be another's by then.
    ...(typeof pid === 'object' && { PidMode: `container:${pid.of}` }),
    ...(typeof ipc === 'object' && { IpcMode: `container:${ipc.of}` }),
  }
}
