/** One program that is many: which it is depends on the name that it is called by. */
import { spawnSync } from 'node:child_process'

/** The names under which this busybox is another program: it is asked, since every build has its own. Empty when it does not run here. */
export function appletsOf(busybox: string): string[] {
  const { status, stdout } = spawnSync(busybox, ['--list'], { argv0: 'busybox', encoding: 'utf8', env: {}, timeout: 10_000 })
  return status === 0 ? appletNames(stdout) : []
}

/** A name a line. What could not be a file's name is none. */
export function appletNames(list: string): string[] {
  return list.split('\n').filter((name) => /^[\w[.+-]+$/.test(name) && !['busybox', '.', '..'].includes(name))
}
