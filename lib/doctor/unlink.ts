/** One name less. */
import { unlinkSync } from 'node:fs'

/** Why it is still there; undefined when it is gone, also when somebody else was quicker. unlink(2). */
export function unlinkUnlessGone(path: string): string | undefined {
  try {
    unlinkSync(path)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? undefined : `unlink: ${code}`
  }
}
