/** The root file system as the container sees it, as root and in a user namespace. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { close, open, unlink, write } from '../../lib/kernel/calls/files.js'
import { parseMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { type Fragment, ref } from '../../lib/kernel/step.js'
import { type CgroupDirectory, cgroups } from '../../lib/primitives/cgroups/index.js'
import type { IdmapSpec } from '../../lib/primitives/idmap.js'
import { type CgroupView, DEFAULT_DEVICE_NODES, READ_ONLY_PATHS, type Root, type RootfsSpec } from '../../lib/primitives/rootfs/index.js'
import { type Contained, inside, probed as probedIn, waiting as waitingIn } from '../support/contained.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

/** Ids of a user namespace of the container's own; only root can give them. */
const OWN: IdmapSpec = {
  method: 'root',
  uids: [{ inside: 0, outside: 100_000, count: 65_536 }],
  gids: [{ inside: 0, outside: 100_000, count: 65_536 }],
}

/** Steps that write a file. */
const put = (path: string, content: string) => [
  open(path, ['wronly', 'creat', 'trunc'], { mode: 0o644, keep: 'put' }),
  write(ref('put'), content),
  close(ref('put')),
]

const isRoot = process.geteuid?.() === 0

/** Who makes the containers, and the ids of their user namespace if they have one. */
const MAKERS: [string, IdmapSpec | undefined][] = [[isRoot ? 'root' : 'an ordinary user', undefined]]
if (isRoot) MAKERS.push(['root of a user namespace of its own', OWN])

describe.each(MAKERS)('as %s', (_, map) => {
  let bottle: Bottle
  let count = 0
  beforeAll(async () => {
    bottle = await Bottle.open({ name: 'rootfs-test' })
  })
  afterAll(() => bottle?.close())

  const isRootless = () => bottle.rootless || map !== undefined
  const probed = (spec: Contained, paths?: readonly string[]) => probedIn(bottle, { ...spec, ...(map && { map }) }, paths)
  const waiting = (spec: Contained) => waitingIn(bottle, { ...spec, ...(map && { map }) })
  const spec = (root: Root | string, more: Partial<RootfsSpec> = {}): RootfsSpec => ({ root, rootless: isRootless(), ...more })

  /** A fresh directory inside, made by a script that stands in it. */
  async function place(script: string): Promise<string> {
    const path = `/tmp/place-${count++}`
    await inside(bottle, `mkdir ${path}; cd ${path}; ${script}${map ? `; chown -hR 100000:100000 ${path}` : ''}`)
    return path
  }

  const IMAGE = 'mkdir bin etc tmp; chmod 1777 tmp; echo image > etc/os-release'

  /** An overlay over these layers, top first, each made by its script. */
  async function layers(...scripts: string[]): Promise<Root & { kind: 'overlay' }> {
    const path = await place(
      ['mkdir upper work merged', ...scripts.map((one, index) => `(mkdir l${index}; cd l${index}; ${one})`)].join('; '),
    )
    const lower = scripts.map((_one, index) => `${path}/l${index}`)
    return { kind: 'overlay', lower, upper: `${path}/upper`, work: `${path}/work`, target: `${path}/merged` }
  }

  const pointsOf = (seen: { mountinfo: string[] }) => parseMountinfo(seen.mountinfo.join('\n')).map(({ mountPoint }) => mountPoint)
  const mountAt = (seen: { mountinfo: string[] }, path: string) =>
    parseMountinfo(seen.mountinfo.join('\n'))
      .filter(({ mountPoint }) => mountPoint === path)
      .at(-1)

  test('it holds the kernel’s files, devices of its own, and nothing of the host', async () => {
    const root = await place(IMAGE)
    const seen = await probed({ root: spec(root) }, [
      '/',
      '/dev/shm',
      '/dev/null',
      '/proc/sys/kernel/hostname',
      '/sys',
      '/proc/kcore',
      '/sys/firmware',
      '/dev/pts/ptmx',
    ])
    const points = pointsOf(seen)
    const expected = ['/', '/sys', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/proc']
    expect(points).toEqual(expect.arrayContaining(expected))
    const others = points.filter((point) => !expected.includes(point) && !/^\/(proc|sys)\/./.test(point))
    expect(others.filter((point) => !(isRootless() && point.startsWith('/dev/')))).toEqual([])
    expect(seen.mountinfo.join('\n')).not.toMatch(/shared:|master:/)
    expect(mountAt(seen, '/proc')?.options).toEqual(expect.arrayContaining(['nosuid', 'nodev', 'noexec']))
    expect(mountAt(seen, '/sys')?.options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']))
    expect(mountAt(seen, '/dev')?.options).toContain('nosuid')
    const names = [
      'fd',
      'full',
      'mqueue',
      'null',
      'ptmx',
      'pts',
      'pts/ptmx',
      'random',
      'shm',
      'stderr',
      'stdin',
      'stdout',
      'tty',
      'urandom',
      'zero',
    ]
    expect(seen.dev.map(({ name }: { name: string }) => name).sort()).toEqual(names)
    expect(seen.dev.find(({ name }: { name: string }) => name === 'null')).toMatchObject({ type: 'char', mode: '0666', device: '1:3' })
    expect(seen.dev.find(({ name }: { name: string }) => name === 'ptmx')).toMatchObject({ type: 'link', target: 'pts/ptmx' })
    expect(seen.paths['/dev/null']).toMatchObject({ open: 'allowed' })
    expect(seen.paths['/dev/shm']).toMatchObject({ mode: '1777', bytes: 64 * 1024 * 1024 })
    expect(seen.paths['/dev/pts/ptmx']).toMatchObject({ mode: '0666', device: '5:2' })
    for (const path of READ_ONLY_PATHS.filter((one) => existsSync(one)))
      expect(mountAt(seen, path)?.options, path).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']))
    expect(seen.paths['/sys']).toMatchObject({ write: 'EROFS' })
    if (seen.paths['/proc/kcore'].error === undefined) expect(seen.paths['/proc/kcore']).toMatchObject({ device: '1:3' })
    if (seen.paths['/sys/firmware'].error === undefined) expect(seen.paths['/sys/firmware'].entries).toEqual([])
    expect(seen.paths['/'].entries).toEqual(expect.arrayContaining(['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']))
    expect(seen.fds.map(({ fd }: { fd: number }) => fd)).toEqual([0, 1, 2])
    expect(seen.cwd).toBe('/')
  })

  test('an empty image will do, and a read-only root takes no file', async () => {
    const seen = await probed({ root: spec(await place('true'), { readOnly: true }) }, ['/', '/dev/shm', '/proc'])
    expect(seen.paths['/']).toMatchObject({ write: 'EROFS', entries: ['dev', 'proc', 'sys'] })
    expect(seen.paths['/dev/shm']).toMatchObject({ write: 'allowed' })
    expect(seen.paths['/proc']).toMatchObject({ mode: '0555' })
  })

  test('/dev has the nodes that were asked for, and the host’s shared memory with its ipc namespace', async () => {
    await inside(bottle, 'echo shared > /dev/shm/mark')
    const like = { kind: 'char', major: 1, minor: 5, source: '/dev/zero' } as const
    const root = spec(await place(IMAGE), {
      devices: [...DEFAULT_DEVICE_NODES, { ...like, path: '/dev/deep/zero', mode: 0o640, gid: 7 }, { ...like, path: '/dev/deep/other' }],
      sharedIpc: true,
    })
    const shared = { ipc: 'host' } as const
    const seen = await probed({ root, namespaces: shared }, ['/dev/deep', '/dev/deep/zero', '/dev/null', '/dev/shm/mark'])
    expect(seen.paths['/dev/deep'].entries).toEqual(['other', 'zero'])
    expect(seen.paths['/dev/deep/zero']).toMatchObject({ device: '1:5', open: 'allowed', ...(!isRootless() && { mode: '0640', gid: 7 }) })
    expect(seen.paths['/dev/shm/mark'].content).toBe('shared\n')
  })

  test('/sys and /proc are the host’s where its network and processes are, and the user namespace has neither', async () => {
    const root = spec(await place(IMAGE), { sharedNet: true, sharedPid: true })
    const seen = await probed({ root, namespaces: { net: 'host', pid: 'host' } }, ['/proc/1/comm', '/sys/class/net'])
    expect(seen.pid).toBeGreaterThan(1)
    expect(mountAt(seen, '/sys')?.options).toContain('ro')
    expect(seen.paths['/sys/class/net'].entries).toEqual(['lo'])
    expect(seen.paths['/proc/1/comm'].content).toBe(await inside(bottle, 'cat /proc/1/comm'))
  })

  describe('layers', () => {
    test('are one tree, whose writes and deletions land in the upper one', async () => {
      const root = await layers(
        'mkdir etc; echo top > etc/name',
        'mkdir etc; echo base > etc/name; echo gone > etc/gone; echo same > etc/same',
      )
      const { shim, pid } = await waiting({ root: spec(root) })
      const read = (path: string) => readFileSync(`/proc/${pid}/root/etc/${path}`, 'utf8')
      expect([read('name'), read('same')]).toEqual(['top\n', 'same\n'])
      await shim.run([unlink('/etc/gone'), ...put('/etc/same', 'changed'), ...put('/etc/new', 'new')])
      const upper = await inside(bottle, `cd ${root.upper}/etc; stat -c '%n %F %t:%T' gone same new; cat ${root.lower[1]}/etc/same`)
      expect(upper).toBe('gone character special file 0:0\nsame regular file 0:0\nnew regular file 0:0\nsame\n')
      await shim.rollback()
    })

    test('are shared by two containers that do not see each other', async () => {
      const one = await layers('mkdir etc; echo shared > etc/file')
      const path = await place('mkdir upper work merged')
      const two = { ...one, upper: `${path}/upper`, work: `${path}/work`, target: `${path}/merged` }
      const [first, second] = await Promise.all([one, two].map((root) => waiting({ root: spec(root) })))
      await first?.shim.run(put('/etc/file', 'mine'))
      expect(readFileSync(`/proc/${second?.pid}/root/etc/file`, 'utf8')).toBe('shared\n')
      expect(await inside(bottle, `cat ${one.lower[0]}/etc/file`)).toBe('shared\n')
      await Promise.all([first?.shim.rollback(), second?.shim.rollback()])
    })

    const many = (path: string) => Array.from({ length: 120 }, (_one, index) => `${path}/${String(index).padStart(100, 'x')}`)
    test.each([
      ['one by one', undefined],
      ['by descriptors', '5.15.0'],
    ])('may be more than a page can name: %s', async (_how, kernel) => {
      const path = await place('mkdir upper work merged')
      const lower = many(path)
      await inside(bottle, `${lower.map((one, index) => `mkdir ${one}; echo ${index} > ${one}/f${index}`).join('\n')}`)
      const root: Root = { kind: 'overlay', lower, upper: `${path}/upper`, work: `${path}/work`, target: `${path}/merged` }
      const seen = await probed({ root: spec(root), ...(kernel && { kernel }) }, ['/', '/f119'])
      expect(seen.paths['/'].entries.filter((name: string) => name.startsWith('f'))).toHaveLength(120)
      expect(seen.paths['/f119'].content).toBe('119\n')
      expect(seen.fds.map(({ fd }: { fd: number }) => fd)).toEqual([0, 1, 2])
    })

    test.each([
      ['one by one', undefined],
      ['by descriptors', '5.15.0'],
    ])('may have any names: %s', async (_how, kernel) => {
      const odd = ['a:b', 'a,b', 'a\\b', 'a\\:b', 'a"b', 'y'.repeat(250)]
      const path = await place(
        `mkdir merged; for one in ${odd.map((name) => `'${name}'`).join(' ')} 'u:p,p\\er' 'w:o,r\\k'; do mkdir "$one"; done; ${odd.map((name, index) => `echo ${index} > '${name}/f${index}'`).join('; ')}`,
      )
      const root: Root = {
        kind: 'overlay',
        lower: odd.map((name) => `${path}/${name}`),
        upper: `${path}/u:p,p\\er`,
        work: `${path}/w:o,r\\k`,
        target: `${path}/merged`,
      }
      const seen = await probed({ root: spec(root), ...(kernel && { kernel }) }, ['/'])
      expect(seen.paths['/'].entries.filter((name: string) => name.startsWith('f'))).toHaveLength(odd.length)
      expect(await inside(bottle, `ls '${path}/u:p,p\\er'`)).toBe('dev\nproc\nsys\n')
    })
  })

  describe('volumes', () => {
    test('are written to, or not, with all that is mounted below', async () => {
      const source = await place('mkdir sub; mount -t tmpfs tmpfs sub; echo deep > sub/file; echo text > file')
      const root = spec(await place(IMAGE), {
        mounts: [
          { kind: 'bind', source, target: '/srv/a/rw' },
          { kind: 'bind', source, target: '/srv/a/ro', readOnly: true },
          { kind: 'bind', source: `${source}/file`, sourceKind: 'file', target: '/etc/os-release', readOnly: true },
          { kind: 'bind', source: `${source}/file`, sourceKind: 'file', target: '/new/file', options: ['noexec'] },
        ],
      })
      const seen = await probed({ root }, [
        '/srv',
        '/srv/a/rw',
        '/srv/a/rw/sub/file',
        '/srv/a/ro',
        '/srv/a/ro/sub',
        '/etc/os-release',
        '/new/file',
      ])
      expect(seen.paths['/srv']).toMatchObject({ type: 'dir', mode: '0755', uid: 0, gid: 0 })
      expect(seen.paths['/srv/a/rw']).toMatchObject({ write: 'allowed' })
      expect(seen.paths['/srv/a/rw/sub/file']).toMatchObject({ content: 'deep\n', write: 'allowed' })
      expect(seen.paths['/srv/a/ro']).toMatchObject({ write: 'EROFS', entries: ['file', 'sub'] })
      expect(seen.paths['/srv/a/ro/sub']).toMatchObject({ write: 'EROFS', entries: ['file'] })
      expect(seen.paths['/etc/os-release']).toMatchObject({ content: 'text\n', write: 'EROFS' })
      expect(seen.paths['/new/file']).toMatchObject({ content: 'text\n', write: 'allowed' })
      expect(mountAt(seen, '/new/file')?.options).toContain('noexec')
    })

    test('lie in each other in the order of their depth, whatever order they are given in', async () => {
      const source = await place('echo deep > file')
      const root = spec(await place(IMAGE), {
        mounts: [
          { kind: 'bind', source, target: '/a/b/c' },
          { kind: 'tmpfs', target: '/a' },
        ],
        files: [{ source: `${source}/file`, target: '/etc/hosts' }],
      })
      const seen = await probed({ root }, ['/a/b/c/file', '/a', '/etc/hosts'])
      expect(seen.paths['/a/b/c/file'].content).toBe('deep\n')
      expect(seen.paths['/etc/hosts'].content).toBe('deep\n')
      expect(mountAt(seen, '/a')?.fsType).toBe('tmpfs')
    })

    test('in memory have the size, mode and flags that were asked for', async () => {
      const root = spec(await place(IMAGE), {
        shmSize: 1 << 20,
        mounts: [
          { kind: 'tmpfs', target: '/t1', options: ['size=2m', 'mode=700', 'exec'] },
          { kind: 'tmpfs', target: '/t2', readOnly: true },
        ],
      })
      const seen = await probed({ root }, ['/t1', '/t2', '/dev/shm'])
      expect(seen.paths['/t1']).toMatchObject({ bytes: 2 << 20, mode: '0700', write: 'allowed' })
      expect(seen.paths['/t2']).toMatchObject({ mode: '1777', write: 'EROFS' })
      expect(seen.paths['/dev/shm']).toMatchObject({ bytes: 1 << 20 })
      expect(mountAt(seen, '/t1')?.options).toEqual(expect.arrayContaining(['nosuid', 'nodev']))
      expect(mountAt(seen, '/t1')?.options).not.toContain('noexec')
      expect(mountAt(seen, '/t2')?.options).toEqual(expect.arrayContaining(['nosuid', 'nodev', 'noexec', 'ro']))
    })

    test('may be tied to the host’s mounts, in one direction or in both', async () => {
      const source = await place(
        'mount -t tmpfs tmpfs "$PWD"; cd "$PWD"; mount --make-shared "$PWD"; mkdir later private slave; mkdir -p shared/inner',
      )
      const mounts = (['private', 'slave', 'shared'] as const).map((kind) => ({
        kind: 'bind' as const,
        source,
        target: `/${kind}`,
        propagation: `r${kind}` as const,
      }))
      const { shim, pid } = await waiting({ root: spec(await place(IMAGE), { mounts }) })
      await inside(bottle, `mount -t tmpfs tmpfs ${source}/later; echo here > ${source}/later/file`)
      const points = parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).map(({ mountPoint }) => mountPoint)
      expect(points).toEqual(expect.arrayContaining(['/slave/later', '/shared/later']))
      expect(points).not.toContain('/private/later')
      await shim.rollback()
    })

    test('may cover what a program reads of its limits in /proc, and nothing else there', async () => {
      const source = await place('echo mine > meminfo')
      const root = spec(await place(IMAGE), {
        mounts: [{ kind: 'bind', source: `${source}/meminfo`, sourceKind: 'file', target: '/proc/meminfo' }],
      })
      expect((await probed({ root }, ['/proc/meminfo'])).paths['/proc/meminfo'].content).toBe('mine\n')
    })
  })

  describe('links of a hostile image', () => {
    /** Mount at `target` in an image with these links; what the container sees there, and what the bottle has at /tmp/outside. */
    async function attack(links: string, target: string, sourceKind: 'file' | 'directory' = 'directory') {
      await inside(bottle, 'rm -rf /tmp/outside; mkdir -p /tmp/outside; echo untouched > /tmp/outside/file')
      const source = await place('echo volume > mark')
      const root = await place(`${IMAGE}; ${links}`)
      const from = sourceKind === 'file' ? `${source}/mark` : source
      const spied = spec(root, { mounts: [{ kind: 'bind', source: from, sourceKind, target }] })
      const before = await inside(bottle, 'cat /proc/self/mountinfo')
      let outcome: unknown
      try {
        outcome = (await probed({ root: spied }, [target, `${target}/mark`])).paths
      } catch (error) {
        outcome = (error as Error).message
      }
      expect(await inside(bottle, 'cat /proc/self/mountinfo')).toBe(before)
      expect(await inside(bottle, 'find /tmp/outside; cat /tmp/outside/file')).toBe('/tmp/outside\n/tmp/outside/file\nuntouched\n')
      return { outcome: outcome as Record<string, { content?: string }> | string, root }
    }

    test.each([
      ['absolute', 'mkdir -p tmp/outside; ln -s /tmp/outside link', '/link/made'],
      ['climbing', 'mkdir -p tmp/outside; ln -s ../../../../../../tmp/outside link', '/link/made'],
      ['through another', 'mkdir -p tmp/outside; ln -s /a link; ln -s tmp/outside a', '/link/made'],
      ['at the end of the path', 'mkdir -p tmp/outside; ln -s /tmp/outside link', '/link'],
    ])('stay inside: %s', async (_name, links, target) => {
      const { outcome } = await attack(links, target)
      expect(outcome).toMatchObject({ [`${target}/mark`]: { content: 'volume\n' } })
    })

    test.each([
      ['to the host’s root by /proc', 'ln -s /proc/1/root/tmp/outside link', '/link/made'],
      ['to a descriptor', 'ln -s /proc/self/fd/3 link; ln -s /proc/self/cwd link2', '/link/made'],
      ['to nowhere', 'ln -s /no/where link', '/link'],
      ['to itself', 'ln -s link link', '/link/made'],
      ['in the place of /proc', 'ln -s /tmp/outside proc', '/a'],
      ['in the place of /sys', 'ln -s ../../../../tmp/outside sys', '/a'],
      ['in the place of /dev', 'ln -s /tmp/outside dev', '/a'],
    ])('are refused: %s', async (_name, links, target) => {
      const { outcome } = await attack(links, target)
      expect(outcome).toMatch(/(ENOENT|ELOOP|ENOTDIR)/)
    })

    test.each([
      ['to the host', 'ln -s /tmp/outside/file etc/resolv.conf'],
      ['to nowhere', 'ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf'],
    ])('are covered where a file goes: %s', async (_name, links) => {
      const { outcome, root } = await attack(links, '/etc/resolv.conf', 'file')
      expect(outcome).toMatchObject({ '/etc/resolv.conf': { type: 'file', content: 'volume\n' } })
      expect(await inside(bottle, `readlink ${root}/etc/resolv.conf`)).toMatch(/file|stub/)
    })
  })
})

describe('/sys/fs/cgroup', () => {
  let bottle: Bottle
  beforeAll(async () => {
    bottle = await Bottle.open({ name: 'rootfs-cgroup-test' })
    await inside(bottle, 'mkdir /tmp/root')
  })
  afterAll(() => bottle?.close())

  const seenIn = (hierarchies: readonly CgroupDirectory[], view: Partial<CgroupView>, fragments: readonly Fragment[], into = {}) => {
    const root = { root: '/tmp/root', rootless: bottle.rootless, cgroup: { hierarchies, ...view } }
    const paths = ['/sys/fs/cgroup', ...hierarchies.map(({ name }) => `/sys/fs/cgroup/${name}`)]
    return probedIn(bottle, { root, fragments, namespaces: { cgroup: 'new', ...into } }, paths)
  }

  requires('root')('shows the container’s own part of each tree, to read', async () => {
    const { inside: trees } = bottle.cgroup
    const confined = cgroups({ path: 'own' }, trees)
    const seen = await seenIn(confined.cgroup, {}, [confined], confined.clone)
    const mounts = parseMountinfo(seen.mountinfo.join('\n')).filter(({ fsType }) => fsType.startsWith('cgroup'))
    expect(mounts).toHaveLength(confined.cgroup.length)
    for (const mount of mounts) {
      expect(mount.root, mount.mountPoint).toBe('/')
      expect(mount.options, mount.mountPoint).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']))
      // The only process in there is this one: the tree begins at its own cgroup.
      if (confined.cgroup.length > 1) expect(seen.paths[mount.mountPoint].entries).toContain('cgroup.procs')
    }
    expect(seen.paths['/sys/fs/cgroup'].write).toBe('EROFS')
    expect(seen.cgroup.map((line: string) => line.split(':').at(-1))).toEqual(expect.arrayContaining(['/']))
  })

  requires('root')('can be written by a privileged container, and be the host’s directory without a namespace', async () => {
    const { inside: trees } = bottle.cgroup
    const confined = cgroups({ path: 'shared' }, trees)
    const seen = await seenIn(confined.cgroup, { namespace: false, writable: true }, [confined], { ...confined.clone, cgroup: 'host' })
    const mounts = parseMountinfo(seen.mountinfo.join('\n')).filter(({ fsType }) => fsType.startsWith('cgroup'))
    expect(mounts.map(({ root }) => root).every((root) => root.endsWith('/shared'))).toBe(true)
    for (const { mountPoint } of mounts) expect(seen.paths[mountPoint].write, mountPoint).toBe('allowed')
  })
})

requires('root')(
  'all of it works for an ordinary user',
  async () => {
    const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')
    const argv = [process.execPath, vitest, 'run', '--configLoader', 'runner', '--project', 'lanes', import.meta.filename]
    const { exitCode, all } = await runAsOrdinaryUser(argv, { env: { VITEST: undefined } })
    expect(exitCode, String(all)).toBe(0)
  },
  120_000,
)
