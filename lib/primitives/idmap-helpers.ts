/** The maps of a user namespace that only the set-user-ID programs of the package uidmap may write. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { DrydockError } from '../kernel/errors.js'
import { helpers, type IdmapSpec } from './idmap.js'

/** Run them for the process `pid`, where the map needs them. Fails with one sentence, in which `whose` ids cannot be mapped. */
export async function runHelpers(spec: IdmapSpec, pid: number, whose: string): Promise<void> {
  for (const [program, ...args] of helpers(spec, pid)) {
    try {
      await promisify(execFile)(program as string, args)
    } catch (cause) {
      const said = String((cause as { stderr?: string }).stderr ?? '').trim()
      throw new DrydockError(`the ids of ${whose} cannot be mapped: ${said || `${program} failed`}`, { cause })
    }
  }
}
