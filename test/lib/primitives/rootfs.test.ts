import { describe, expect, test } from 'vitest'
import { plan } from '../../../lib/container/plan.js'
import { showStep } from '../../../lib/kernel/show.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'
import { MASKED_PATHS, presentPaths, READ_ONLY_PATHS, rootfs } from '../../../lib/primitives/rootfs/index.js'

const lines = (fragment: ReturnType<typeof rootfs>, phase: string) => fragment.steps.filter((step) => step.phase === phase).map(showStep)

describe('rootfs', () => {
  test('makes the tree private before anything else, and leaves the host’s by pivot_root', () => {
    const fragment = rootfs({ root: '/srv/box' })
    expect(lines(fragment, 'mounts').slice(0, 4)).toEqual([
      'umask(00)',
      'mount(NULL, "/", NULL, rec|private, NULL)',
      'open_tree(fdcwd, "/srv/box", clone|cloexec|32768)',
      'move_mount(<rootfs.root>, "", fdcwd, "/srv/box", f_empty_path)',
    ])
    expect(lines(fragment, 'root')).toEqual(['fchdir(<rootfs.root>)', 'pivot_root(".", ".")', 'umount2(".", detach)', 'chdir("/")'])
  })

  test('masks and protects what Docker does', () => {
    const mask = lines(rootfs({ root: '/srv/box' }), 'mask').join('\n')
    for (const path of MASKED_PATHS) expect(mask).toContain(`mount("/dev/null", "${path}", NULL, bind, NULL)`)
    for (const path of READ_ONLY_PATHS) expect(mask).toMatch(new RegExp(`mount_setattr\\(fdcwd, "${path}", recursive, \\{attr_set=rdonly,`))
  })

  test('needs one step for a path whose kind is known, none for one that is not there', () => {
    expect(
      presentPaths(['/proc/kcore', '/sys/firmware', '/proc/no-such-file']).filter(({ path }) => path === '/proc/no-such-file'),
    ).toEqual([])
    const mask = lines(rootfs({ root: '/srv/box', maskedPaths: [{ path: '/proc/keys', kind: 'file' }], readOnlyPaths: [] }), 'mask')
    expect(mask).toEqual(['mount("/dev/null", "/proc/keys", NULL, bind, NULL)'])
  })

  const OVERLAY = { kind: 'overlay', lower: ['/l/2', '/l/1'], upper: '/c/diff', work: '/c/work', target: '/c/merged' } as const

  test('joins layers in one call as long as a page holds them', () => {
    expect(lines(rootfs({ root: OVERLAY }), 'mounts')).toContain(
      'mount("overlay", "/c/merged", "overlay", 0, "lowerdir=/l/2:/l/1,upperdir=/c/diff,workdir=/c/work")',
    )
    expect(lines(rootfs({ root: OVERLAY, rootless: true }), 'mounts').join('\n')).toContain('workdir=/c/work,userxattr"')
  })

  test('gives layers one by one where a page does not, or a path has a separator in it; on older kernels by descriptors', () => {
    const many = { ...OVERLAY, lower: Array.from({ length: 120 }, (_, index) => `/layers/${String(index).padStart(64, 'x')}/diff`) }
    const long = lines(rootfs({ root: many }, '6.8.0'), 'mounts')
    expect(long.filter((line) => line.includes('"lowerdir+"'))).toHaveLength(120)
    expect(lines(rootfs({ root: { ...OVERLAY, lower: ['/l:1'] } }, '6.8.0'), 'mounts')).toContain(
      'fsconfig(<rootfs.overlay>, set_string, "lowerdir+", "/l:1", 0)',
    )
    const old = lines(rootfs({ root: many }, '5.15.0'), 'mounts')
    expect(old.filter((line) => line.startsWith('dup3(<rootfs.layer>'))).toHaveLength(122)
    const data = old.find((line) => line.startsWith('mount("overlay"')) as string
    expect(data.length).toBeLessThan(4096)
    expect(() => rootfs({ root: { ...many, lower: Array(501).fill('/l') } })).toThrow('overlay takes 500 layers at most')
  })

  test('looks every path inside up from the root’s descriptor, and mounts what lies deeper later', () => {
    const mounts = [
      { kind: 'bind', source: '/srv/b', target: '/data/deep' },
      { kind: 'tmpfs', target: '/data' },
    ] as const
    const steps = lines(rootfs({ root: '/srv/box', mounts }), 'mounts')
    const at = (words: string) => steps.findIndex((line) => line.includes(words))
    expect(at('mkdirat(<rootfs.root>, "data", 0755)')).toBeGreaterThan(-1)
    expect(at('openat2(<rootfs.root>, "data/deep", {flags=path|directory|cloexec, mode=0, resolve=in_root|no_magiclinks}')).toBeGreaterThan(
      at('"data", {'),
    )
  })

  test.each([
    [{ kind: 'bind', source: 'relative', target: '/x' }, 'a bind mount shows an absolute path of the host'],
    [{ kind: 'bind', source: '/x', target: '/' }, "a mount's target cannot be '/'"],
    [{ kind: 'bind', source: '/x', target: '/../x' }, 'the target of a mount is an absolute path'],
    [{ kind: 'bind', source: '/x', target: '/proc/self' }, '/proc/self cannot be mounted over'],
    [{ kind: 'tmpfs', target: '/x', options: ['colour=blue'] }, "a tmpfs has no option 'colour=blue'"],
  ] as const)('refuses %j', (mount, sentence) => {
    expect(() => rootfs({ root: '/srv/box', mounts: [mount] })).toThrow(sentence)
  })

  test('fits into a plan', () => {
    expect(() => plan([namespaces({ mnt: 'new', pid: 'new' }), rootfs({ root: '/srv/box', readOnly: true })])).not.toThrow()
  })

  test.each(['box', '/srv/../etc', '/'])('refuses %s with a sentence', (root) => {
    expect(() => rootfs({ root })).toThrow(/root/)
  })
})
