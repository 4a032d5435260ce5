/** Documents of the Engine API for templates: which of their members are maps. */
import { mapOf } from './format/index.js'

/** Members whose keys are anybody's words: maps to Go, where everything else is a struct (format/values.ts). */
const MAPS: ReadonlySet<string> = new Set([
  'Labels',
  'ExposedPorts',
  'Volumes',
  'PortBindings',
  'Ports',
  'Networks',
  'Containers',
  'Options',
  'Tmpfs',
  'Data',
  'Sysctls',
  'DriverOpts',
])

export function withMaps<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item) => withMaps(item)) as T
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => {
    const inner = withMaps(member as unknown)
    return [name, MAPS.has(name) && inner !== null ? mapOf(inner as Record<string, unknown>) : inner]
  })
  return Object.fromEntries(members) as T
}
