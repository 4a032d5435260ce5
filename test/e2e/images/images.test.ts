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
import { byDocker, byDrydock, byUmoci, GNU_TAR, makeTree, POSIX_TAR } from './makers.js'
import { dockersImage, dockersLayers, drydocksImage, drydocksLayers, type Layers } from './stores.js'
import { differences, look } from './trees.js'

const RUNS = ['docker', 'umoci', 'archive', 'drydock', 'import', 'commit']

/** What umoci 0.4.7 fails at, or says in a way that Docker fails at. */
const NOT_BY_UMOCI = ['sockets', 'odd-xattrs', 'turned-directories']

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
}, 120_000)
afterAll(async () => {
  if (able) await machine?.close()
})

const push = (from: string, to: string) => machine.skopeo('copy', '--quiet', '--all', '--dest-tls-verify=false', from, remote(to))

/** What the two have of each layer, which they have by the same diff ids. */
async function compare(peers: Layers, ours: Layers): Promise<Difference[]> {
  expect([...ours.keys()]).toEqual([...peers.keys()])
  const trees = await look(machine, [...peers.values(), ...ours.values()])
  for (const tree of trees) expect(tree.size).toBeGreaterThan(1)
  return [...peers].flatMap((_, index) => differences(trees[index] as never, trees[index + peers.size] as never, since))
}

const judged = (run: string, seen: readonly Difference[]) => judge(run, seen, readTable(readPart('an image')))
const NOTHING = { unlisted: [], unseen: [] }

describe('pulled', () => {
  for (const name of ['docker', 'umoci', 'archive']) {
    it(`by tag, an image by ${name} is what Docker has`, async () => {
      await machine.docker('pull', '--quiet', named(name))
      await machine.drydock(['pull', '--quiet', named(name)])
      const seen = await compare(await dockersLayers(machine, named(name)), await drydocksLayers(machine, named(name)))
      expect(judged(name, seen)).toEqual(NOTHING)
      const pick = ({ Id, Created, Architecture, Os, Config, RootFS }: Awaited<ReturnType<typeof drydocksImage>>) => {
        return { Id, Created, Architecture, Os, Config, RootFS }
      }
      expect(pick(await drydocksImage(machine, named(name)))).toEqual(pick(await dockersImage(machine, named(name))))
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

/** Of the image that was pulled by tag, and of another store's. */
async function same(name: string, other: string, root: string): Promise<void> {
  expect(await compare(await drydocksLayers(machine, named(name)), await drydocksLayers(machine, other, root))).toEqual([])
}

describe('imported', () => {
  for (const [name, archive] of [
    ['GNU tar’s archive with attributes', POSIX_TAR],
    ['GNU tar’s archive in its older format', GNU_TAR],
  ] as const) {
    it(`${name} is the same layer`, async () => {
      const image = `imported:${archive === POSIX_TAR ? 'posix' : 'gnu'}`
      await machine.docker('import', archive, image)
      await machine.drydock(['import', archive, image])
      const seen = await compare(await dockersLayers(machine, image), await drydocksLayers(machine, image))
      expect(judged(archive === POSIX_TAR ? 'import' : 'gnu', seen)).toEqual(NOTHING)
    })
  }
})

describe('made by drydock', () => {
  it('an image is pushed, and pulled by Docker', async () => {
    await byDrydock(machine, named('drydock'))
    await machine.drydock(['push', '--quiet', named('drydock')])
    await machine.docker('pull', '--quiet', named('drydock'))
    const peers = await dockersLayers(machine, named('drydock'))
    expect(judged('drydock', await compare(peers, await drydocksLayers(machine, named('drydock'))))).toEqual(NOTHING)
    const config = JSON.parse(await machine.skopeo('inspect', '--config', '--tls-verify=false', remote('drydock')))
    expect(config.rootfs.diff_ids).toEqual([...peers.keys()])
  })

  it('what is committed is what Docker commits of the same changes', async () => {
    const [peers, ours] = [await dockersLayers(machine, named('docker')), await dockersLayers(machine, named('drydock'))]
    const trees = await look(machine, [...[...peers.values()].slice(1), ...[...ours.values()].slice(1)])
    const seen = [0, 1].flatMap((index) => differences(trees[index] as never, trees[index + 2] as never, since))
    expect(judged('commit', seen)).toEqual(NOTHING)
  })
})

describe('archives', () => {
  for (const name of ['docker', 'umoci', 'archive', 'drydock']) {
    it(`an image by ${name}, saved by drydock, is loaded by Docker and read by skopeo and umoci`, async () => {
      const archive = at(`${name}-saved.tar`)
      const before = await dockersImage(machine, named(name))
      const layers = await treesOf(await dockersLayers(machine, named(name)))
      await machine.drydock(['save', '--output', archive, named(name)])
      await machine.shell('docker=$1; shift; $docker --host $1 rmi --force $($docker --host $1 images --quiet)', ...dockerWords())
      await machine.docker('load', '--input', archive)
      expect((await dockersImage(machine, named(name))).Id).toBe(before.Id)
      const after = await treesOf(await dockersLayers(machine, named(name)))
      expect(layers.flatMap((tree, index) => differences(tree, after[index] as never, since))).toEqual([])
      for (const kind of ['docker-archive', 'oci-archive']) {
        await machine.skopeo('copy', '--quiet', `${kind}:${archive}`, `oci:${at(`${name}-${kind}`)}:latest`)
      }
      await machine.skopeo('copy', '--quiet', '--src-tls-verify=false', remote(name), `oci:${at(`${name}-registry`)}:latest`)
      const kinds = ['registry', 'docker-archive', 'oci-archive']
      for (const kind of kinds)
        await machine.run('umoci', 'unpack', '--image', `${at(`${name}-${kind}`)}:latest`, at(`${name}-${kind}-bundle`))
      const [registry, ...others] = await look(
        machine,
        kinds.map((kind) => join(at(`${name}-${kind}-bundle`), 'rootfs')),
      )
      for (const other of others) expect(differences(registry as never, other, since)).toEqual([])
    })

    it(`an image by ${name}, saved by Docker and by skopeo, is loaded by drydock`, async () => {
      await machine.docker('pull', '--quiet', named(name))
      await machine.docker('save', '--output', at(`${name}-by-docker.tar`), named(name))
      for (const kind of ['docker-archive', 'oci-archive']) {
        const to = `${kind}:${at(`${name}-by-${kind}.tar`)}:${named(name)}:latest`
        await machine.skopeo('copy', '--quiet', '--src-tls-verify=false', remote(name), to)
      }
      for (const kind of ['docker', 'docker-archive', 'oci-archive']) {
        const root = at(`${name}-${kind}-loaded`)
        await machine.drydock(['load', '--quiet', '--input', at(`${name}-by-${kind}.tar`)], root)
        await same(name, named(name), root)
      }
    })
  }
})

const dockerWords = () => {
  const [docker = '', , host = ''] = machine.dockerd.docker()
  return [docker, host]
}

const treesOf = (layers: Layers) => look(machine, [...layers.values()])

describe('the table', () => {
  test('is about runs that there are', () => {
    for (const { runs, what } of readTable(readPart('an image'))) {
      if (runs !== 'all') expect([...RUNS, 'gnu'], what).toEqual(expect.arrayContaining([...runs]))
    }
  })
})
