/** The ports of EXPOSE, as go-connections reads them: `80`, `53/udp`, `8000-8002`, `[HOST:]PUBLISHED:80`, of which only the last counts. */
import { wrong } from './lines.js'

const LAST = 65535

/** `80/tcp` for each. */
export function exposedPorts(word: string): string[] {
  const slash = word.lastIndexOf('/')
  const protocol = (slash < 0 ? 'tcp' : word.slice(slash + 1)).toLowerCase() || 'tcp'
  const all = slash < 0 ? word : word.slice(0, slash)
  const inside = all.slice(all.lastIndexOf(':') + 1)
  if (inside === '') throw wrong('No port specified: <empty>')
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(inside) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first === undefined || to < from || to > LAST) throw wrong(`Invalid containerPort: ${inside}`)
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw wrong(`Invalid proto: ${protocol}`)
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol}`)
}
