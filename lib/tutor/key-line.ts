/** The line of keys that is always there while one is asked for. */
import type { Display } from './display.js'

export type KeyHelp = readonly [key: string, does: string]

/** Shows it; what is returned takes it away again (not in plain mode, where nothing is overwritten). */
export function showKeys(display: Display, keys: readonly KeyHelp[]): () => void {
  const { style, plain, width } = display
  const words = (list: readonly KeyHelp[]) => list.map(([key, does]) => `${key}${plain ? ' for ' : ' '}${does}`)
  if (plain) {
    display.text(`Keys: ${words(keys).join(', ')}.`)
    return () => {}
  }
  // On a narrow screen the keys alone, so that it stays one line and can be erased.
  const separator = ' · '
  const long = words(keys).join(separator).length < width
  const text = keys
    .map(([key, does]) => (long ? `${style.key(key)} ${style.dim(does)}` : style.key(key)))
    .join(long ? style.dim(separator) : ' ')
  display.line()
  display.write(text)
  return () => display.write('\r\x1b[K')
}
