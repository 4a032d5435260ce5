/**
 * Whose something unfinished is. What a program makes that may be killed at any moment carries its maker in its name: a pid means something in
 * its pid namespace only, and only together with the time when the process began.
 *
 *     NAMESPACE-PID-START-RANDOM       inode of the pid namespace, process id, clock ticks since boot, six hexadecimal digits
 */
import { statSync, utimesSync } from 'node:fs'
import { readNamespace } from '../kernel/proc/namespaces.js'
import { goesOn, readProcess } from '../kernel/proc/processes.js'
import { randomBytes } from '../kernel/random.js'

/** At the end of a name. */
const OWNER = /(\d+)-(\d+)-(\d+)-[0-9a-f]{6}$/

/** How old what another pid namespace's program has in hand must be until it is nobody's, in milliseconds. Who is at work for longer keeps it young. */
const STRANGER = 10 * 60_000

/** How often that is done, in milliseconds. */
const BEAT = 60_000

let own: string | undefined

/** A new name for something of this process. */
export function ownerName(): string {
  own ??= `${ownNamespace()}-${process.pid}-${readProcess('self')?.startTicks ?? 0}`
  return `${own}-${randomBytes(3).toString('hex')}`
}

const ownNamespace = (): number => readNamespace('self', 'pid') ?? 0

/** Does the program still run whose thing this is? False for names that tell of no owner. */
export function isInHand(path: string): boolean {
  const [, namespace, pid, startTicks] = OWNER.exec(path)?.map(Number) ?? []
  if (namespace === undefined || pid === undefined || startTicks === undefined) return false
  if (namespace === ownNamespace()) return goesOn({ pid, startTicks })
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return made !== undefined && Date.now() - made < STRANGER
}

const beating = new Set<string>()
let timer: NodeJS.Timeout | undefined

/** Keep a thing of ours young for those who cannot see this process; the answer ends it. */
export function keepYoung(path: string): () => void {
  beating.add(path)
  timer ??= setInterval(beat, BEAT).unref()
  return () => {
    beating.delete(path)
    if (beating.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function beat(): void {
  const now = Date.now() / 1000
  for (const path of beating) {
    try {
      utimesSync(path, now, now)
    } catch {
      // Gone: whoever has it will notice when it is needed.
    }
  }
}
