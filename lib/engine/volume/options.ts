/** Options of the local driver, as mount(8) would take them: a directory of the host is what can be had. */
import { isAbsolute, normalize } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'

export interface BindOptions {
  /** A directory of the host. */
  readonly path: string
  readonly readOnly: boolean
}

const KNOWN = ['type', 'o', 'device', 'size']
/** Both or none of them. */
const TOGETHER = ['device', 'type']
const BINDS = ['bind', 'rbind']

/** Undefined: a directory of its own. Refuses by name what cannot be done, in Docker's words where it cannot either. */
export function bindOptions(name: string, options: Readonly<Record<string, string>>): BindOptions | undefined {
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
  if (!['none', 'bind', ''].includes(type) || !words.some((word) => BINDS.includes(word))) {
    return refuse(`a volume of type ${type} is not supported: type=none with o=bind and a directory of the host is, and --tmpfs is`)
  }
  const other = words.find((word) => ![...BINDS, 'ro', 'rw'].includes(word))
  if (other !== undefined) return refuse(`the mount option ${other} is not supported: bind, rbind, ro and rw are`)
  if (!isAbsolute(device)) return refuse(`the device of a bind is an absolute path; "${device}" is not`)
  return { path: normalize(device), readOnly: words.lastIndexOf('ro') > words.lastIndexOf('rw') }
}
