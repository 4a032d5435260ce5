/** Where a container's output is kept: LogConfig. github.com/docker/docker, daemon/logger: jsonfilelog, local, loginfo.go. */
import type { LogRequest } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { parseBytes } from '../units.js'
import type { HostBody } from './bodies.js'

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export interface DefaultLog {
  readonly logDriver?: string
  readonly logOptions?: Readonly<Record<string, string>>
}

/** What the daemon says counts where nothing else is said; its options go with its driver. */
export function withDefaultLog(host: HostBody, { logDriver = 'json-file', logOptions = {} }: DefaultLog): HostBody {
  const { Type, Config } = host.LogConfig ?? {}
  if (Type && Type !== logDriver) return host
  return { ...host, LogConfig: { Type: logDriver, Config: { ...logOptions, ...Config } } }
}

/** What is done with it by whoever passes the lines on, of any driver. */
const DELIVERY = ['mode', 'max-buffer-size']
const KNOWN = ['max-size', 'max-file', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag', ...DELIVERY]

/** Of the driver `local`, when nothing was said. */
const LOCAL = { maxSize: 20 * 1024 * 1024, maxFiles: 5 }

export function logOf({ LogConfig: { Type = '', Config } = {} }: HostBody): LogRequest {
  const options = Config ?? {}
  if (Type === 'none') return { driver: 'none' }
  const driver = Type === '' ? 'json-file' : Type
  if (driver !== 'json-file' && driver !== 'local')
    return refuse(`logger: no log driver named '${Type}' is registered: there are json-file, local and none`)
  const stranger = Object.keys(options).find((key) => !KNOWN.includes(key))
  if (stranger !== undefined)
    refuse(
      driver === 'local' ? `unknown log opt '${stranger}' for log driver local` : `unknown log opt '${stranger}' for ${driver} log driver`,
    )
  const odd = Object.entries(options).find(([, value]) => typeof value !== 'string')
  if (odd) refuse(`invalid JSON: HostConfig.LogConfig.Config.${odd[0]} must be a string`)
  checkDelivery(options)
  checkCompression(options)
  const maxSize = sizeOf(options['max-size'], driver)
  const maxFiles = filesOf(options['max-file'])
  const { tag, labels, env } = options
  if (tag !== undefined) fillTag(tag, EXAMPLE)
  const patterns = { labelsPattern: patternOf('labels-regex', options), envPattern: patternOf('env-regex', options) }
  const usual = driver === 'local' ? LOCAL : {}
  return {
    driver,
    ...usual,
    ...(maxSize !== undefined && { maxSize }),
    ...(maxFiles !== undefined && { maxFiles }),
    ...(tag && { tag }),
    ...(labels && { labels: labels.split(',') }),
    ...(env && { env: env.split(',') }),
    // Docker heeds the pattern of labels only where labels are named too.
    ...(labels && patterns.labelsPattern && { labelsPattern: patterns.labelsPattern }),
    ...(patterns.envPattern && { envPattern: patterns.envPattern }),
  }
}

/** Lines go to a file at once, and no program waits for anything but that; so the two modes are one. */
function checkDelivery({ mode = '', 'max-buffer-size': size }: Readonly<Record<string, string>>): void {
  if (!['', 'blocking', 'non-blocking'].includes(mode)) refuse(`logger: logging mode not supported: ${mode}`)
  if (size === undefined) return
  if (mode !== 'non-blocking') refuse("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
  parseBytes(size, 'max-buffer-size')
}

function checkCompression({ compress }: Readonly<Record<string, string>>): void {
  if (compress === undefined || FALSE.includes(compress)) return
  if (!TRUE.includes(compress)) refuse(`strconv.ParseBool: parsing "${compress}": invalid syntax`)
  refuse('the log opt compress=true is not supported: rotated files stay as they are')
}

/** Go's. */
const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']

/** Bytes; undefined: as usual. One driver counts by the thousand, the other by 1024, as in docker. */
function sizeOf(text: string | undefined, driver: 'json-file' | 'local'): number | undefined {
  if (text === undefined || (text === '-1' && driver === 'json-file')) return undefined
  const bytes = driver === 'local' ? parseBytes(text, 'max-size') : decimalBytes(text)
  if (bytes <= 0) refuse('max-size must be a positive number')
  // The shim counts so far.
  if (bytes > 0xffffffff) refuse(`max-size is 4 GiB at most: ${text}`)
  return bytes
}

/** github.com/docker/go-units, FromHumanSize. */
function decimalBytes(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text.trim()) ?? []
  if (number === undefined) return refuse(`invalid size: '${text}'`)
  return Math.floor(Number(number) * 1000 ** 'bkmgtp'.indexOf(unit.toLowerCase() || 'b'))
}

function filesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,4}$/.test(text)) return refuse(`max-file must be a number: ${text}`)
  return Number(text) < 1 ? refuse('max-file cannot be less than 1') : Number(text)
}

function patternOf(name: 'labels-regex' | 'env-regex', options: Readonly<Record<string, string>>): string | undefined {
  const text = options[name]
  if (!text) return undefined
  try {
    new RegExp(text)
    return text
  } catch (cause) {
    throw new DrydockError(`the log opt ${name} is no regular expression: ${text}`, { cause, status: 400 })
  }
}

/** Of whom a log is. */
export interface LogOwner {
  readonly id: string
  readonly name: string
  readonly imageId: string
  readonly imageName: string
  readonly argv: readonly string[]
  /** NAME=VALUE. */
  readonly env: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

const EXAMPLE: LogOwner = { id: '', name: '', imageId: '', imageName: '', argv: [], env: [], labels: {} }

/** Docker's info of a log, as templates name it. */
const FIELDS: Readonly<Record<string, (owner: LogOwner) => string>> = {
  ID: ({ id }) => id.slice(0, 12),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => imageId.slice(0, 12),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ imageName }) => imageName,
  Command: ({ argv }) => argv.join(' '),
  DaemonName: () => 'drydock',
}

function fillTag(template: string, owner: LogOwner): string {
  return template.replace(/\{\{-?\s*(.*?)\s*-?\}\}/gs, (_, inner: string) => {
    const field = inner.startsWith('.') && Object.hasOwn(FIELDS, inner.slice(1)) ? FIELDS[inner.slice(1)] : undefined
    if (field) return field(owner)
    return refuse(`the log opt tag takes {{.${Object.keys(FIELDS).join('}}, {{.')}}}; {{${inner}}} is none of them`)
  })
}

/** The longest that the shim takes, in bytes. */
const LONGEST = 16 * 1024

/** What stands in each entry of the log beside the line, as Go writes JSON; undefined: nothing. */
export function logAttributes(request: LogRequest, owner: LogOwner): string | undefined {
  if (request.driver === 'none') return undefined
  const found: Record<string, string> = {}
  const variables = Object.fromEntries(owner.env.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]))
  choose(found, owner.labels, request.labels, request.labelsPattern)
  choose(found, variables, request.env, request.envPattern)
  if (request.tag !== undefined) found.tag = fillTag(request.tag, owner)
  const names = Object.keys(found).sort()
  if (names.length === 0) return undefined
  const json = JSON.stringify(Object.fromEntries(names.map((name) => [name, found[name]])))
  const text = json.replace(/[<>&\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (Buffer.byteLength(text) > LONGEST)
    throw new DrydockError(`labels and variables of a log are ${LONGEST} bytes at most; these are ${Buffer.byteLength(text)}`, {
      status: 400,
    })
  return text
}

function choose(
  into: Record<string, string>,
  from: Readonly<Record<string, string>>,
  names: readonly string[] = [],
  pattern: string | undefined,
): void {
  const matches = pattern === undefined ? undefined : new RegExp(pattern)
  for (const [name, value] of Object.entries(from)) if (names.includes(name) || matches?.test(name)) into[name] = value
}
