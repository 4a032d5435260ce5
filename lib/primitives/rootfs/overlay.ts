/**
 * Layers as one tree. mount(2) takes all options in one string of a page at most, in which `:` parts the layers and `,` the options; that is
 * one call, works on every kernel, and is what mountinfo shows, so it is used whenever the paths allow it. When they do not:
 *
 *     Linux 6.7 and later   fsconfig "lowerdir+", a call for each layer, without a page's limit and without separators. (Overlay knows
 *                           the mount API since 6.5, but there a value ends after 255 bytes and `lowerdir` is one value.)
 *     before                descriptors: the process stands in /proc/self/fd, where a layer's path is the three digits of its
 *                           descriptor. 500 layers, overlay's own limit, are then half a page, and there is nothing to escape.
 */
import { release } from 'node:os'
import { close, dup3, open } from '../../kernel/calls/files.js'
import { fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount, move_mount } from '../../kernel/calls/mounts.js'
import { chdir } from '../../kernel/calls/process.js'
import { type Pathname, ref, type Step, text } from '../../kernel/step.js'

/** As a Root of the kind 'overlay'; without an upper directory nothing is written, and then there must be two layers at least. */
export interface Overlay {
  readonly lower: readonly string[]
  readonly upper?: string
  readonly work?: string
  /** Absolute, or the target of a step that comes later. */
  readonly target: Pathname
  readonly userxattr?: boolean
  /** Follow what layers say of content that lies elsewhere in those below (redirects, metacopy), however this kernel is set. Not with userxattr. */
  readonly followed?: boolean
}

/** mount(2) copies a page of data, of which the last byte is a NUL; the smallest page there is. */
const PAGE = 4096

/** The longest string that fsconfig takes as a value, without its NUL (strndup_user of 256 in fs/fsopen.c). */
const LONGEST_VALUE = 255

/** Descriptors of layers get numbers from here on: above those that a plan opens, below the usual limit of 1024. */
const FIRST_LAYER = 400

const WHY = 'The layers as one tree: reads go through to them, writes land in the upper one, and a deleted file leaves a whiteout there.'

export function overlay(root: Overlay, options: { rootless: boolean; kernel?: string }): Step[] {
  const flags = (root.userxattr ?? options.rootless) ? ['userxattr'] : root.followed ? ['redirect_dir=follow', 'metacopy=on'] : []
  const written = writtenTo(root)
  const data = [`lowerdir=${root.lower.join(':')}`, ...written.map(([key, path]) => `${key}=${path}`), ...flags].join(',')
  const plain = [...root.lower, ...written.map(([, path]) => path)].every((path) => !/[\\,:"]/.test(path))
  if (plain && Buffer.byteLength(data) < PAGE) return [mount('overlay', root.target, 'overlay', [], data, { why: WHY })]
  return takesLayersOneByOne(options.kernel ?? release()) ? layerByLayer(root, flags) : byDescriptors(root, flags)
}

function writtenTo({ upper, work }: Overlay): (readonly [key: string, path: string])[] {
  return upper === undefined || work === undefined
    ? []
    : [
        ['upperdir', upper],
        ['workdir', work],
      ]
}

function takesLayersOneByOne(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 7)
}

function layerByLayer(root: Overlay, flags: readonly string[]): Step[] {
  const context = ref('rootfs.overlay')
  const layers = [...root.lower.map((path) => ['lowerdir+', path] as const), ...writtenTo(root)]
  const setOption = (option: string) => {
    const [key = '', value] = option.split('=')
    return value === undefined ? fsconfig_set_flag(context, key) : fsconfig_set_string(context, key, value)
  }
  return [
    fsopen('overlay', { keep: context.ref, why: 'Too much for the one page of options that mount(2) takes: an option a call.' }),
    fsconfig_set_string(context, 'source', 'overlay', { why: 'The name that mountinfo shows.' }),
    ...layers.flatMap(([key, path]) => setPath(key, path, (value) => fsconfig_set_string(context, key, value, { why: path }))),
    ...flags.map((flag) => setOption(flag)),
    fsconfig_create(context, { why: WHY }),
    fsmount(context, [], { keep: 'rootfs.tree', why: 'A mount of it …' }),
    move_mount(ref('rootfs.tree'), root.target, { why: '… at the place that was made for it.' }),
  ]
}

/** A value that is too long, or that the kernel would unescape (in upperdir and workdir it does, in lowerdir+ not), goes by its descriptor. */
function setPath(key: string, path: string, set: (value: Pathname) => Step): Step[] {
  if (!path.includes('\\') && Buffer.byteLength(path) <= LONGEST_VALUE) return [set(path)]
  const layer = ref('rootfs.layer')
  return [
    open(path, ['path', 'directory'], { keep: layer.ref, why: `A ${key} whose path cannot be a value of fsconfig.` }),
    set(text`/proc/self/fd/${layer}`),
    close(layer),
  ]
}

function byDescriptors(root: Overlay, flags: readonly string[]): Step[] {
  const { lower, target } = root
  const written = writtenTo(root)
  const layer = ref('rootfs.layer')
  const opened = [...lower, ...written.map(([, path]) => path)].flatMap((path, index) => [
    open(path, ['path', 'directory'], { keep: layer.ref, why: path }),
    dup3(layer, FIRST_LAYER + index, { why: 'A number that is known beforehand can stand in a string.' }),
    close(layer),
  ])
  const number = (index: number) => String(FIRST_LAYER + index)
  const lowers = lower.map((_, index) => number(index)).join(':')
  const places = written.map(([key], index) => `${key}=${number(lower.length + index)}`)
  const data = [`lowerdir=${lowers}`, ...places, ...flags].join(',')
  return [
    ...opened,
    chdir('/proc/self/fd', { why: 'From here a layer’s path is the number of its descriptor: short, and without separators.' }),
    mount('overlay', target, 'overlay', [], data, { why: WHY }),
    chdir('/', { why: 'Out of a directory that goes away with the host’s tree.' }),
  ]
}
