/** Small values of flags of `run` and `create`, checked as docker's client checks them. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { DrydockError } from '../../../kernel/errors.js'
import { readWhole } from '../../flags.js'
import { pair } from './csv.js'

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export function checkVariable(text: string): string {
  return text === '' || text.startsWith('=') ? refuse(`invalid environment variable: ${text}`) : text
}

export function checkLabel(text: string): string {
  return pair(text).name === '' ? refuse(`invalid label '${text}': empty name`) : text
}

export function checkLink(text: string): string {
  if (text === '') return refuse('empty string specified for links')
  return text.split(':').length > 2 ? refuse(`bad format for links: ${text}`) : text
}

export function checkStream(text: string): string {
  const stream = text.toLowerCase()
  return ['stdin', 'stdout', 'stderr'].includes(stream) ? stream : refuse('valid streams are STDIN, STDOUT and STDERR')
}

export function checkAddress(text: string): string {
  const address = text.trim()
  return isIP(address) ? address : refuse(`IP address is not correctly formatted: ${text}`)
}

export function checkDomain(text: string): string {
  const domain = text.trim()
  if (domain === '.') return domain
  const valid = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?\.)*[a-zA-Z0-9_](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?\.?$/.test(domain)
  return valid && domain.length < 255 && /[a-zA-Z]/.test(domain) ? domain : refuse(`${text} is not a valid domain`)
}

/** `NAME:ADDRESS`, also with an equals sign and with brackets; the daemon gets the first form. */
export function checkHost(text: string): string {
  const [, name = '', address = ''] = /^([^:=]*)[:=](.*)$/s.exec(text) ?? []
  if (name === '' || address === '') return refuse(`bad format for add-host: ${JSON.stringify(text)}`)
  const bare = address.replace(/^\[(.*)\]$/, '$1')
  if (bare !== 'host-gateway' && isIP(bare) === 0) return refuse(`invalid IP address in add-host: ${JSON.stringify(address)}`)
  return `${name}:${bare}`
}

export function checkDeviceRule(text: string): string {
  return /^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text) ? text : refuse(`invalid device cgroup format '${text}'`)
}

/** As the kernel keeps them for each namespace; others belong to the whole host. */
const SYSCTLS = [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]

export function checkSysctl(text: string): string {
  const { name, value } = pair(text)
  const allowed = SYSCTLS.includes(name) || name.startsWith('net.') || name.startsWith('fs.mqueue.')
  return value !== undefined && allowed ? text : refuse(`sysctl '${text}' is not allowed`)
}

/** Billionths of a processor, of `1.5` or `3/2`. */
export function readCpus(text: string): number {
  const [, whole = '', fraction = '', divisor] = /^\+?(\d*)(?:\.(\d*))?(?:\/(\d+))?$/.exec(text) ?? []
  if (whole + fraction === '' || Number(divisor) === 0) return refuse(`failed to parse ${text} as a rational number`)
  const nano = BigInt(whole + fraction) * 10n ** 9n
  const scale = 10n ** BigInt(fraction.length) * BigInt(divisor ?? 1)
  return nano % scale === 0n ? Number(nano / scale) : refuse('value is too precise')
}

export interface Ulimit {
  readonly Name: string
  readonly Hard: number
  readonly Soft: number
}

const ULIMITS = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]

/** `NAME=SOFT[:HARD]` */
export function readUlimit(text: string): Ulimit {
  const { name, value } = pair(text)
  if (value === undefined) return refuse(`invalid ulimit argument: ${text}`)
  if (!ULIMITS.includes(name)) return refuse(`invalid ulimit type: ${name}`)
  const parts = value.split(':')
  if (parts.length > 2) return refuse(`too many limit value arguments - ${value}, can only have up to two, \`soft[:hard]\``)
  const [soft, hard = soft] = parts.map(readWhole) as [number, number?]
  if (soft > hard && hard !== -1) return refuse(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`)
  return { Name: name, Hard: hard, Soft: soft }
}

/** `on-failure:3` */
export function readRestart(text: string): { readonly Name: string; readonly MaximumRetryCount: number } {
  const { name, value } = pair(text.replace(':', '='))
  if (value === undefined) return { Name: text, MaximumRetryCount: 0 }
  if (name === '') return refuse('invalid restart policy format: no policy provided before colon')
  if (!/^[-+]?\d+$/.test(value)) return refuse('invalid restart policy format: maximum retry count must be an integer')
  return { Name: name, MaximumRetryCount: Number(value) }
}

/** The files' lines and then the texts, of the same name the last. A name alone is `lookup`'s answer; in a file it is left out where there is none. */
export function readPairs(files: readonly string[], texts: readonly string[], lookup?: (name: string) => string | undefined): string[] {
  const resolved = (text: string) => {
    const found = text.includes('=') ? undefined : lookup?.(text)
    return found === undefined ? text : `${text}=${found}`
  }
  const own = new Map(texts.map((text) => [pair(text).name, resolved(text)]))
  return [...files.flatMap((file) => linesOf(file, lookup)), ...own.values()]
}

function linesOf(file: string, lookup: ((name: string) => string | undefined) | undefined): string[] {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (cause) {
    return refuse(
      `open ${file}: ${(cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : (cause as NodeJS.ErrnoException).code}`,
    )
  }
  return content
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, '').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => {
      const { name, value } = pair(line)
      if (name === '' || /\s/.test(name)) {
        const why = name === '' ? `no variable name on line '${line}'` : `variable '${name}' contains whitespaces`
        return refuse(`invalid environment file: ${file}: ${why}`)
      }
      if (value !== undefined) return [line]
      const found = lookup?.(name)
      return found === undefined ? [] : [`${name}=${found}`]
    })
}

/** The last of those with the same name counts. */
export const asMap = (pairs: readonly string[]): Record<string, string> =>
  Object.fromEntries(pairs.map((text) => [pair(text).name, pair(text).value ?? '']))

/** A name is with or without CAP_; the daemon gets it with. */
export function readCapabilities(words: readonly string[]): readonly string[] | null {
  const names = words.map((word) => {
    const name = word.trim().toUpperCase()
    return name === 'ALL' || name === 'RESET' || name.startsWith('CAP_') ? name : `CAP_${name}`
  })
  return names.length > 0 ? [...new Set(names)].sort() : null
}

interface Security {
  readonly options: readonly string[] | null
  /** Empty lists: nothing is to be masked. */
  readonly paths: readonly string[] | null
}

/** A seccomp profile is read here and sent whole: the daemon may be on another machine. */
export function readSecurity(words: readonly string[]): Security {
  const options = words.map((word) => {
    const [, key = '', value] = /^([^=]*)=(.*)$/s.exec(word) ?? /^([^:]*):(.*)$/s.exec(word) ?? []
    if (value === undefined && word !== 'no-new-privileges') return refuse(`Invalid --security-opt: ${JSON.stringify(word)}`)
    return key === 'seccomp' && value !== 'unconfined' && value !== 'builtin' ? `seccomp=${profile(value as string)}` : word
  })
  const unmasked = options.includes('systempaths=unconfined')
  const rest = options.filter((option) => option !== 'systempaths=unconfined')
  return { options: words.length > 0 ? rest : null, paths: unmasked ? [] : null }
}

function profile(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    return refuse(`opening seccomp profile (${file}) failed: open ${file}: ${code === 'ENOENT' ? 'no such file or directory' : code}`)
  }
  try {
    return JSON.stringify(JSON.parse(text))
  } catch (cause) {
    return refuse(`compacting json for seccomp profile (${file}) failed: ${(cause as Error).message}`)
  }
}
