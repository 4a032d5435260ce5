/** ASN.1 values as bytes, by the Distinguished Encoding Rules: one way to write each. ITU-T X.690. Only what a certificate is made of. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Tag, length, content. A length of up to 127 is one byte, a longer one says first in how many bytes it is written. */
function value(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = unsigned(content.length)
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content])
}

export const sequence = (...members: readonly Uint8Array[]): Buffer => value(TAG.sequence, ...members)
export const set = (...members: readonly Uint8Array[]): Buffer => value(TAG.set, ...members)
export const boolean = (on: boolean): Buffer => value(TAG.boolean, Buffer.from([on ? 0xff : 0]))
export const octets = (bytes: Uint8Array): Buffer => value(TAG.octetString, bytes)
export const utf8 = (text: string): Buffer => value(TAG.utf8String, Buffer.from(text))

/** A number that is not negative, as a number or as its bytes. A first bit that is set would make it negative, so a zero goes before it. */
export function integer(number: number | Uint8Array): Buffer {
  const bytes = typeof number === 'number' ? unsigned(number) : number
  const first = bytes.findIndex((byte) => byte !== 0)
  const short = first < 0 ? Buffer.from([0]) : bytes.subarray(first)
  return value(TAG.integer, ...((short[0] as number) & 0x80 ? [Buffer.from([0])] : []), short)
}

/** Whole bytes; or of the last one the `unused` low bits are none. */
export const bits = (bytes: Uint8Array, unused = 0): Buffer => value(TAG.bitString, Buffer.from([unused]), bytes)

/** Numbered flags, the first of which is the highest bit: those that are set, and of the last byte no more than needed. */
export function flags(...set: readonly number[]): Buffer {
  const last = Math.max(...set)
  const bytes = Buffer.alloc((last >> 3) + 1)
  for (const flag of set) bytes[flag >> 3] = (bytes[flag >> 3] as number) | (0x80 >> (flag & 7))
  return bits(bytes, 7 - (last & 7))
}

/** `2.5.4.3`: the first two numbers in one, and all in groups of seven bits. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const groups = [first * 40 + second, ...rest].flatMap((number) => {
    const seven = [number & 0x7f]
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) seven.unshift((left & 0x7f) | 0x80)
    return seven
  })
  return value(TAG.oid, Buffer.from(groups))
}

/** To the second. RFC 5280, 4.1.2.5: with two digits of the year before 2050, with four from then on. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\..*$/g, '')
  const short = date.getUTCFullYear() < 2050
  return value(short ? TAG.utcTime : TAG.generalizedTime, Buffer.from(`${short ? digits.slice(2) : digits}Z`))
}

/** `[number]` around whole values. */
export const explicit = (number: number, content: Uint8Array): Buffer => value(0xa0 | number, content)

/** `[number]` in the place of the tag of a simple value. */
export const implicit = (number: number, content: Uint8Array): Buffer => value(0x80 | number, content)

function unsigned(number: number): Buffer {
  const hex = number.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}
