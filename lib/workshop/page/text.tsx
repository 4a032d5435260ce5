/** Texts of strangers on the page: always text nodes, in a direction of their own, without what would move, hide or turn round what stands beside them. */
import { printable, shortened } from '../../kernel/printable.js'

/** The same in lines, tabs as they are. */
export const visible = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n')

interface TextProps {
  readonly of: string
  /** Characters; what is longer has its end cut off, and all of it in its title. */
  readonly most?: number
  readonly class?: string
}

export function Text({ of, most = 200, class: name }: TextProps) {
  const whole = printable(of)
  const long = whole.length > most
  return (
    <bdi class={name} title={long ? shortened(whole, 2000) : undefined}>
      {cut(whole, most)}
    </bdi>
  )
}

/** For a drawing, where there are no elements to wrap a text in. */
export const cut = (text: string, most: number): string => {
  const characters = [...printable(text)]
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : characters.join('')
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytes(count: number): string {
  let [value, unit] = [count, 0]
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

export function duration(nanoseconds: number): string {
  if (nanoseconds < 1e6) return `${Math.max(1, Math.round(nanoseconds / 1e3))} µs`
  return nanoseconds < 1e9 ? `${(nanoseconds / 1e6).toFixed(1)} ms` : `${(nanoseconds / 1e9).toFixed(1)} s`
}

/** `2 min`, `3 h`: how long ago, roughly. */
export function since(from: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - from) / 1000))
  if (seconds < 60) return `${seconds} s`
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`
}

export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** The telling end of a long path, names of 64 digits as short as people know them: `…/3f2a9c1b77de/diff`. */
export function endOf(path: string, most: number): string {
  const whole = printable(path).replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1')
  if (whole.length <= most) return whole
  const parts = whole.split('/')
  let end = parts.pop() ?? ''
  while (parts.length > 0 && `…/${parts.at(-1)}/${end}`.length <= most) end = `${parts.pop()}/${end}`
  return end.length + 2 > most ? `…${end.slice(1 - most)}` : `…/${end}`
}
