/** Namespaces that are shared with the host or with another container. */
import type { ContainerRecord, OwnIpc, Sharing } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import type { ConfigBody, HostBody } from './bodies.js'
import { conflicting } from './common.js'

type Mode = 'PidMode' | 'IpcMode' | 'UTSMode' | 'CgroupnsMode' | 'UsernsMode' | 'Runtime' | 'Isolation'

/** Which words mean a namespace of the container's own, or nothing. The first one is told where nothing was said. */
const OWN: Readonly<Record<Mode, readonly string[]>> = {
  PidMode: ['', 'private'],
  IpcMode: ['private', '', 'shareable', 'none'],
  UTSMode: [''],
  CgroupnsMode: ['private', ''],
  UsernsMode: ['', 'host'],
  Runtime: ['drydock', '', 'runc', 'io.containerd.runc.v2'],
  Isolation: ['', 'default'],
}

const SHARED: readonly Mode[] = ['PidMode', 'IpcMode', 'UTSMode', 'CgroupnsMode']

/** What others may do with the ipc namespace, where it is the container's own. */
export function ownIpcOf({ IpcMode = '' }: HostBody): { readonly ownIpc?: OwnIpc } {
  return IpcMode === 'shareable' || IpcMode === 'none' ? { ownIpc: IpcMode } : {}
}

/** What is not the container's own. `recordOf`: of another container, by its name or id. */
export function sharingOf(
  config: ConfigBody,
  host: HostBody,
  { recordOf, remapped }: { recordOf(word: string): ContainerRecord; remapped: boolean },
): Sharing {
  const asked = Object.keys(OWN).flatMap((mode) => {
    const word = host[mode as Mode] ?? ''
    return OWN[mode as Mode].includes(word) ? [] : [[mode as Mode, word] as const]
  })
  const sharing: { -readonly [name in keyof Sharing]: Sharing[name] } = {}
  for (const [mode, word] of asked) {
    if (mode === 'PidMode' && word.startsWith('container:')) {
      sharing.pid = { of: recordOf(word.slice('container:'.length)).spec.id, pid: 0 }
      continue
    }
    if (mode === 'IpcMode' && word.startsWith('container:')) {
      sharing.ipc = { of: recordOf(word.slice('container:'.length)).spec.id, pid: 0 }
      continue
    }
    if (word !== 'host' || !SHARED.includes(mode)) throw new DrydockError(`HostConfig.${mode} is not supported: "${word}"`, { status: 400 })
    if (mode === 'PidMode') sharing.pid = 'host'
    if (mode === 'IpcMode') sharing.ipc = 'host'
    if (mode === 'UTSMode') sharing.uts = 'host'
    if (mode === 'CgroupnsMode') sharing.cgroup = 'host'
  }
  if (remapped && host.UsernsMode === 'host') sharing.user = 'host'
  else if (remapped) checkRemapped(host)
  if (sharing.uts && (config.Hostname || config.Domainname)) throw conflicting('hostname and the UTS mode')
  return sharing
}

/** What whoever is in a user namespace of his own would have no rights in. In Docker's words. */
function checkRemapped({ Privileged, NetworkMode, PidMode }: HostBody): void {
  const refuse = (why: string): never => {
    throw new DrydockError(why, { status: 400 })
  }
  if (Privileged) {
    refuse(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    )
  }
  if (NetworkMode === 'host') refuse("cannot share the host's network namespace when user namespaces are enabled")
  if (PidMode === 'host') refuse('cannot share the host PID namespace when user namespaces are enabled')
}
