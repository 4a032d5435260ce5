/** Directories as archives: what overlayfs has left of a container's work, read by a process that sees nothing else. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { changes, packLayer, packTree } from '../../lib/image/pack/index.js'
import { TreeReader } from '../../lib/image/pack/reader.js'
import { mkdir, open } from '../../lib/kernel/calls/files.js'
import { loneShim } from '../../lib/kernel/lone.js'
import type { Step } from '../../lib/kernel/step.js'
import { collect, type Layers, layersOf, linesOf } from '../support/layers.js'
import { runAsOrdinaryUser, runWithRange } from '../support/ordinary.js'
import { requires } from '../support/requires.js'
import { readTar } from '../support/tar.js'

let base: string
beforeEach(() => {
  base = mkdtempSync('/var/tmp/drydock-pack-')
})
afterEach(() => execFileSync('rm', ['-rf', base]))

const LOWER = `
  mkdir -p etc/old/deep usr/bin opaque/was
  echo motd > etc/motd; echo keep > etc/keep; echo x > etc/old/deep/x; echo was > opaque/was/here; echo same > opaque/same
  echo prog > usr/bin/prog; chmod 4755 usr/bin/prog; ln usr/bin/prog usr/bin/other; ln -s ../etc/motd usr/link
  echo replaced > usr/replaced; mkdir usr/to-file usr/untouched; touch -d @1.5 usr/untouched/f`

const CHANGES = `
  rm etc/motd; rm -r etc/old; rm -r opaque; mkdir opaque; echo new > opaque/new
  rm usr/replaced; mkdir usr/replaced; echo in > usr/replaced/in; rmdir usr/to-file; echo file > usr/to-file
  chown 12:34 usr/bin/prog; echo more >> etc/keep; mkfifo usr/fifo; mknod usr/null c 1 3; mknod usr/disk b 7 300
  mkdir -m 1777 tmp; ln -s /etc/passwd tmp/escape; ln -s ../../../.. tmp/up; echo a > tmp/a; ln tmp/a tmp/b
  cp /bin/true usr/bin/ping; touch -d @1234567890.123456789 usr/bin/ping; touch -d @-5 tmp/old
  chown 3000000:4000000000 tmp/a; : > tmp/empty; mkdir tmp/none; rmdir usr/untouched/. 2>/dev/null || true`

const made = (...more: string[]) => layersOf(base, [LOWER, CHANGES, ...more])

/** What GNU find sees of a tree, but the times of directories and how many names there are, which overlayfs does not tell. */
async function sight(layers: readonly string[] | string): Promise<string[]> {
  const at = typeof layers === 'string' ? layers : join(base, 'seen')
  mkdirSync(at, { recursive: true })
  const empty = join(base, 'empty')
  mkdirSync(empty, { recursive: true })
  const enter = typeof layers === 'string' ? ':' : `mount -t overlay -o 'ro,lowerdir=${layers.join(':')}:${empty}' overlay ${at}`
  const format = '%P %m %U:%G %l'
  const print = `find . -mindepth 1 \\( -type d -printf '%y ${format}\\n' -o -type f -printf 'f ${format} %s %T@\\n' -o -printf '%y ${format} %T@\\n' \\)`
  const attributes = "getfattr -Rhd -m '^(user|security\\.capability)' . 2>&1"
  const { stdout } = await execa('unshare', ['--mount', 'sh', '-ec', `${enter}; cd ${at}; ${print}; ${attributes}`])
  return stdout.split('\n').sort()
}

describe('a layer', () => {
  requires(
    'root',
    'command:umoci',
    'command:setfattr',
  )('makes of the layers below what the container has made of them', async () => {
    const { upper, lowers } = await made(
      'setcap cap_net_raw+ep usr/bin/ping 2>/dev/null || setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 usr/bin/ping',
    )
    const image = join(base, 'image')
    await execa('umoci', ['init', '--layout', image])
    await execa('umoci', ['new', '--image', `${image}:t`])
    for (const directory of [upper, ...lowers].reverse()) {
      writeFileSync(join(base, 'layer.tar'), await collect(packLayer(directory)))
      await execa('umoci', ['raw', 'add-layer', '--image', `${image}:t`, join(base, 'layer.tar')])
    }
    await execa('umoci', ['unpack', '--image', `${image}:t`, join(base, 'bundle')])
    expect(await sight(join(base, 'bundle/rootfs'))).toEqual(await sight([upper, ...lowers]))
  })

  requires('root')('has names in the order of their bytes, whiteouts, and nothing of overlayfs', async () => {
    const { upper } = await made()
    const archive = await collect(packLayer(upper))
    const listed = execFileSync('tar', ['--list', '--quoting-style=literal'], { input: archive, encoding: 'utf8' }).trim().split('\n')
    expect(listed).toEqual([
      ...['etc/', 'etc/keep', 'etc/.wh.motd', 'etc/.wh.old', 'opaque/', 'opaque/.wh..wh..opq', 'opaque/new', 'tmp/', 'tmp/a', 'tmp/b'],
      ...['tmp/empty', 'tmp/escape', 'tmp/none/', 'tmp/old', 'tmp/up', 'usr/', 'usr/bin/', 'usr/bin/ping', 'usr/bin/prog'],
      ...['usr/disk', 'usr/fifo', 'usr/null', 'usr/replaced/', 'usr/replaced/.wh..wh..opq', 'usr/replaced/in', 'usr/to-file'],
    ])
    expect(archive.includes('overlay.')).toBe(false)
    expect(linesOf(archive).filter((line) => /^(tmp.(a|b|old|up)|usr.bin.prog|usr.disk) /.test(line))).toEqual([
      expect.stringMatching(/^tmp\/a file 644 3000000:4000000000 {2}"a\\n" 0:0 /),
      expect.stringMatching(/^tmp\/b hardlink 644 3000000:4000000000 tmp\/a "" /),
      expect.stringMatching(/^tmp\/old file 644 0:0 {2}"" 0:0 -5\.0/),
      expect.stringMatching(/^tmp\/up symlink 777 0:0 \.\.\/\.\.\/\.\.\/\.\. "" /),
      expect.stringMatching(/^usr\/bin\/prog file 755 12:34 {2}"prog\\n" /),
      expect.stringMatching(/^usr\/disk block 644 0:0 {2}"" 7:300 /),
    ])
  })

  requires('root')('is the same bytes again, from a copy whose directories are in another order too', async () => {
    const { upper } = await made(Array.from({ length: 300 }, (_, at) => `echo ${at} > tmp/${(at * 7919) % 1000}`).join('\n'))
    const first = await collect(packLayer(upper))
    expect((await collect(packLayer(upper))).equals(first)).toBe(true)
    // GNU tar with sorted names makes the directories anew, and keeps all but the attributes.
    const copy = join(base, 'copy')
    await execa('sh', [
      '-ec',
      `mkdir ${copy}; tar -C ${upper} --xattrs '--xattrs-include=*' --format=posix --sort=name -cf - . | tar -C ${copy} --xattrs '--xattrs-include=*' -xpf -`,
    ])
    expect((await collect(packLayer(copy))).equals(first)).toBe(true)
  })

  requires('root', 'command:python3')('keeps names that are no text, and ones that are deep', async () => {
    const name = '$(printf "new\\nline\\377\\001\\"q")'
    const { upper } = await layersOf(base, [`mkdir "${name}"; echo 1 > "${name}/${name}"; ln -s "${name}" l`])
    const deep = `import os\nfor i in range(60): os.mkdir('0' * 200); os.chdir('0' * 200)\nopen('file', 'w').write('bottom\\n'); os.link('file', 'again')`
    execFileSync('python3', ['-c', deep], { cwd: upper })
    const archive = await collect(packLayer(upper))
    const entries = readTar(archive)
    const bytes = Buffer.from('new\nline\xff\x01"q', 'latin1')
    expect(entries.some(({ path }) => path.equals(Buffer.concat([bytes, Buffer.from('/'), bytes])))).toBe(true)
    expect(entries.find(({ type }) => type === 'symlink')?.linkPath).toEqual(bytes)
    const path = `${Array.from({ length: 60 }, () => '0'.repeat(200)).join('/')}/again`
    expect(entries.find(({ content }) => String(content) === 'bottom\n')?.path.toString()).toBe(path)
    expect(entries.find(({ type }) => type === 'hardlink')?.linkPath.toString()).toBe(path)
    const listed = execFileSync('tar', ['--list', '--quoting-style=escape', '--file=-'], { input: archive, encoding: 'utf8' })
    expect(listed).toContain('new\\nline\\377\\001"q/new\\nline\\377\\001"q\n')
    const names = (await changes(upper, [])).map(({ kind, path: changed }) => `${kind} ${changed.length}`)
    expect(names).toContain(`A ${1 + 60 * 201 + 4}`)
  })

  requires('root')('has what overlayfs left to the layers below, when the kernel renames and changes in this way', async () => {
    const lower = 'mkdir -p dir/sub; echo 1 > dir/sub/file; echo content > big; echo 2 > dir/gone'
    const change = 'mv dir moved; echo 3 > moved/new; rm moved/gone; chmod 600 big; chown 5:6 big'
    const { upper, lowers } = await layersOf(base, [lower, change], ',redirect_dir=on,metacopy=on')
    const lines = linesOf(await collect(packLayer(upper, { lowers }))).map((line) => line.replace(/ \S* \S*$/, ''))
    expect(lines).toEqual([
      'big file 600 5:6  "content\\n" 0:0',
      '.wh.dir file 600 0:0  "" 0:0',
      'moved/ directory 755 0:0  "" 0:0',
      'moved/.wh..wh..opq file 755 0:0  "" 0:0',
      'moved/new file 644 0:0  "3\\n" 0:0',
      'moved/sub/ directory 755 0:0  "" 0:0',
      'moved/sub/file file 644 0:0  "1\\n" 0:0',
    ])
    expect((await changes(upper, lowers)).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      ...['C /big', 'D /dir', 'A /moved', 'A /moved/new', 'A /moved/sub', 'A /moved/sub/file'],
    ])
    await expect(collect(packLayer(upper))).rejects.toThrow('in the layers below it, which were not given')
  })
})

describe('large things', () => {
  requires('root')('holes are zeros, and are not read', async () => {
    const { upper } = await layersOf(base, ['echo begin > hole; : > empty-hole'])
    truncateSync(join(upper, 'hole'), 5 * 1024 * 1024 + 100)
    execFileSync('dd', [`of=${join(upper, 'hole')}`, 'bs=1', 'seek=3000000', 'conv=notrunc', 'status=none'], { input: 'middle' })
    truncateSync(join(upper, 'empty-hole'), 3 * 1024 ** 3)
    const hash = createHash('sha256')
    let size = 0
    const before = process.memoryUsage().external
    for await (const part of packLayer(upper)) {
      size += part.length
      if (size < 3 * 1024 ** 3) continue
      hash.update(part)
    }
    expect(process.memoryUsage().external - before).toBeLessThan(64 * 1024 ** 2)
    rmSync(join(upper, 'empty-hole'))
    const content = readTar(await collect(packLayer(upper)))[0]?.content as Buffer
    expect(content.length).toBe(5 * 1024 * 1024 + 100)
    expect(content.equals(execFileSync('cat', [join(upper, 'hole')], { maxBuffer: 1e9 }))).toBe(true)
  })

  requires('root')('a directory with many names', async () => {
    const { upper } = await layersOf(base, ['for i in $(seq 5000); do echo $i > "a name that is not short $i"; done; mkdir d'])
    const entries = readTar(await collect(packLayer(upper)))
    expect(entries.length).toBe(5001)
    expect(
      entries.every(({ path, content }) => path.toString() === 'd/' || path.toString().endsWith(` ${content.toString().trim()}`)),
    ).toBe(true)
    expect((await changes(upper, [])).length).toBe(5001)
  })
})

describe('whoever reads', () => {
  requires('root')('sees nothing but the tree, and can do nothing but read', async () => {
    const { upper } = await layersOf(base, ['echo a > a; ln -s / root; ln -s /etc/passwd passwd; mknod null c 1 3; mkfifo fifo'])
    const shim = await loneShim()
    const reader = await TreeReader.open({ directory: upper }, { newShim: async () => shim })
    const tried = async (...steps: Parameters<TreeReader['attempt']>[0]) => {
      const [result] = await reader.attempt(steps)
      return result?.errno
    }
    expect(await tried(open('/etc/passwd', ['rdonly']))).toBe(2 /* ENOENT */)
    expect(await tried(open('/../../etc/passwd', ['rdonly']))).toBe(2)
    expect(await tried(open('/root/etc/passwd', ['rdonly']))).toBe(2)
    expect(await tried(open('/null', ['rdonly']))).toBe(13 /* EACCES: no devices here */)
    expect(await tried(open('/a', ['wronly']))).toBe(30 /* EROFS */)
    expect(await tried(mkdir('/d'))).toBe(1 /* EPERM: the filter */)
    expect(await tried(open('/a', ['rdonly']))).toBe(0)
    await reader.close()
  })

  requires('root')('is not led astray by a container that goes on', async () => {
    const { upper } = await layersOf(base, [
      'mkdir d e; for i in 1 2 3; do echo content > d/f$i; echo more > e/g$i; echo h > e/h$i; done; ln -s x d/link; truncate -s 1M e/h3',
    ])
    const deeds: Record<string, string> = {
      f2: 'rm d/f2',
      f3: 'truncate -s 3 d/f3',
      g1: 'rm e/g1; ln -s /etc/passwd e/g1',
      g3: 'rm e/g3; mkfifo e/g3',
      h1: 'rm e/h1; mknod e/h1 c 1 3',
      h2: `rm e/h2; node -e "require('net').createServer().listen('e/h2', () => process.exit())"`,
      h3: 'rm e/h3; mknod e/h3 c 1 3',
    }
    const newShim = async () => {
      const shim = await loneShim()
      const attempt = shim.attempt.bind(shim)
      shim.attempt = async (steps) => {
        // What they are about to be opened for.
        for (const { call, args } of steps) {
          const name = args[1]?.kind === 'bytes' ? Buffer.from(args[1].bytes).toString() : ''
          const deed = call === 'openat' ? deeds[name] : undefined
          if (deed) execFileSync('sh', ['-ec', deed], { cwd: upper })
          if (deed) delete deeds[name]
        }
        return attempt(steps)
      }
      return shim
    }
    const warnings: string[] = []
    const lines = linesOf(await collect(packLayer(upper, { newShim, onWarning: (sentence) => warnings.push(sentence) })))
    expect(lines.map((line) => line.split(' 0:0')[0])).toEqual([
      ...['d/ directory 755', 'd/f1 file 644', 'd/f3 file 644', 'd/link symlink 777', 'e/ directory 755', 'e/g2 file 644', 'e/g3 file 644'],
    ])
    expect(lines.find((line) => line.startsWith('d/f3'))).toContain('"con\\u0000\\u0000\\u0000\\u0000\\u0000"')
    expect(warnings).toEqual([
      '"d/f2" is left out: it was removed or replaced while the tree was read',
      '"d/f3" became smaller while it was read: zeros stand for what is missing',
      '"e/g1" is left out: it was removed or replaced while the tree was read',
      '"e/g3" became smaller while it was read: zeros stand for what is missing',
      ...['h1', 'h2', 'h3'].map((name) => `"e/${name}" is left out: it was removed or replaced while the tree was read`),
    ])
  })

  requires('root', 'command:setfattr')('takes for gone what goes while it is being asked about', async () => {
    const attributes = Array.from({ length: 4 }, (_, index) => `setfattr -n user.attribute.with.a.long.name.${index} -v x d/file`)
    const { upper } = await layersOf(base, [`mkdir -p d/gone; echo content > d/file; ${attributes.join('; ')}`])
    const nameOf = ({ args }: Step, at: number) => (args[at]?.kind === 'bytes' ? Buffer.from(args[at].bytes).toString() : '')
    const inDirectory = (steps: readonly Step[], at: number) =>
      nameOf(steps.slice(0, at).findLast(({ call }) => call === 'openat2') as Step, 1)
    const moments: { readonly is: (steps: readonly Step[], at: number) => boolean; readonly deed: string }[] = [
      { is: (steps, at) => steps[at]?.call === 'getdents64' && inDirectory(steps, at) === '/d/gone', deed: 'rmdir d/gone' },
      { is: (steps, at) => [steps[at - 1], steps[at]].every((step) => step?.call === 'lgetxattr'), deed: 'rm d/file' },
    ]
    const newShim = async () => {
      const shim = await loneShim()
      const attempt = shim.attempt.bind(shim)
      shim.attempt = async (steps) => {
        for (const [index, { is, deed }] of moments.entries()) {
          const at = steps.findIndex((_, place) => is(steps, place))
          if (at < 0) continue
          moments.splice(index, 1)
          const before = await attempt(steps.slice(0, at))
          execFileSync('sh', ['-ec', deed], { cwd: upper })
          return [...before, ...(await attempt(steps.slice(at)))]
        }
        return attempt(steps)
      }
      return shim
    }
    const lines = linesOf(await collect(packLayer(upper, { newShim })))
    expect(moments).toEqual([])
    expect(lines.map((line) => line.split(' 0:0')[0])).toEqual(['d/ directory 755', 'd/gone/ directory 755'])
  })

  const program = ['node', '--import', 'tsx', 'test/support/programs/pack-as-user.ts']
  const seen = (output: unknown) => JSON.parse(String(output)) as { layer: string[]; tree: string[]; changes: string[] }

  requires('user-namespaces')('may be an ordinary user', async () => {
    const { stdout, stderr } = await runAsOrdinaryUser(program)
    expect(seen(stdout), String(stderr)).toMatchObject({
      layer: ['dir/ 0:0', 'dir/.wh..wh..opq 0:0', 'dir/new 0:0', '.wh.gone 0:0', 'kept 0:0'],
      tree: ['dir/ 0:0', 'dir/new 0:0', 'kept 0:0', 'stays 0:0'],
      changes: ['C /dir', 'A /dir/new', 'D /dir/old', 'D /gone', 'A /kept'],
    })
  })

  requires('root', 'command:newuidmap')('with the ids that the containers have', async () => {
    const { stdout, stderr } = await runWithRange([...program, '1000:2000'])
    expect(seen(stdout).layer, String(stderr)).toContain('kept 1000:2000')
  })
})

describe('what has changed', () => {
  requires('root')('is what docker diff says', async () => {
    const { upper, lowers } = await made('chmod 600 usr/untouched/f; mkdir -p a/b/c; rm -r a/b')
    const found = (await changes(upper, lowers)).map(({ kind, path }) => `${kind} ${path}`)
    expect(found).toEqual(['A /a', 'C /usr', 'C /usr/untouched', 'C /usr/untouched/f'])
    const two = await changes(lowers[0] as string, lowers.slice(1))
    expect(two.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      ...['C /etc', 'C /etc/keep', 'D /etc/motd', 'D /etc/old', 'C /opaque', 'A /opaque/new', 'D /opaque/same', 'D /opaque/was'],
      ...['A /tmp', 'A /tmp/a', 'A /tmp/b', 'A /tmp/empty', 'A /tmp/escape', 'A /tmp/none', 'A /tmp/old', 'A /tmp/up'],
      ...['C /usr', 'C /usr/bin', 'A /usr/bin/ping', 'C /usr/bin/prog', 'A /usr/disk', 'A /usr/fifo', 'A /usr/null'],
      ...['C /usr/replaced', 'A /usr/replaced/in', 'C /usr/to-file'],
    ])
  })

  requires('root')('of many layers as of one', async () => {
    const many: string[] = Array.from(
      { length: 120 },
      (_, at) => `echo ${at} > file; mkdir -p d${at % 7}; echo ${at} > d${at % 7}/f; rm -rf d${(at + 3) % 7}`,
    )
    const layers: Layers = await layersOf(base, ['mkdir long', ...many.slice(0, 40)])
    expect((await changes(layers.upper, layers.lowers)).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      ...['D /d0', 'A /d4', 'A /d4/f', 'C /file'],
    ])
    expect(linesOf(await collect(packTree([layers.upper, ...layers.lowers]))).map((line) => line.split(' ')[0])).toEqual([
      ...['d1/', 'd1/f', 'd2/', 'd2/f', 'd3/', 'd3/f', 'd4/', 'd4/f', 'file', 'long/'],
    ])
  })
})
