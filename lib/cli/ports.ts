/** Ports of a container as `docker ps` shows them (cli/command/formatter/container.go, DisplayablePorts). */

export interface ShownPort {
  readonly IP?: string
  readonly PrivatePort: number
  readonly PublicPort?: number
  readonly Type: string
}

/** `0.0.0.0:8080->80/tcp, 443/tcp`. Numbers next to each other are one range, when they are the same on both sides or on one alone. */
export function showPorts(ports: readonly ShownPort[]): string {
  const groups = new Map<string, { ip: string; type: string; ranges: { first: number; last: number }[] }>()
  const moved: string[] = []
  for (const { IP = '', PrivatePort, PublicPort = 0, Type } of [...ports].sort(inOrder)) {
    const host = IP.includes(':') ? `[${IP}]` : IP
    if (PublicPort !== 0 && PublicPort !== PrivatePort) {
      moved.push(`${host}:${PublicPort}->${PrivatePort}/${Type}`)
      continue
    }
    const ip = PublicPort === 0 ? '' : host
    const group = groups.get(`${ip}/${Type}`) ?? { ip, type: Type, ranges: [] }
    groups.set(`${ip}/${Type}`, group)
    const range = group.ranges.at(-1)
    if (range && PrivatePort === range.last + 1) range.last = PrivatePort
    else group.ranges.push({ first: PrivatePort, last: PrivatePort })
  }
  // Ranges that have ended come first, and then the last of each, as docker has it.
  const all = [...groups.values()]
  const ended = all.flatMap((group) => group.ranges.slice(0, -1).map((range) => ({ ...group, range })))
  const last = all.map((group) => ({ ...group, range: group.ranges.at(-1) as { first: number; last: number } }))
  return [...[...ended, ...last].map(showRange), ...moved].join(', ')
}

function showRange({ ip, type, range: { first, last } }: { ip: string; type: string; range: { first: number; last: number } }): string {
  const numbers = first === last ? String(first) : `${first}-${last}`
  return ip === '' ? `${numbers}/${type}` : `${ip}:${numbers}->${numbers}/${type}`
}

function inOrder(a: ShownPort, b: ShownPort): number {
  return (
    a.PrivatePort - b.PrivatePort ||
    compared(a.IP ?? '', b.IP ?? '') ||
    (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    compared(a.Type, b.Type)
  )
}

const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
