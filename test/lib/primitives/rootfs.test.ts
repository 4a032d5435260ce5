import { describe, expect, test } from 'vitest'
import { plan } from '../../../lib/container/plan.js'
import { showStep } from '../../../lib/kernel/show.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'
import { MASKED_PATHS, presentPaths, READ_ONLY_PATHS, rootfs } from '../../../lib/primitives/rootfs.js'

const lines = (fragment: ReturnType<typeof rootfs>, phase: string) => fragment.steps.filter((step) => step.phase === phase).map(showStep)

describe('rootfs', () => {
  test('makes the tree private before anything else, and leaves the host’s by pivot_root', () => {
    const fragment = rootfs({ root: '/srv/box' })
    expect(lines(fragment, 'mounts').slice(0, 2)).toEqual([
      'mount(NULL, "/", NULL, rec|private, NULL)',
      'mount("/srv/box", "/srv/box", NULL, bind|rec, NULL)',
    ])
    expect(lines(fragment, 'root')).toEqual(['chdir("/srv/box")', 'pivot_root(".", ".")', 'umount2(".", detach)', 'chdir("/")'])
  })

  test('masks and protects what Docker does', () => {
    const mask = lines(rootfs({ root: '/srv/box' }), 'mask').join('\n')
    for (const path of MASKED_PATHS) expect(mask).toContain(`mount("/dev/null", "${path}", NULL, bind, NULL)`)
    for (const path of READ_ONLY_PATHS)
      expect(mask).toContain(`mount(NULL, "${path}", NULL, bind|remount|rdonly|nosuid|nodev|noexec, NULL)`)
  })

  test('needs one step for a path whose kind is known, none for one that is not there', () => {
    expect(
      presentPaths(['/proc/kcore', '/sys/firmware', '/proc/no-such-file']).filter(({ path }) => path === '/proc/no-such-file'),
    ).toEqual([])
    const mask = lines(rootfs({ root: '/srv/box', maskedPaths: [{ path: '/proc/keys', kind: 'file' }], readOnlyPaths: [] }), 'mask')
    expect(mask).toEqual(['mount("/dev/null", "/proc/keys", NULL, bind, NULL)'])
  })

  test('fits into a plan', () => {
    expect(() => plan([namespaces({ mnt: 'new', pid: 'new' }), rootfs({ root: '/srv/box', readOnly: true })])).not.toThrow()
  })

  test.each(['box', '/srv/../etc', '/'])('refuses %s with a sentence', (root) => {
    expect(() => rootfs({ root })).toThrow(/root/)
  })
})
