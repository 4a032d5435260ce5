/** Moments in nanoseconds since 1970, as Docker tells them. */

/** What the two clocks differ by; set anew when somebody has moved the one on the wall. */
let offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
let last = 0n

/** Since 1970, in nanoseconds; never the same twice and never less than before, unless the clock on the wall was set back. */
export function nowNanos(): bigint {
  const wall = BigInt(Date.now()) * 1_000_000n
  let now = process.hrtime.bigint() + offset
  // Date.now() is the beginning of a millisecond.
  const ahead = now - wall
  if (ahead < 0n || ahead > 2_000_000n) {
    now = wall
    offset = wall - process.hrtime.bigint()
    if (last - now > 1_000_000_000n) last = 0n
  }
  last = now > last ? now : last + 1n
  return last
}

/** As Go prints it: RFC 3339 with as many digits as are not zero. */
export function timestamp(nanos: bigint): string {
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  const fraction = String(nanos % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${seconds}${fraction && `.${fraction}`}Z`
}

/** Nanoseconds since 1970 of such a text. */
export function nanosOf(text: string): bigint {
  const [, seconds = '', fraction = '', zone = 'Z'] = /^(.*?:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  return BigInt(Date.parse(`${seconds}${zone}`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
