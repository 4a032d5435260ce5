/**
 * The container's own tree of files. It is made by descriptors, from the root down, and entered when all of it is there:
 *
 *     spec.ts           what can be asked for
 *     root.ts           the mount that becomes /, and pivot_root;   overlay.ts: layers as one
 *     attach.ts         places inside, which no link of the image can lead out of
 *     kernel-files.ts   /proc, /sys, /sys/fs/cgroup
 *     devices.ts        /dev;   tmpfs.ts: file systems in memory
 *     mounts.ts         volumes, /etc/hosts and the like
 *     others.ts         mounts that another container has
 *     masks.ts          what may not be read or written
 */
import { remembered } from '../../kernel/remembered.js'
import { type Fragment, inPhase, type Step } from '../../kernel/step.js'
import { Places } from './attach.js'
import { dev, otherSharedMemory } from './devices.js'
import { cgroupFiles, proc, sys } from './kernel-files.js'
import { MASKED_PATHS, mask, pathOf, protect, READ_ONLY_PATHS, readOnlyRoot } from './masks.js'
import { echoingSources, hostSources, isInProc, mountVolumes, volumesOf } from './mounts.js'
import { leaveHost, makeRoot, ownTree } from './root.js'
import { type CgroupView, checkSpec, componentsOf, type KernelFilesSpec, type Root, type RootfsSpec } from './spec.js'

export { DEFAULT_DEVICE_NODES, type DeviceNode } from './devices.js'
export { MASKED_PATHS, type PresentPath, presentPaths, READ_ONLY_PATHS } from './masks.js'
export type { OtherMount } from './others.js'
export type { CgroupView, FileSpec, MountSpec, Propagation, Root, RootfsSpec } from './spec.js'
export { memoryOptions } from './tmpfs.js'

/** The steps of the phases mounts, root and mask. `kernel` is the release that overlay's options are chosen for: this one's by default. */
export function rootfs(spec: RootfsSpec, kernel?: string): Fragment {
  const {
    readOnly = false,
    maskedPaths = MASKED_PATHS,
    readOnlyPaths = READ_ONLY_PATHS,
    cgroup = 'none',
    rootless = false,
    workingDirectory,
  } = spec
  checkSpec(spec, maskedPaths.map(pathOf), readOnlyPaths)
  const root: Root = typeof spec.root === 'string' ? { kind: 'directory', path: spec.root } : spec.root
  const volumes = volumesOf(spec)
  const places = new Places()
  const mounts = (steps: readonly Step[]) => inPhase('mounts', 'container', steps)
  return {
    primitive: 'rootfs',
    title: titleOf(root, readOnly),
    steps: [
      ...inPhase('prepare', 'host', hostSources(volumes)),
      ...mounts([
        ...otherSharedMemory(spec),
        ...echoingSources(volumes),
        ...ownTree(),
        ...makeRoot(root, { rootless, ...(kernel !== undefined && { kernel }) }),
      ]),
      ...kernelFiles({ ...kernelsOf(spec), cgroup: cgroup === 'none' ? cgroup : shown(cgroup) }).steps,
      // Before /proc is there: a link of the image to it cannot lead a volume over the kernel's files (CVE-2019-16884).
      ...mounts(
        mountVolumes(
          volumes.filter((volume) => !isInProc(volume)),
          places,
        ),
      ),
      ...processFiles(kernelsOf(spec)).steps,
      ...mounts([
        ...mountVolumes(volumes.filter(isInProc), places),
        ...(workingDirectory === undefined ? [] : places.directory(componentsOf(workingDirectory))),
      ]),
      ...entry({ maskedPaths, readOnlyPaths, readOnly }).steps,
    ],
  }
}

/** What of a spec decides how the kernel's own files look, and is the same for most containers of an engine. */
function kernelsOf(spec: RootfsSpec): KernelFilesSpec {
  const {
    root: _root,
    readOnly: _readOnly,
    mounts: _mounts,
    files: _files,
    workingDirectory: _workingDirectory,
    closed: _closed,
    ...rest
  } = spec
  const { maskedPaths: _maskedPaths, readOnlyPaths: _readOnlyPaths, cgroup: _cgroup, ...kernels } = rest
  return kernels
}

/** Through a cgroup namespace a container sees its own place without its path. */
function shown(view: CgroupView): CgroupView {
  const { hierarchies, namespace = true } = view
  return namespace ? { ...view, hierarchies: hierarchies.map((one) => ({ ...one, path: '' })) } : view
}

const kernelFiles = remembered(({ cgroup, ...spec }: KernelFilesSpec & { readonly cgroup: 'none' | CgroupView }): Fragment => {
  const steps = [...sys(spec), ...(cgroup === 'none' ? [] : cgroupFiles(cgroup)), ...dev(spec)]
  return { primitive: 'rootfs', title: '/sys and /dev', steps: inPhase('mounts', 'container', steps) }
})

const processFiles = remembered(
  (spec: KernelFilesSpec): Fragment => ({ primitive: 'rootfs', title: '/proc', steps: inPhase('mounts', 'container', proc(spec)) }),
)

type Masks = Required<Pick<RootfsSpec, 'maskedPaths' | 'readOnlyPaths' | 'readOnly'>>

/** The root is entered, and what may not be touched in it is covered. */
const entry = remembered(({ maskedPaths, readOnlyPaths, readOnly }: Masks): Fragment => {
  const masks = [...mask(maskedPaths), ...protect(readOnlyPaths), ...(readOnly ? readOnlyRoot() : [])]
  const steps = [...inPhase('root', 'container', leaveHost()), ...inPhase('mask', 'container', masks)]
  return { primitive: 'rootfs', title: 'The root, entered', steps }
})

function titleOf(root: Root, readOnly: boolean): string {
  const what =
    root.kind === 'directory' ? root.path : `${root.lower.length} ${root.lower.length === 1 ? 'layer' : 'layers'} below ${root.upper}`
  return `Root file system: ${what}${readOnly ? ', read-only' : ''}`
}
