/** Docker's tables: columns at least ten wide and three blanks apart, headings in capitals; and its rounded durations and sizes. */
import { ago } from '../engine/durations.js'

/** Go's text/tabwriter as docker's command line sets it up. */
const LEAST_WIDTH = 10
const PADDING = 3

/**
 * Cells that end with a tab, in columns. A column is as wide as its widest cell in lines next to each other that all have it; the last cell of a line
 * ends with no tab and belongs to no column.
 */
export function align(text: string, least = LEAST_WIDTH): string {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const out = lines.map(() => '')
  for (let column = 0, any = true; any; column++) {
    any = false
    const inColumn = (at: number) => (lines[at]?.length ?? 0) > column + 1
    for (let from = 0; from < lines.length; from++) {
      if (!inColumn(from)) continue
      any = true
      let to = from
      while (inColumn(to)) to++
      const cells = lines.slice(from, to).map((line) => line[column] as string)
      const width = Math.max(least, Math.max(...cells.map(widthOf)) + PADDING)
      cells.forEach((cell, at) => {
        out[from + at] += cell + ' '.repeat(width - widthOf(cell))
      })
      from = to - 1
    }
  }
  return lines.map((line, at) => out[at] + (line.at(-1) as string)).join('\n')
}

const widthOf = (cell: string): number => [...cell].length

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return align([headings, ...rows].map((cells) => `${cells.join('\t')}\n`).join(''))
}

export { humanSize } from '../engine/units.js'

/** What images without a time of making have (0001-01-01, Go's zero). */
const NEVER = Date.parse('0001-01-01T00:00:00Z')

export function createdSince(time: string, now = Date.now()): string {
  return Date.parse(time) > NEVER ? `${ago(time, now)} ago` : 'N/A'
}

/** As Go prints a time: `2026-11-26 14:48:29 +0000 UTC`, where this machine is. */
export function createdAt(time: string): string {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return ''
  const east = -at.getTimezoneOffset()
  const two = (number: number) => String(number).padStart(2, '0')
  const offset = `${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}${two(Math.abs(east) % 60)}`
  const zone = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value
  const local = new Date(at.getTime() + east * 60_000).toISOString()
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${offset} ${zone ?? offset}`
}

/** The same with the fraction of a second that the time has. */
export function goTime(time: string): string {
  const fraction = /\.(\d+)/.exec(time)?.[1]?.replace(/0+$/, '') ?? ''
  const shown = createdAt(time.replace(/\.\d+/, ''))
  return fraction === '' ? shown : shown.replace(/(:\d\d) /, `$1.${fraction} `)
}

/** Powers of 1024: `23.54GiB` (go-units, BytesSize). */
export function binarySize(bytes: number): string {
  let size = bytes
  let unit = 0
  for (; size >= 1024 && unit < BINARY_UNITS.length - 1; unit++) size /= 1024
  return `${Number(size.toPrecision(4))}${BINARY_UNITS[unit]}`
}

const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const

/** A moment in nanoseconds since 1970, where this machine is: `2026-11-26T19:43:42.755376796Z`, always with nine digits. */
export function rfc3339Nano(nanoseconds: bigint): string {
  const at = new Date(Number(nanoseconds / 1_000_000n))
  const east = -at.getTimezoneOffset()
  const two = (number: number) => String(number).padStart(2, '0')
  const zone = east === 0 ? 'Z' : `${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`
  const local = new Date(at.getTime() + east * 60_000).toISOString().slice(0, 19)
  return `${local}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}${zone}`
}

/** The twelve digits that people know an image by. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12)
