/** Namespaces that are shared with the host or with another container, and devices. */
import { DrydockError } from '../../kernel/errors.js'
import type { HostBody } from './bodies.js'

/** Which words of a mode mean a namespace of the container's own. */
const OWN: Readonly<Partial<Record<keyof HostBody, readonly string[]>>> = {
  PidMode: [''],
  IpcMode: ['', 'private', 'shareable'],
  UTSMode: [''],
  CgroupnsMode: ['', 'private'],
  UsernsMode: ['', 'host'],
  Runtime: ['', 'drydock', 'runc', 'io.containerd.runc.v2'],
  Isolation: ['', 'default'],
}

export function refuseModes(host: HostBody): void {
  for (const [member, own] of Object.entries(OWN)) {
    const value = (host[member as keyof HostBody] ?? '') as string
    if (!own.includes(value)) throw new DrydockError(`HostConfig.${member} "${value}" is not supported`, { status: 400 })
  }
  const others = ['Links', 'Devices', 'DeviceCgroupRules', 'Sysctls'] as const
  for (const member of others) {
    const value = host[member]
    if (value && Object.keys(value).length > 0) throw new DrydockError(`HostConfig.${member} is not supported`, { status: 400 })
  }
}
