/** What makers of images have in common: where they work, what they make of, and what comes out. */
import { join } from 'node:path'
import type { ContainerConfig } from '../image/types.js'
import type { Distribution } from './apt.js'

export interface Workshop {
  readonly distribution: Distribution
  readonly mirror: string
  /** A directory for what is made on the way; what is in `packages` below it is kept. */
  readonly work: string
  /** Somebody has had enough. */
  readonly signal: AbortSignal
}

export interface Made {
  /** A tar archive in the work directory. */
  readonly archive: string
  readonly tag: string
  readonly config: ContainerConfig
  /** For `docker history`: of what it was made. */
  readonly by: string
}

export const archiveIn = (work: string, name: string): string => join(work, `${name}.tar`)

export const CONFIG: ContainerConfig = {
  Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  Cmd: ['/bin/sh'],
  WorkingDir: '/',
}
