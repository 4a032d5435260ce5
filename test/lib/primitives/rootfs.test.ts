import { describe, expect, test } from 'vitest'
import { plan } from '../../../lib/container/plan.js'
import { showStep } from '../../../lib/kernel/show.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'
import {
  MASKED_PATHS,
  type MountSpec,
  presentPaths,
  READ_ONLY_PATHS,
  type RootfsSpec,
  rootfs,
} from '../../../lib/primitives/rootfs/index.js'

const lines = (fragment: ReturnType<typeof rootfs>, phase: string) => fragment.steps.filter((step) => step.phase === phase).map(showStep)
const mountLines = (spec: Omit<RootfsSpec, 'root'>) => lines(rootfs({ root: '/srv/box', ...spec }), 'mounts')

const LAYERS = { kind: 'overlay', upper: '/o/upper', work: '/o/work', target: '/o/merged' } as const
const NEW = '6.12.0'
const OLD = '5.15.0-100-generic'

describe('the tree', () => {
  test('is made private before anything else, and the host’s is left by pivot_root', () => {
    const fragment = rootfs({ root: '/srv/box' })
    expect(lines(fragment, 'mounts').slice(0, 4)).toEqual([
      'umask(0)',
      'mount(NULL, "/", NULL, rec|private, NULL)',
      'open_tree(fdcwd, "/srv/box", clone|cloexec|32768)',
      'move_mount(<rootfs.root>, "", fdcwd, "/srv/box", f_empty_path)',
    ])
    expect(lines(fragment, 'root')).toEqual(['fchdir(<rootfs.root>)', 'pivot_root(".", ".")', 'umount2(".", detach)', 'chdir("/")'])
  })

  test('names no path inside the root by the host’s name for it', () => {
    const steps = rootfs({ root: '/srv/box', mounts: [{ kind: 'bind', source: '/data', target: '/a/b' }] }).steps
    const naming = steps.filter((step) => step.phase === 'mounts').map(showStep)
    expect(naming.filter((line) => line.includes('/srv/box'))).toHaveLength(2)
  })

  test('fits into a plan', () => {
    expect(() => plan([namespaces({ mnt: 'new', pid: 'new' }), rootfs({ root: '/srv/box', readOnly: true })])).not.toThrow()
  })

  test.each(['box', '/srv/../etc', '/'])('refuses %s with a sentence', (root) => {
    expect(() => rootfs({ root })).toThrow(/root/)
  })
})

describe('layers', () => {
  const overlay = (lower: string[], kernel: string, more = {}) =>
    lines(rootfs({ root: { ...LAYERS, lower, ...more } }, kernel), 'mounts').slice(2)

  test('are one call when their paths fit in a page', () => {
    expect(overlay(['/l/top', '/l/base'], OLD).slice(0, 2)).toEqual([
      'mount("overlay", "/o/merged", "overlay", 0, "lowerdir=/l/top:/l/base,upperdir=/o/upper,workdir=/o/work")',
      'openat(fdcwd, "/o/merged", path|directory|cloexec, 0)',
    ])
    expect(overlay(['/l'], NEW, { userxattr: true })[0]).toContain(',userxattr"')
    expect(lines(rootfs({ root: { ...LAYERS, lower: ['/l'] }, rootless: true }), 'mounts')[2]).toContain(',userxattr"')
  })

  const many = Array.from({ length: 120 }, (_, index) => `/layers/${String(index).padStart(64, '0')}/diff`)

  test('are a call each when they do not, on a kernel that takes them so', () => {
    const steps = overlay(many, NEW)
    expect(steps.filter((line) => line.includes('"lowerdir+"'))).toHaveLength(120)
    expect(steps[0]).toBe('fsopen("overlay", cloexec)')
    expect(overlay(['/l:a,b'], NEW)[2]).toBe('fsconfig(<rootfs.overlay>, set_string, "lowerdir+", "/l:a,b", 0)')
    expect(overlay(['/l\\a'], NEW).slice(2, 5)).toEqual([
      'openat(fdcwd, "/l\\\\a", path|directory|cloexec, 0)',
      'fsconfig(<rootfs.overlay>, set_string, "lowerdir+", "/proc/self/fd/<rootfs.layer>", 0)',
      'close(<rootfs.layer>)',
    ])
  })

  test('are descriptors on older ones', () => {
    const steps = overlay(many, OLD)
    const data = /"lowerdir=(.*),upperdir=520,workdir=521"/.exec(steps.find((line) => line.startsWith('mount')) ?? '')
    expect(data?.[1]?.split(':')).toEqual(Array.from({ length: 120 }, (_, index) => String(400 + index)))
  })

  test('are at least one and at most what overlay takes', () => {
    expect(() => rootfs({ root: { ...LAYERS, lower: [] } })).toThrow(/layer/)
    expect(() => rootfs({ root: { ...LAYERS, lower: Array(501).fill('/l') } })).toThrow(/500 layers at most/)
  })
})

describe('volumes', () => {
  test('are made from the top down, and stand in for the files that they hide', () => {
    const bind = (target: string): MountSpec => ({ kind: 'bind', source: '/s', sourceKind: 'file', target })
    const targets = mountLines({
      mounts: [bind('/a/b/c'), bind('/etc/hosts'), bind('/z')],
      files: [{ source: '/h', target: '/etc/hosts' }],
    })
      .filter((line) => line.startsWith('move_mount(<rootfs.tree>'))
      .map((line) => /<rootfs\.(place|root)>, "(.*)", /.exec(line)?.[2])
    expect(targets).toEqual(['z', 'hosts', 'c'])
  })

  test('that stay tied to the host are copied before the tree is private', () => {
    const steps = mountLines({ mounts: [{ kind: 'bind', source: '/media', target: '/media', propagation: 'rslave' }] })
    expect(steps[0]).toBe('open_tree(fdcwd, "/media", clone|cloexec|32768)')
    expect(steps).toContain('mount_setattr(<rootfs.source.0>, "", recursive|empty_path, {attr_set=0, attr_clr=0, propagation=slave}, 32)')
  })

  test('in memory take words and values', () => {
    const [made] = mountLines({ mounts: [{ kind: 'tmpfs', target: '/t', options: ['exec', 'size=1m,mode=700'] }] }).filter((line) =>
      line.includes('mode=700'),
    )
    expect(made).toBe('mount("tmpfs", ".", "tmpfs", nosuid|nodev, "size=1m,mode=700")')
  })

  const refused: [string, MountSpec, RegExp][] = [
    ['on the root', { kind: 'tmpfs', target: '/' }, /cannot be '\/'/],
    ['outside', { kind: 'tmpfs', target: '/../x' }, /without '\.\.'/],
    ['over the kernel’s files', { kind: 'bind', source: '/s', target: '/proc/self' }, /in \/proc only/],
    ['of no path', { kind: 'bind', source: 's', target: '/s' }, /absolute path of the host/],
    ['with an option that there is not', { kind: 'tmpfs', target: '/s', options: ['suis'] }, /no option 'suis'/],
    ['with an option that a bind cannot have', { kind: 'bind', source: '/s', target: '/s', options: ['size=1'] }, /no option 'size=1'/],
  ]
  test.each(refused)('are refused: %s', (_, mount, message) => {
    expect(() => mountLines({ mounts: [mount] })).toThrow(message)
  })
})

describe('/dev', () => {
  test('has nodes where they can be made, and the host’s in a user namespace', () => {
    expect(mountLines({})).toContain('mknodat(fdcwd, "null", ifchr|0666, makedev(1, 3))')
    expect(mountLines({ rootless: true })).toContain('mount("/dev/null", "null", NULL, bind, NULL)')
    expect(mountLines({ rootless: true }).join()).not.toContain('ifchr')
  })

  test('gives terminals to a group that is mapped', () => {
    const devpts = (spec: Omit<RootfsSpec, 'root'>) => mountLines(spec).find((line) => line.includes('devpts'))
    expect(devpts({})).toContain('gid=5')
    expect(devpts({ rootless: true })).not.toContain('gid=')
    expect(devpts({ rootless: true, ttyGroup: 5 })).toContain('gid=5')
  })
})

describe('masks', () => {
  test('are what Docker has', () => {
    const mask = lines(rootfs({ root: '/srv/box' }), 'mask').join('\n')
    for (const path of MASKED_PATHS) expect(mask).toContain(`mount("/dev/null", "${path}", NULL, bind, NULL)`)
    for (const path of READ_ONLY_PATHS) expect(mask).toContain(`mount_setattr(fdcwd, "${path}", recursive, {attr_set=rdonly,`)
  })

  test('need one step for a path whose kind is known, none for one that is not there', () => {
    expect(
      presentPaths(['/proc/kcore', '/sys/firmware', '/proc/no-such-file']).filter(({ path }) => path === '/proc/no-such-file'),
    ).toEqual([])
    const mask = lines(rootfs({ root: '/srv/box', maskedPaths: [{ path: '/proc/keys', kind: 'file' }], readOnlyPaths: [] }), 'mask')
    expect(mask).toEqual(['mount("/dev/null", "/proc/keys", NULL, bind, NULL)'])
  })
})
