/** The OCI bundle for crun and runc: what Docker would ask of them for the container that drydock makes, the cable left out. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CgroupLimits } from '../lib/primitives/cgroups/index.js'
import { DEFAULT_PATH } from '../lib/primitives/process.js'
import { dockerSpec } from '../test/kernel/compare/docker-spec.js'
import { PEERS } from '../test/support/peers-cgroups.js'

const HOSTNAME = 'bench'
const PERIOD = 100_000

export interface BundleRequest {
  readonly root: string
  readonly argv: readonly string[]
  readonly limits: Required<Pick<CgroupLimits, 'memory' | 'pids' | 'cpus'>>
}

/** The directory of it. Of the root the peers get the directory itself: they have no overlay to mount and none to empty. */
export function makeBundle({ root, argv, limits }: BundleRequest): string {
  const directory = mkdtempSync(join(tmpdir(), 'drydock-bundle-'))
  const files = join(directory, 'files')
  mkdirSync(files)
  writeFileSync(join(files, 'hostname'), `${HOSTNAME}\n`)
  writeFileSync(join(files, 'hosts'), '127.0.0.1\tlocalhost\n')
  writeFileSync(join(files, 'resolv.conf'), '')
  const spec = dockerSpec({
    argv,
    root,
    files,
    hostname: HOSTNAME,
    env: [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${HOSTNAME}`],
    cwd: '/',
    user: { uid: 0, gid: 0, groups: [] },
    terminal: false,
    readOnly: false,
    privileged: false,
    noNewPrivileges: false,
    allCapabilities: [],
    devices: [],
    cgroupsPath: `/${PEERS}/container`,
  }) as { linux: { resources: object } }
  Object.assign(spec.linux.resources, {
    memory: { limit: limits.memory },
    pids: { limit: limits.pids },
    cpu: { quota: limits.cpus * PERIOD, period: PERIOD },
  })
  writeFileSync(join(directory, 'config.json'), JSON.stringify(spec))
  return directory
}
