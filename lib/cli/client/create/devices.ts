/** `--device`, `--gpus` and the flags about block devices, as docker's client reads them. */
import { posix } from 'node:path'
import { DrydockError } from '../../../kernel/errors.js'
import { readBytes } from '../../flags.js'
import { pair, readFields } from './csv.js'

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export interface DeviceMapping {
  readonly PathOnHost: string
  readonly PathInContainer: string
  readonly CgroupPermissions: string
}

/** `vendor.com/class=name`, the Container Device Interface. */
export const isCdi = (text: string): boolean => /^[a-zA-Z][\w.-]*\/[a-zA-Z][\w.-]*=[\w][\w.:-]*$/.test(text)

export const cdiRequest = (ids: readonly string[]): object => ({
  Driver: 'cdi',
  Count: 0,
  DeviceIDs: ids,
  Capabilities: null,
  Options: null,
})

/** `HOST[:CONTAINER][:PERMISSIONS]` */
export function readDevice(text: string): DeviceMapping {
  const parts = text.split(':')
  if (parts.length > 3 || parts[0] === '') refuse(`bad format for path: ${text}`)
  const [host = '', second, third] = parts
  if (third !== undefined && !isMode(third)) refuse(`bad mode specified: ${third}`)
  const mode = third ?? (second !== undefined && isMode(second) ? second : undefined)
  const inside = second === undefined || second === mode ? host : second
  if (!posix.isAbsolute(inside)) refuse(`${inside} is not an absolute path`)
  return {
    PathOnHost: parts.length === 1 || second === mode ? posix.normalize(host) : host,
    PathInContainer: third === undefined ? posix.normalize(inside) : inside,
    CgroupPermissions: mode ?? 'rwm',
  }
}

const isMode = (text: string): boolean => /^(?!.*(.).*\1)[rwm]+$/.test(text)

/** `DEVICE:WEIGHT`, 10 to 1000 or 0. */
export function readWeight(text: string): { Path: string; Weight: number } {
  const { path, rest } = pathOf(text)
  const weight = /^\d+$/.test(rest) ? Number(rest) : Number.NaN
  if (Number.isNaN(weight) || (weight !== 0 && (weight < 10 || weight > 1000))) refuse(`invalid weight for device: ${text}`)
  return { Path: path, Weight: weight }
}

export function readRate(text: string): { Path: string; Rate: number } {
  const { path, rest } = pathOf(text)
  try {
    return { Path: path, Rate: readBytes(rest) }
  } catch {
    return refuse(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
    )
  }
}

export function readOperations(text: string): { Path: string; Rate: number } {
  const { path, rest } = pathOf(text)
  if (!/^\d+$/.test(rest))
    refuse(`invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`)
  return { Path: path, Rate: Number(rest) }
}

function pathOf(text: string): { path: string; rest: string } {
  const at = text.indexOf(':')
  if (at < 0 || at === text.length - 1) refuse(`bad format: ${text}`)
  const path = text.slice(0, at)
  if (!path.startsWith('/dev/')) refuse(`bad format for device path: ${text}`)
  return { path, rest: text.slice(at + 1) }
}

/** `all`, a number, or `device=…,driver=…,capabilities=…,options=…`: a DeviceRequest. */
export function readGpus(text: string): object {
  const request = {
    Driver: '',
    Count: 0,
    DeviceIDs: null as string[] | null,
    capabilities: [] as string[],
    Options: {} as Record<string, string>,
  }
  const seen = new Set<string>()
  for (const field of readFields(text)) {
    const { name, value } = pair(field)
    const key = value === undefined ? 'count' : name
    if (seen.has(key)) refuse(`gpu request key '${key}' can be specified only once`)
    seen.add(key)
    const word = value ?? name
    if (key === 'count') request.Count = countOf(word)
    else if (key === 'driver') request.Driver = word
    else if (key === 'device') request.DeviceIDs = word.split(',')
    else if (key === 'capabilities') request.capabilities = [...word.split(','), 'gpu']
    else if (key === 'options') request.Options = Object.fromEntries(readFields(word).map((one) => [pair(one).name, pair(one).value ?? '']))
    else refuse(`unexpected key '${key}' in '${field}'`)
  }
  if (!seen.has('count') && request.DeviceIDs === null) request.Count = 1
  const { Driver, Count, DeviceIDs, Options } = request
  return { Driver, Count, DeviceIDs, Capabilities: [request.capabilities.length > 0 ? request.capabilities : ['gpu']], Options }
}

function countOf(word: string): number {
  if (word === 'all') return -1
  if (/^[-+]?\d+$/.test(word)) return Number(word)
  return refuse(`invalid count (${word}): value must be either "all" or an integer: invalid syntax`)
}
