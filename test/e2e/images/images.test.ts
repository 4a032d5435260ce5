/**
 * Images of several makers, through a real registry and archives, in Docker's hands and in drydock's: what both have unpacked is compared file by
 * file. What differs is in docs/DIFFERENCES.md.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Difference, judge, readPart, readTable } from '../../support/differences.js'
import { missing, requires } from '../../support/requires.js'
import { addIndex, archiveLayers, writeDirectoryImage } from './archives.js'
import { Machine, NEEDS, PLACE } from './machines.js'
import { byDocker, byDrydock, byUmoci, GNU_TAR, makeTree, POSIX_TAR, TREE } from './makers.js'
import { dockersImage, dockersLayers, drydocksImage, drydocksLayers, type Inspected, type Layers } from './stores.js'
import { differences, look } from './trees.js'

const RUNS = ['docker', 'umoci', 'archive', 'drydock', 'import', 'commit']

/** What umoci 0.4.7 fails at, or says in a way that Docker fails at. */
const NOT_BY_UMOCI = ['sockets', 'odd-xattrs', 'turned-directories']

/** Each starts some ten programs, and waits for their disks. Milliseconds. */
const PATIENT = { timeout: 300_000 }

const able = missing(NEEDS).length === 0
const since = BigInt(Date.now()) * 10n ** 6n
const named = (name: string) => `127.0.0.1:5000/${name}`
const remote = (name: string) => `docker://${named(name)}`
const at = (name: string) => join(PLACE, name)
const it = requires(...NEEDS)

let machine: Machine
beforeAll(async () => {
  if (!able) return
  machine = await Machine.open()
  await makeTree(machine)
  await byDocker(machine, named('docker'))
  await machine.docker('push', '--quiet', named('docker'))
  await byUmoci(machine, at('umoci'), NOT_BY_UMOCI)
  addIndex(machine, at('umoci'))
  writeDirectoryImage(machine, at('archive'), await archiveLayers(machine))
  await push(`oci:${at('umoci')}:latest`, 'umoci')
  await push(`oci:${at('umoci')}:index`, 'umoci:index')
  await push(`dir:${at('archive')}`, 'archive')
}, 300_000)
afterAll(async () => {
  if (able) await machine?.close()
}, 300_000)

const push = (from: string, to: string) => machine.skopeo('copy', '--quiet', '--all', '--dest-tls-verify=false', from, remote(to))

/** What the two have of each layer, which they have by the same diff ids. */
async function compare(peers: Layers, ours: Layers): Promise<Difference[]> {
  expect([...ours.keys()]).toEqual([...peers.keys()])
  const trees = await look(machine, [...peers.values(), ...ours.values()])
  for (const tree of trees) expect(tree.size).toBeGreaterThan(1)
  return [...peers].flatMap((_, index) => differences(trees[index] as never, trees[index + peers.size] as never, since))
}

/** What is not listed, as the row that would list it; and rows of which nothing was seen. */
function judged(run: string, seen: readonly Difference[]): string[] {
  const { unlisted, unseen } = judge(run, seen, readTable(readPart('an image')))
  return [
    ...unlisted.map((one) => `| \`${one.key}\` | ${run} | \`${one.peer}\` | \`${one.drydock}\` |`),
    ...unseen.map((what) => `not seen: ${what}`),
  ]
}

describe('pulled', PATIENT, () => {
  for (const name of ['docker', 'umoci', 'archive']) {
    it(`by tag, an image by ${name} is what Docker has`, async () => {
      await machine.docker('pull', '--quiet', named(name))
      await machine.drydock(['pull', '--quiet', named(name)])
      const seen = await compare(await dockersLayers(machine, named(name)), await drydocksLayers(machine, named(name)))
      expect(judged(name, seen)).toEqual([])
      expect(said(await drydocksImage(machine, named(name)))).toEqual(said(await dockersImage(machine, named(name))))
    })

    it(`and pushed to another repository by drydock, an image by ${name} is the very same to Docker and skopeo`, async () => {
      const again = `again/${name}`
      await machine.drydock(['tag', named(name), named(again)])
      await machine.drydock(['push', '--quiet', named(again)])
      const digest = await digestOf(name)
      expect(await digestOf(again)).toBe(digest)
      await machine.docker('pull', '--quiet', `${named(again)}@${digest}`)
      expect((await dockersImage(machine, `${named(again)}@${digest}`)).Id).toBe((await dockersImage(machine, named(name))).Id)
    })

    it(`by digest, an image by ${name} is the same`, async () => {
      const digest = await digestOf(name)
      const root = at(`${name}-by-digest`)
      await machine.drydock(['pull', '--quiet', `${named(name)}@${digest}`], root)
      await same(name, `${named(name)}@${digest}`, root)
    })
  }

  it('by way of an index of platforms, it is the same', async () => {
    const root = at('by-index')
    await machine.drydock(['pull', '--quiet', named('umoci:index')], root)
    await same('umoci', named('umoci:index'), root)
  })

  it('compressed with zstd, by skopeo, it is the same', async () => {
    const copy = ['copy', '--quiet', '--format', 'oci', '--src-tls-verify=false', '--dest-tls-verify=false']
    await machine.skopeo(...copy, '--dest-compress-format', 'zstd', remote('docker'), remote('zstd'))
    expect(await machine.skopeo('inspect', '--raw', '--tls-verify=false', remote('zstd'))).toContain('+zstd')
    const root = at('by-zstd')
    await machine.drydock(['pull', '--quiet', named('zstd')], root)
    await same('docker', named('zstd'), root)
  })
})

const digestOf = async (name: string) =>
  (await machine.skopeo('inspect', '--format', '{{.Digest}}', '--tls-verify=false', remote(name))).trim()

/** What an image says of itself to both; docker's `image inspect` of before 28 has members of containers, and what is empty, too. */
function said({ Id, Created, Architecture, Os, Config, RootFS }: Inspected) {
  return { Id, Created, Architecture, Os, RootFS, Config: started(Config) }
}

function started(config: Inspected['Config']) {
  const members = ['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels', 'StopSignal', 'OnBuild']
  const told = Object.entries(config).filter(([name, value]) => members.includes(name) && value && Object.keys(value).length > 0)
  return Object.fromEntries(told)
}

/** Of the image that was pulled by tag, and of another store's. */
async function same(name: string, other: string, root: string): Promise<void> {
  expect(await compare(await drydocksLayers(machine, named(name)), await drydocksLayers(machine, other, root))).toEqual([])
}

describe('imported', PATIENT, () => {
  for (const [name, archive] of [
    ['GNU tar’s archive with attributes', POSIX_TAR],
    ['GNU tar’s archive in its older format', GNU_TAR],
  ] as const) {
    it(`${name} is the same layer`, async () => {
      const image = `imported:${archive === POSIX_TAR ? 'posix' : 'gnu'}`
      await machine.docker('import', archive, image)
      await machine.drydock(['import', archive, image])
      const seen = await compare(await dockersLayers(machine, image), await drydocksLayers(machine, image))
      expect(judged(archive === POSIX_TAR ? 'import' : 'gnu', seen)).toEqual([])
    })
  }
})

describe('what Docker refuses drydock takes', PATIENT, () => {
  it('names that come again: the last one counts, and directories become one', async () => {
    const archive = at('again.tar')
    await machine.python('oddities', at('once.tar'), archive)
    await expect(machine.docker('import', archive, 'again')).rejects.toThrow('duplicates of file paths not supported')
    await machine.drydock(['import', archive, 'again'])
    const [tree] = await look(machine, [...(await drydocksLayers(machine, 'again')).values()])
    const told = [...(tree?.values() ?? [])].map(({ path, type, mode, owner, size }) =>
      `${path} ${type} ${mode} ${owner} ${size ?? ''}`.trim(),
    )
    expect(told.slice(1)).toEqual([
      'twice directory 0755 0:0',
      'twice/directory directory 0711 0:0',
      'twice/directory/kept file 0644 0:0 4',
      'twice/directory-then-file file 0644 0:0 14',
      'twice/file file 0640 2:0 6',
      'twice/file-then-directory directory 0755 0:0',
      'twice/link file 0644 0:0 16',
      'twice/linked file 0644 0:0 11',
      'twice/linked-2 file 0644 0:0 12',
    ])
  })

  it('sparse files in GNU tar’s older format', async () => {
    const archive = at('sparse-gnu.tar')
    await machine.run('tar', '--format=gnu', '--sparse', '-C', TREE, '-cf', archive, 'sparse')
    await expect(machine.docker('import', archive, 'sparse')).rejects.toThrow('unhandled tar header type 83')
    await machine.drydock(['import', archive, 'sparse'])
    const [whole, layer] = await look(machine, [TREE, ...(await drydocksLayers(machine, 'sparse')).values()])
    const sparse = new Map([...(whole ?? [])].filter(([path]) => path.startsWith('sparse/')))
    const found = new Map([...(layer ?? [])].filter(([path]) => path.startsWith('sparse/')))
    expect(sparse.size).toBe(6)
    expect(differences(sparse, found, since).filter(({ key }) => !key.endsWith(' mtime'))).toEqual([])
  })

  it('an image with sparse files of another format, which Docker has and cannot give away', async () => {
    // A push fails for the same reason, after all its attempts.
    await expect(machine.docker('save', '--output', at('sparse.tar'), 'imported:posix')).rejects.toThrow('could not verify layer data')
    await machine.docker('rmi', 'imported:posix')
    await machine.drydock(['tag', 'imported:posix', named('imported')])
    await machine.drydock(['push', '--quiet', named('imported')])
    await machine.docker('pull', '--quiet', named('imported'))
    const seen = await compare(await dockersLayers(machine, named('imported')), await drydocksLayers(machine, 'imported:posix'))
    expect(judged('import', seen)).toEqual([])
  })
})

describe('made by drydock', PATIENT, () => {
  it('an image is pushed, and pulled by Docker', async () => {
    await byDrydock(machine, named('drydock'))
    await machine.drydock(['push', '--quiet', named('drydock')])
    await machine.docker('pull', '--quiet', named('drydock'))
    const peers = await dockersLayers(machine, named('drydock'))
    expect(judged('drydock', await compare(peers, await drydocksLayers(machine, named('drydock'))))).toEqual([])
    const config = JSON.parse(await machine.skopeo('inspect', '--config', '--tls-verify=false', remote('drydock')))
    expect(config.rootfs.diff_ids).toEqual([...peers.keys()])
  })

  it('what is committed is what Docker commits of the same changes', async () => {
    const [peers, ours] = [await dockersLayers(machine, named('docker')), await dockersLayers(machine, named('drydock'))]
    const trees = await look(machine, [...[...peers.values()].slice(1), ...[...ours.values()].slice(1)])
    const seen = [0, 1].flatMap((index) => differences(trees[index] as never, trees[index + 2] as never, since))
    expect(judged('commit', seen)).toEqual([])
    for (const layer of ['layer1', 'layer2']) {
      const ours = started((await drydocksImage(machine, named(`drydock:${layer}`))).Config)
      expect(ours).toEqual(started((await dockersImage(machine, named(`docker:${layer}`))).Config))
      expect(Object.keys(ours)).toHaveLength(7)
    }
  })
})

describe('archives', PATIENT, () => {
  for (const name of ['docker', 'umoci', 'archive', 'drydock']) {
    it(`an image by ${name}, saved by drydock, is loaded by Docker and read by skopeo and umoci`, async () => {
      const archive = at(`${name}-saved.tar`)
      await machine.docker('pull', '--quiet', named(name))
      const before = await dockersImage(machine, named(name))
      const layers = await treesOf(await dockersLayers(machine, named(name)))
      await machine.drydock(['save', '--output', archive, `${named(name)}:latest`])
      await machine.docker('image', 'prune', '--all', '--force')
      await machine.docker('load', '--input', archive)
      expect((await dockersImage(machine, named(name))).Id).toBe(before.Id)
      const after = await treesOf(await dockersLayers(machine, named(name)))
      expect(layers.flatMap((tree, index) => differences(tree, after[index] as never, since))).toEqual([])
      for (const kind of ['docker-archive', 'oci-archive']) {
        await machine.skopeo('copy', '--quiet', `${kind}:${archive}`, `oci:${at(`${name}-${kind}`)}:latest`)
      }
      await machine.skopeo('copy', '--quiet', '--src-tls-verify=false', remote(name), `oci:${at(`${name}-registry`)}:latest`)
      if (name !== 'archive') await sameByUmoci(['registry', 'docker-archive', 'oci-archive'].map((kind) => at(`${name}-${kind}`)))
    })

    it(`an image by ${name}, saved by Docker and by skopeo, is loaded by drydock`, async () => {
      const docker = name === 'archive' ? [] : ['docker']
      if (docker.length > 0) {
        await machine.docker('pull', '--quiet', named(name))
        await machine.docker('save', '--output', at(`${name}-by-docker.tar`), named(name))
      }
      for (const kind of ['docker-archive', 'oci-archive']) {
        const to = `${kind}:${at(`${name}-by-${kind}.tar`)}:${named(name)}:latest`
        await machine.skopeo('copy', '--quiet', '--src-tls-verify=false', remote(name), to)
      }
      for (const kind of [...docker, 'docker-archive', 'oci-archive']) {
        const root = at(`${name}-${kind}-loaded`)
        await machine.drydock(['load', '--quiet', '--input', at(`${name}-by-${kind}.tar`)], root)
        await same(name, named(name), root)
      }
    })
  }
})

/** Unpacked by umoci, these layouts' images are the same. It does not know a global header of archives. */
async function sameByUmoci(layouts: readonly string[]): Promise<void> {
  for (const layout of layouts) await machine.run('umoci', 'unpack', '--image', `${layout}:latest`, `${layout}-bundle`)
  const [first, ...others] = await look(
    machine,
    layouts.map((layout) => `${layout}-bundle/rootfs`),
  )
  for (const other of others) expect(differences(first as never, other, since)).toEqual([])
}

const treesOf = (layers: Layers) => look(machine, [...layers.values()])

describe('in a container', PATIENT, () => {
  it('the layers are one tree as the kernel joins Docker’s', async () => {
    await machine.docker('pull', '--quiet', named('docker'))
    // A name may have a newline in it, and they are in the order of the directory.
    const find = ['find', '/', '-xdev', '-path', '/etc', '-prune', '-o', '-path', '/dev', '-prune', '-o', '-print0']
    const inside = await machine.drydock(['run', '--rm', '--network', 'none', named('docker'), ...find])
    const lower = [...(await dockersLayers(machine, named('docker'))).values()].reverse().join(':')
    const outside = await machine.shell(
      'mkdir -p $1; mount -t overlay -o "lowerdir=$2" overlay $1; at=$1; shift 2; status=0; chroot $at /bin/busybox "$@" || status=$?; umount $at; exit $status',
      at('joined'),
      lower,
      ...find,
    )
    expect(inside.split('\0').sort()).toEqual(outside.split('\0').sort())
    expect(inside.split('\0').length).toBeGreaterThan(200)
  })
})

describe('the table', () => {
  test('is about runs that there are', () => {
    for (const { runs, what } of readTable(readPart('an image'))) {
      if (runs !== 'all') expect([...RUNS, 'gnu'], what).toEqual(expect.arrayContaining([...runs]))
    }
  })
})
