/** PAX extended headers: records `LENGTH KEY=VALUE\n`, the length being that of the whole record. POSIX, pax(1), "pax Interchange Format". */
import { damaged, showName } from './damage.js'
import type { Timestamp } from './types.js'

/** In the order of the archive. A character of a key is one of its bytes (latin1); a value is a view of the body. */
export type PaxRecords = readonly (readonly [key: string, value: Buffer])[]

export function parsePax(body: Buffer): PaxRecords {
  const records: [string, Buffer][] = []
  let at = 0
  while (at < body.length) {
    let length = 0
    let i = at
    for (; i < body.length && i < at + 10; i++) {
      const digit = (body[i] as number) - 0x30
      if (digit < 0 || digit > 9) break
      length = length * 10 + digit
    }
    const end = at + length
    // Padding that some writers count in.
    if (i === at && body[at] === 0) return records
    if (i === at || body[i] !== 0x20 || end > body.length || end <= i + 2 || body[end - 1] !== 0x0a)
      throw damaged('a PAX record is malformed')
    let equals = i + 1
    while (equals < end && body[equals] !== 0x3d) equals++
    if (equals >= end - 1 || equals === i + 1) throw damaged('a PAX record has no key or no value')
    const key = body.toString('latin1', i + 1, equals)
    if (key.includes('\0')) throw damaged(`a PAX record's key has a NUL byte in it (${showName(body.subarray(i + 1, equals))})`)
    records.push([key, body.subarray(equals + 1, end - 1)])
    at = end
  }
  return records
}

/** A whole number, in decimal. */
export function paxNumber(key: string, value: Buffer): number {
  const text = value.toString('latin1')
  const number = Number(text)
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(number))
    throw damaged(`PAX ${key} is no whole number that can be used (${showName(value)})`)
  return number
}

/** Seconds with a fraction of any length; digits beyond the ninth are cut off, as Go does. */
export function paxTime(key: string, value: Buffer): Timestamp {
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(value.toString('latin1')) ?? []
  const seconds = Number(whole)
  if (whole === '' || !Number.isSafeInteger(seconds)) throw damaged(`PAX ${key} is no time (${showName(value)})`)
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (sign !== '-') return { seconds, nanoseconds }
  return nanoseconds === 0
    ? { seconds: seconds === 0 ? 0 : -seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds }
}

/** For paths: a NUL byte would end them early for the kernel, and so name another file. */
export function paxPath(key: string, value: Buffer): Buffer {
  if (value.includes(0)) throw damaged(`PAX ${key} has a NUL byte in it (${showName(value)})`)
  return value
}

/** The length counts its own digits. */
export function paxRecord(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.byteLength(key, 'latin1') + value.length + 3
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return Buffer.concat([Buffer.from(`${length} ${key}=`, 'latin1'), value, Buffer.from('\n')])
}

/** `1.5`, `-0.000000001`: the shortest form. */
export function showPaxTime({ seconds, nanoseconds }: Timestamp): string {
  if (nanoseconds === 0) return String(seconds)
  const before = seconds < 0
  const [whole, fraction] = before ? [-seconds - 1, 1e9 - nanoseconds] : [seconds, nanoseconds]
  return `${before ? '-' : ''}${whole}.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
}
