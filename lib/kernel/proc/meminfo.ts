/** /proc/meminfo: the machine's memory. It knows nothing of cgroups: inside a container it still shows the host's. */
import { linesOf, readProcFile } from './read.js'

/** Every value in KiB by its name (`MemTotal`, `MemAvailable`, `SwapFree`, …); the few that count pages are plain numbers. */
export function parseMeminfo(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const line of linesOf(text)) {
    const match = /^([^:]+):\s*([0-9]+)/.exec(line)
    if (match) values.set(match[1] as string, Number(match[2]))
  }
  return values
}

export function readMeminfo(root = '/proc'): ReadonlyMap<string, number> {
  return parseMeminfo(readProcFile(`${root}/meminfo`) ?? '')
}
