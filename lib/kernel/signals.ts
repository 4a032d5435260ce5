/** Signals by name or number, as Docker takes them: `SIGTERM`, `term`, `15`, `RTMIN+3`. signal(7). */
import { constants } from 'node:os'
import { DrydockError } from './errors.js'

const FIRST_REALTIME = 34
const LAST = 64

/** Throws `Invalid signal` for what is none. */
export function parseSignal(text: string): number {
  const name = text.trim().toUpperCase().replace(/^SIG/, '')
  if (/^\d+$/.test(name)) {
    const number = Number(name)
    if (number >= 1 && number <= LAST) return number
  }
  const known = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`]
  if (known !== undefined) return known
  const [, base, sign, distance = '0'] = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name) ?? []
  if (base !== undefined && sign !== (base === 'MIN' ? '-' : '+')) {
    const number = base === 'MIN' ? FIRST_REALTIME + Number(distance) : LAST - Number(distance)
    if (number >= FIRST_REALTIME && number <= LAST) return number
  }
  throw new DrydockError(`Invalid signal: ${text}`, { status: 400 })
}
