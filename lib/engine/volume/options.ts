/** Options of the local driver, as mount(8) would take them: a directory of the host, and a file system in memory, can be had. */
import { isAbsolute, normalize } from 'node:path'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { memoryOptions } from '../../primitives/rootfs/index.js'

/** What stands in the place of a directory of the volume's own. */
export type LocalOptions =
  /** A directory of the host. */
  | { readonly kind: 'bind'; readonly path: string; readonly readOnly: boolean }
  /** In memory, for as long as a container has it; options of tmpfs(5) and mount(8). */
  | { readonly kind: 'memory'; readonly options: readonly string[]; readonly readOnly: boolean }

const KNOWN = ['type', 'o', 'device', 'size']
/** Both or none of them. */
const TOGETHER = ['device', 'type']
const BINDS = ['bind', 'rbind']
const MODES = ['ro', 'rw']

/** Undefined: a directory of its own. Refuses by name what cannot be done, in Docker's words where it cannot either. */
export function localOptions(name: string, options: Readonly<Record<string, string>>): LocalOptions | undefined {
  const refuse = (why: string): never => {
    throw new DrydockError(`create ${name}: ${why}`, { status: 400 })
  }
  const stranger = Object.keys(options).find((key) => !KNOWN.includes(key))
  if (stranger !== undefined) return refuse(`invalid option: "${stranger}"`)
  if (options.size !== undefined) return refuse('quota size requested but no quota support')
  const lacking = TOGETHER.find((key) => options[key] === undefined)
  if (lacking !== undefined) return Object.keys(options).length === 0 ? undefined : refuse(`missing required option: "${lacking}"`)
  const { type = '', device = '', o = '' } = options
  const words = o.split(',').filter((word) => word !== '')
  const readOnly = words.lastIndexOf('ro') > words.lastIndexOf('rw')
  const others = words.filter((word) => !MODES.includes(word))
  if (type === 'tmpfs') {
    try {
      memoryOptions(others)
    } catch (error) {
      return refuse(sentenceOf(error))
    }
    return { kind: 'memory', options: others, readOnly }
  }
  if (!['none', 'bind', ''].includes(type) || !words.some((word) => BINDS.includes(word))) {
    return refuse(`a volume of type ${type} is not supported: there are type=none with o=bind and a directory of the host, and type=tmpfs`)
  }
  const other = others.find((word) => !BINDS.includes(word))
  if (other !== undefined) return refuse(`the mount option ${other} is not supported: bind, rbind, ro and rw are`)
  if (!isAbsolute(device)) return refuse(`the device of a bind is an absolute path; "${device}" is not`)
  return { kind: 'bind', path: normalize(device), readOnly }
}
