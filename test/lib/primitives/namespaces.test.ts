import { describe, expect, test } from 'vitest'
import { showStep } from '../../../lib/kernel/show.js'
import { ref, type Step } from '../../../lib/kernel/step.js'
import { enterAll, namespaces } from '../../../lib/primitives/namespaces.js'

const shown = (steps: readonly Step[]) => steps.map((step) => `${step.phase} ${step.actor}: ${showStep(step)}`)
const CLONE = (flags: string) => `clone host: clone3({flags=${flags}pidfd, pidfd=&4 bytes, exit_signal=chld}, 88)`

describe('new namespaces', () => {
  test('come from one clone', () => {
    const { steps } = namespaces({ uts: 'new', pid: 'new', mnt: 'new', ipc: 'new', net: 'new', user: 'new' })
    expect(shown(steps)).toEqual([CLONE('user|ipc|uts|net|pid|mnt|')])
  })

  test('the host’s are kept without a step', () => {
    expect(shown(namespaces({ uts: 'host', pid: 'new' }).steps)).toEqual([CLONE('pid|')])
    expect(namespaces({}).title).toContain('all of them the host')
  })

  test('on v1 the cgroup namespace is unshared after the joining', () => {
    expect(shown(namespaces({ pid: 'new', cgroup: 'new' }).steps)).toEqual([CLONE('pid|'), 'confine container: unshare(cgroup)'])
  })

  test('on v2 the child is born in its cgroup and its cgroup namespace', () => {
    expect(shown(namespaces({ cgroup: 'new', into: ref('dir') }).steps)).toEqual([
      'clone host: clone3({flags=cgroup|pidfd|into_cgroup, pidfd=&4 bytes, exit_signal=chld, cgroup=<dir>}, 88)',
    ])
  })

  test('on a hybrid host it is born in the v2 cgroup, and the namespace waits for the v1 ones', () => {
    const { steps } = namespaces({ cgroup: 'new', into: ref('dir'), cgroupAtBirth: false })
    expect(shown(steps)).toEqual([
      'clone host: clone3({flags=pidfd|into_cgroup, pidfd=&4 bytes, exit_signal=chld, cgroup=<dir>}, 88)',
      'confine container: unshare(cgroup)',
    ])
  })
})

describe('clocks', () => {
  const lines = '"monotonic -5 0\\nboottime 86400 0\\n"'
  const clocks = { monotonic: -5, boottime: 86400 }

  test('without offsets the clone makes the time namespace', () => {
    expect(shown(namespaces({ time: 'new' }).steps)).toEqual([CLONE('time|')])
    expect(shown(namespaces({ time: 'new', clocks: { boottime: 0 } }).steps)).toEqual([CLONE('time|')])
  })

  test('with offsets the host unshares and writes before the clone', () => {
    expect(shown(namespaces({ time: 'new', pid: 'new', clocks }).steps)).toEqual([
      'clone host: unshare(time)',
      'clone host: openat(fdcwd, "/proc/self/timens_offsets", wronly|cloexec, 0)',
      `clone host: write(<timens.host>, ${lines}, 32)`,
      'clone host: close(<timens.host>)',
      CLONE('pid|'),
    ])
  })

  test('in a new user namespace the container does, before its ids change', () => {
    const { steps } = namespaces({ time: 'new', user: 'new', clocks, kernel: '6.2.0' })
    expect(shown(steps)).toEqual([
      CLONE('user|'),
      'become container: unshare(time)',
      'become container: openat(fdcwd, "/proc/self/timens_offsets", wronly|cloexec, 0)',
      `become container: write(<timens.container>, ${lines}, 32)`,
      'become container: close(<timens.container>)',
    ])
  })

  test.each(['6.1.0-13-amd64', '5.15.0'])('which Linux %s cannot do', (kernel) => {
    expect(() => namespaces({ time: 'new', user: 'new', clocks, kernel })).toThrow(/needs Linux 6\.2/)
  })

  test('need a new time namespace and whole seconds', () => {
    expect(() => namespaces({ clocks })).toThrow("time: 'new' is missing")
    expect(() => namespaces({ time: 'new', clocks: { boottime: 0.5 } })).toThrow('whole seconds')
  })
})

describe('joining', () => {
  test('descriptors are opened first; each is entered where it can be', () => {
    const { steps } = namespaces({
      net: { join: 77 },
      mnt: { join: '/run/ns/mnt' },
      pid: { join: 77 },
      uts: { join: ref('theirs') },
      cgroup: { join: 77 },
    })
    expect(shown(steps)).toEqual([
      'prepare host: openat(fdcwd, "/proc/77/ns/cgroup", rdonly|cloexec, 0)',
      'prepare host: openat(fdcwd, "/proc/77/ns/net", rdonly|cloexec, 0)',
      'prepare host: openat(fdcwd, "/proc/77/ns/pid", rdonly|cloexec, 0)',
      'prepare host: openat(fdcwd, "/run/ns/mnt", rdonly|cloexec, 0)',
      'clone host: setns(<ns.pid>, pid)',
      CLONE(''),
      'confine container: setns(<ns.cgroup>, cgroup)',
      'become container: setns(<theirs>, uts)',
      'network container: setns(<ns.net>, net)',
      'mounts container: setns(<ns.mnt>, mnt)',
    ])
  })

  test('user first, by the container', () => {
    const { steps } = namespaces({ user: { join: 5 }, ipc: { join: 5 } })
    expect(shown(steps).slice(2)).toEqual([CLONE(''), 'become container: setns(<ns.user>, user)', 'become container: setns(<ns.ipc>, ipc)'])
  })

  test('user by the host when new namespaces are to belong to it', () => {
    const { steps } = namespaces({ user: { join: 5 }, uts: 'new' })
    expect(shown(steps).slice(1)).toEqual(['clone host: setns(<ns.user>, user)', CLONE('uts|')])
  })

  test('pid and user: root enters pid while it has its rights, an ordinary user when it has got them', () => {
    const spec = { user: { join: 5 }, pid: { join: 5 }, net: 'new' } as const
    expect(shown(namespaces(spec).steps).slice(2, 4)).toEqual(['clone host: setns(<ns.pid>, pid)', 'clone host: setns(<ns.user>, user)'])
    const asUser = namespaces({ user: { join: 5 }, pid: { join: 5 }, unprivileged: true })
    expect(shown(asUser.steps).slice(2)).toEqual(['clone host: setns(<ns.user>, user)', 'clone host: setns(<ns.pid>, pid)', CLONE('')])
  })

  test('with a new user namespace the host enters the others, as the child has no rights there', () => {
    const { steps } = namespaces({ user: 'new', net: { join: 5 } })
    expect(shown(steps).slice(1)).toEqual(['clone host: setns(<ns.net>, net)', CLONE('user|')])
    expect(() => namespaces({ user: 'new', mnt: { join: 5 } })).toThrow('cannot be joined together with a new user namespace')
  })

  test.each([0, -1, 1.5, 'relative/path', {}, null])('of %j is nonsense', (join) => {
    expect(() => namespaces({ net: { join } as never })).toThrow(/the net namespace is 'new', 'host' or/)
  })

  test('a kind that there is not', () => {
    expect(() => namespaces({ uts: 'private' as never })).toThrow('"private" is none of them')
  })
})

describe('entering all of a container', () => {
  test('by one descriptor, and one call', () => {
    const { steps } = enterAll({ pid: 42, kinds: ['uts', 'pid', 'mnt', 'user'] })
    expect(shown(steps)).toEqual([
      'prepare host: pidfd_open(42, 0)',
      'clone host: setns(<target>, pid)',
      CLONE(''),
      'become container: setns(<target>, user|uts|mnt)',
    ])
  })

  test('an ordinary user needs the user namespace for pid', () => {
    const { steps } = enterAll({ pid: 42, kinds: ['uts', 'pid', 'user'], unprivileged: true })
    expect(shown(steps).slice(1)).toEqual(['clone host: setns(<target>, user|pid)', CLONE(''), 'become container: setns(<target>, uts)'])
  })

  test('nonsense', () => {
    expect(() => enterAll({ pid: 0, kinds: ['uts'] })).toThrow("'0' is none")
  })
})

test('every step says why', () => {
  const fragments = [
    namespaces({ uts: 'new', time: 'new', clocks: { boottime: 5 }, net: { join: 1 }, cgroup: 'new' }),
    enterAll({ pid: 1, kinds: ['uts', 'pid'] }),
  ]
  for (const step of fragments.flatMap(({ steps }) => steps)) expect(step.why, showStep(step)).toMatch(/^[A-Z].*\.$/)
})
