/** Layers become the files that their archives tell of; what is there is told by lstat and getfattr. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attributes, inChunks, layer, Place, seen } from '../support/layer.js'
import { requires } from '../support/requires.js'

let place: Place
beforeAll(() => {
  place = new Place()
})
afterAll(() => place.remove())

const TIME = '1600000000.123456789'

describe('a layer as root', () => {
  requires('root')('files of every kind, with owner, mode and time', async () => {
    const archive = layer(
      { path: 'etc/', type: 'directory', mode: 0o750, uid: 7, gid: 8 },
      { path: 'etc/passwd', content: 'root\n', mode: 0o640, gid: 42 },
      { path: 'bin/su', content: 'elf', mode: 0o4755, uid: 3, gid: 4 },
      { path: 'shared/', type: 'directory', mode: 0o3775, gid: 50 },
      { path: 'shared/file', content: 'mine' },
      { path: 'shared/sub/', type: 'directory' },
      { path: 'link', type: 'symlink', to: '/etc/passwd', uid: 5, gid: 6 },
      { path: 'other', type: 'hardlink', to: 'etc/passwd', mode: 0o640, gid: 42 },
      { path: 'third', type: 'hardlink', to: './other', mode: 0o640, gid: 42 },
      { path: 'link2', type: 'hardlink', to: 'link', uid: 5, gid: 6 },
      { path: 'null', type: 'char', major: 1, minor: 3, mode: 0o666 },
      { path: 'disk', type: 'block', major: 259, minor: 70000, mode: 0o660, gid: 6 },
      { path: 'pipe', type: 'fifo', mode: 0o600 },
      { path: 'empty' },
      { path: 'huge-id', uid: 4_294_967_294, gid: 3_000_000_000 },
    )
    const { diffId, size, entries, warnings, directory } = await place.unpack(gzipSync(archive))
    expect({ diffId, size, entries, warnings }).toEqual({
      diffId: `sha256:${createHash('sha256').update(archive).digest('hex')}`,
      size: 5 + 3 + 4,
      entries: 15,
      warnings: [],
    })
    const found = seen(directory)
    const file = (content: string, mode: string, owner: string, links = 1) => ({ type: 'file', mode, owner, mtime: TIME, content, links })
    expect(found).toMatchObject({
      '.': { mode: '755', owner: '0:0' },
      etc: { type: 'directory', mode: '750', owner: '7:8', mtime: TIME },
      'etc/passwd': file('root\n', '640', '0:42', 3),
      bin: { type: 'directory', mode: '755', owner: '0:0' },
      'bin/su': file('elf', '4755', '3:4'),
      shared: { type: 'directory', mode: '3775', owner: '0:50', mtime: TIME },
      'shared/file': file('mine', '644', '0:0'),
      'shared/sub': { type: 'directory', mode: '755', owner: '0:0', mtime: TIME },
      link: { type: 'symlink', to: '/etc/passwd', owner: '5:6', mtime: TIME },
      other: file('root\n', '640', '0:42', 3),
      third: file('root\n', '640', '0:42', 3),
      link2: { type: 'symlink', to: '/etc/passwd', owner: '5:6' },
      null: { type: 'char', device: '1:3', mode: '666', mtime: TIME },
      disk: { type: 'block', device: '259:70000', mode: '660', owner: '0:6' },
      pipe: { type: 'fifo', mode: '600' },
      empty: file('', '644', '0:0'),
      'huge-id': { owner: '4294967294:3000000000' },
    })
    expect(Object.keys(found)).toHaveLength(17)
    const inode = (name: string) => statSync(join(directory, name)).ino
    expect(inode('other')).toBe(inode('etc/passwd'))
    expect(inode('third')).toBe(inode('etc/passwd'))
  })

  requires('root', 'command:getfattr')('attributes, and capabilities behind what would take them away', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    const binary = Buffer.from([0, 255, 10, 61, 0])
    const { directory, warnings } = await place.unpack(
      layer(
        {
          path: 'ping',
          content: 'elf',
          mode: 0o755,
          uid: 1,
          xattrs: { 'security.capability': capability, 'user.binary': binary, 'user.empty': '' },
        },
        { path: 'dir/', type: 'directory', xattrs: { 'user.dir': 'yes' } },
        { path: 'dir/file' },
        { path: 'odd', type: 'symlink', to: 'x', xattrs: { 'user.link': 'no' } },
        { path: 'evil/', type: 'directory', xattrs: { 'trusted.overlay.redirect': '/../../etc', 'trusted.overlay.opaque': 'y' } },
      ),
    )
    expect(attributes(join(directory, 'ping'))).toEqual({
      'security.capability': capability.toString('hex'),
      'user.binary': binary.toString('hex'),
      'user.empty': '',
    })
    expect(attributes(join(directory, 'dir'))).toEqual({ 'user.dir': '796573' })
    expect(seen(directory)).toMatchObject({ dir: { mtime: TIME } })
    expect(attributes(join(directory, 'evil'))).toEqual({})
    expect(warnings).toEqual([
      `attributes of overlayfs's own were left out (trusted.overlay, user.overlay): "evil/" and 1 more`,
      'extended attributes could not be set (EPERM): "odd"',
    ])
  })

  requires('root', 'command:getfattr')('what hides the layers below, in the form of overlayfs', async () => {
    const { directory } = await place.unpack(
      layer(
        { path: 'etc/.wh.gone' },
        { path: 'usr/', type: 'directory' },
        { path: 'usr/.wh..wh..opq' },
        { path: 'usr/new', content: 'new' },
        { path: '.wh..wh.plnk/1.2', content: 'aufs' },
        { path: '.wh..wh.aufs' },
        { path: 'own', content: 'stays' },
        { path: '.wh.own' },
        { path: '.wh.tree' },
        { path: 'tree/', type: 'directory' },
        { path: 'tree/file' },
        { path: 'wood/file' },
        { path: '.wh.wood' },
      ),
    )
    const found = seen(directory)
    expect(Object.keys(found).sort()).toEqual(['.', 'etc', 'etc/gone', 'own', 'tree', 'tree/file', 'usr', 'usr/new', 'wood', 'wood/file'])
    expect(found).toMatchObject({ 'etc/gone': { type: 'char', device: '0:0' }, own: { content: 'stays' } })
    for (const name of ['usr', 'tree', 'wood']) expect(attributes(join(directory, name)), name).toEqual({ 'trusted.overlay.opaque': '79' })
    expect(attributes(join(directory, 'etc'))).toEqual({})
    // The kernel reads it so too.
    const [lower, merged] = ['lower', 'merged'].map((name) => join(place.base, name)) as [string, string]
    for (const path of ['etc/gone', 'usr/old', 'tree/old', 'wood/old', 'own', 'kept']) {
      mkdirSync(join(lower, path, '..'), { recursive: true })
      writeFileSync(join(lower, path), 'below')
    }
    mkdirSync(merged)
    const script = `mount -t overlay -o lowerdir=${directory}:${lower} overlay ${merged} && cd ${merged} && find . -type f | sort`
    const listed = execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], { encoding: 'utf8' })
    expect(listed.trim().split('\n')).toEqual(['./kept', './own', './tree/file', './usr/new', './wood/file'])
  })

  requires('root')('what hides a name of 255 bytes, whose own is longer than a file’s may be', async () => {
    const { directory } = await place.unpack(layer({ path: `deep/.wh.${'w'.repeat(255)}` }))
    expect(seen(directory)[`deep/${'w'.repeat(255)}`]).toMatchObject({ type: 'char', device: '0:0' })
    await expect(place.unpack(layer({ path: `.wh.${'w'.repeat(256)}` }))).rejects.toThrow('has a name of more than 255 bytes')
  })

  requires('root', 'command:getfattr')('an opaque root', async () => {
    const { directory } = await place.unpack(layer({ path: '.wh..wh..opq' }, { path: 'file' }))
    expect(attributes(directory)).toEqual({ 'trusted.overlay.opaque': '79' })
  })

  requires('root')('what comes twice: the last one counts, and directories become one', async () => {
    const { directory } = await place.unpack(
      layer(
        { path: 'file', content: 'first' },
        { path: 'file', content: 'second', mode: 0o600 },
        { path: 'dir/', type: 'directory', mode: 0o700, uid: 9 },
        { path: 'dir/kept', content: 'kept' },
        { path: 'dir', type: 'directory', mode: 0o1777 },
        { path: 'tree/deep/er/file', content: 'gone' },
        { path: 'tree/deep/link', type: 'symlink', to: '/' },
        { path: 'tree', content: 'a file now' },
        { path: 'was-file', content: 'x' },
        { path: 'was-file/', type: 'directory' },
        { path: 'was-file/inside', content: 'y' },
        { path: 'was-link', type: 'symlink', to: 'dir' },
        { path: 'was-link', type: 'directory' },
        { path: 'was-link/own' },
        { path: './', type: 'directory', mode: 0o700, uid: 99 },
      ),
    )
    expect(seen(directory)).toMatchObject({
      '.': { mode: '755', owner: '0:0' },
      file: { content: 'second', mode: '600' },
      dir: { mode: '1777', owner: '0:0', mtime: TIME },
      'dir/kept': { content: 'kept' },
      tree: { content: 'a file now' },
      'was-file/inside': { content: 'y' },
      'was-link/own': { type: 'file' },
    })
    expect(Object.keys(seen(directory))).not.toContain('dir/own')
  })

  requires('root')('links on the way are followed as the kernel would, inside', async () => {
    const { directory } = await place.unpack(
      layer(
        { path: 'usr/lib/', type: 'directory' },
        { path: 'lib', type: 'symlink', to: 'usr/lib' },
        { path: 'lib/libc.so', content: 'c' },
        { path: 'lib/sub/deep', content: 'd' },
        { path: 'abs', type: 'symlink', to: '/../../usr' },
        { path: 'abs/share/doc', content: 'e' },
        { path: '/absolute/path', content: 'f' },
        { path: '/../clamped', content: 'g' },
        { path: 'a/./b//../c', content: 'h' },
        { path: 'hard', type: 'hardlink', to: '/lib/libc.so' },
        { path: 'hard2', type: 'hardlink', to: '../../lib/libc.so' },
      ),
    )
    expect(seen(directory)).toMatchObject({
      lib: { to: 'usr/lib' },
      'usr/lib/libc.so': { content: 'c', links: 3 },
      'usr/lib/sub/deep': { content: 'd' },
      'usr/share/doc': { content: 'e' },
      'absolute/path': { content: 'f' },
      clamped: { content: 'g' },
      'a/c': { content: 'h' },
      hard: { content: 'c' },
    })
  })

  requires('root')('names are bytes', async () => {
    const odd = [
      Buffer.from('new\nline'),
      Buffer.from([0xff, 0xfe, 0x2f, 0x80, 0x61]),
      Buffer.from('"quoted\\'),
      Buffer.from('ümläut'),
      Buffer.from(' '),
    ]
    const { directory } = await place.unpack(layer(...odd.map((path) => ({ path }))))
    const names = Object.keys(seen(directory)).filter((name) => !['.', '\xff\xfe'].includes(name))
    expect(names.sort()).toEqual(odd.map((name) => name.toString('latin1')).sort())
  })

  requires('root')('files larger than a batch, and sparse ones', async () => {
    const large = Buffer.alloc(3_000_000, 'large ')
    const tree = join(place.base, 'made')
    mkdirSync(tree)
    execFileSync('truncate', ['-s', '200M', join(tree, 'holes')])
    execFileSync('dd', ['if=/dev/urandom', `of=${tree}/holes`, 'bs=64k', 'count=2', 'seek=700', 'conv=notrunc', 'status=none'])
    const { directory } = await place.unpack(layer({ path: 'large', content: large, mode: 0o4711 }))
    expect(seen(directory)).toMatchObject({ large: { mode: '4711', mtime: TIME } })
    execFileSync('cmp', ['-', join(directory, 'large')], { input: large })
    for (const format of [['--format=gnu'], ['--format=posix'], ['--format=posix', '--sparse-version=0.1']]) {
      const archive = execFileSync('tar', ['-C', tree, '--sparse', '-c', ...format, 'holes'])
      const made = await place.unpack(archive)
      execFileSync('cmp', [join(tree, 'holes'), join(made.directory, 'holes')])
      expect(statSync(join(made.directory, 'holes')).blocks).toBeLessThan(1000)
      expect(made.size).toBe(200 * 2 ** 20)
    }
    rmSync(tree, { recursive: true })
  })

  requires('root')('chunks with any borders', async () => {
    const archive = layer(
      { path: 'a', content: 'x'.repeat(1500) },
      { path: 'b/c', content: 'y' },
      { path: 'd', type: 'symlink', to: 'z'.repeat(200) },
    )
    const first = seen((await place.unpack(archive)).directory)
    for (const size of [1, 100, 513]) {
      const { directory } = await place.unpack(inChunks(archive, size))
      expect(Object.entries(seen(directory)).filter(([path]) => path !== '.' && path !== 'b')).toEqual(
        Object.entries(first).filter(([path]) => path !== '.' && path !== 'b'),
      )
    }
  })
})

test('a directory that is not there is one sentence', async () => {
  await expect(place.unpack(layer(), { directory: '/nowhere/diff' })).rejects.toThrow(
    /^a process that is confined to \/nowhere\/diff cannot be made: mount\(.*ENOENT/,
  )
})
