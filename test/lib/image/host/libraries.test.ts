/** The dynamic linker's search: its order, on trees of files that are written down here; and real programs beside ldd. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseElf } from '../../../../lib/image/host/elf.js'
import { Libraries } from '../../../../lib/image/host/libraries.js'
import { findProgram, PROGRAM_DIRECTORIES, PROGRAMS } from '../../../../lib/image/host/programs.js'
import { configuredDirectories, expandPath, expandWords, readLinker } from '../../../../lib/image/host/search.js'
import { type ElfFileSpec, elfFile } from '../../../support/elf-file.js'
import { requires } from '../../../support/requires.js'

const roots: string[] = []
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true })
})

/** A directory with these files in it. */
function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'drydock-linker-'))
  roots.push(root)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

const GLIBC = '/lib64/ld-linux-x86-64.so.2'
const MUSL = '/lib/ld-musl-x86_64.so.1'
const X86 = { bits: 64, machine: 62 } as const

/** What a program needs on a machine of these objects and with these directories of the linker's. */
function found(objects: Readonly<Record<string, ElfFileSpec>>, directories: readonly string[] = ['/lib'], program = '/bin/program') {
  const interpreter = objects[program]?.interpreter as string
  const read = (path: string) => {
    const spec = path === interpreter ? {} : objects[path]
    if (!spec) throw Object.assign(new Error(path), { code: 'ENOENT' })
    const bytes = elfFile(spec)
    return parseElf((offset, length) => bytes.subarray(offset, offset + length), path)
  }
  const kind = interpreter === MUSL ? 'musl' : 'glibc'
  return new Libraries(read, () => ({ kind, directories })).of(program).map(({ name, path, by }) => `${by} ${name} ${path}`)
}

describe('glibc', () => {
  test('names the interpreter first, then breadth first, each once', () => {
    const objects = {
      '/bin/program': { interpreter: GLIBC, needed: ['a.so', 'b.so', 'ld-linux-x86-64.so.2'] },
      '/lib/a.so': { needed: ['c.so', 'libalias.so'] },
      '/lib/b.so': { needed: ['c.so'], soname: 'libalias.so' },
      '/lib/c.so': { needed: ['a.so'] },
    }
    // libalias.so is what b.so calls itself; it is asked for only after b.so is there.
    expect(found(objects)).toEqual([`object ${GLIBC} ${GLIBC}`, 'linker a.so /lib/a.so', 'linker b.so /lib/b.so', 'linker c.so /lib/c.so'])
  })

  test('RPATH counts for what a library needs too, RUNPATH does not', () => {
    const needs = { '/lib/a.so': { needed: ['deep.so'] }, '/own/deep.so': {}, '/lib/deep.so': {} }
    const program = (path: ElfFileSpec) => ({ '/bin/program': { interpreter: GLIBC, needed: ['a.so'], ...path }, ...needs })
    expect(found(program({ rpath: '/own' }))).toContain('object deep.so /own/deep.so')
    expect(found(program({ runpath: '/own' }))).toContain('linker deep.so /lib/deep.so')
    expect(found(program({ rpath: '/own', runpath: '/nowhere' }))).toContain('linker deep.so /lib/deep.so')
  })

  test('an object with a RUNPATH does not ask the RPATH of who brought it in', () => {
    const objects = {
      '/bin/program': { interpreter: GLIBC, needed: ['a.so'], rpath: '/own' },
      '/lib/a.so': { needed: ['deep.so'], runpath: '/elsewhere' },
      '/own/deep.so': {},
      '/elsewhere/deep.so': {},
    }
    expect(found(objects)).toContain('object deep.so /elsewhere/deep.so')
  })

  test('what objects say comes before what the machine says', () => {
    const objects = { '/bin/program': { interpreter: GLIBC, needed: ['a.so'], runpath: '/own' }, '/own/a.so': {}, '/lib/a.so': {} }
    expect(found(objects)).toContain('object a.so /own/a.so')
  })

  test('$ORIGIN is the directory of the object that says it', () => {
    const objects = {
      '/opt/app/bin/program': { interpreter: GLIBC, needed: ['a.so'], runpath: '$ORIGIN/../lib' },
      '/opt/app/lib/a.so': { needed: ['b.so'], runpath: `\${ORIGIN}/deeper` },
      '/opt/app/lib/deeper/b.so': {},
    }
    expect(found(objects, ['/lib'], '/opt/app/bin/program').slice(1)).toEqual([
      'object a.so /opt/app/lib/a.so',
      'object b.so /opt/app/lib/deeper/b.so',
    ])
  })

  test('goes past libraries of another machine or class', () => {
    const objects = {
      '/bin/program': { interpreter: GLIBC, needed: ['a.so'] },
      '/lib32/a.so': { bits: 32, machine: 3 },
      '/arm/a.so': { machine: 183 },
      '/lib/a.so': {},
    } as const
    expect(found(objects, ['/lib32', '/arm', '/lib'])).toContain('linker a.so /lib/a.so')
  })

  test('an object may forbid the default directories, and name a library by path', () => {
    const objects = { '/bin/program': { interpreter: GLIBC, needed: ['a.so'], flags1: 0x800 }, '/lib/a.so': {} }
    expect(() => found(objects)).toThrow(
      '/bin/program needs a.so, which is in none of the directories where /lib64/ld-linux-x86-64.so.2 looks',
    )
    expect(found({ '/bin/program': { interpreter: GLIBC, needed: ['/odd/a.so'] }, '/odd/a.so': {} })).toContain(
      'object /odd/a.so /odd/a.so',
    )
  })

  test('a static program needs nothing; a script is no program', () => {
    expect(found({ '/bin/program': {} })).toEqual([])
    expect(() => new Libraries(() => undefined).of('/bin/script')).toThrow('/bin/script is no ELF program')
  })
})

test('musl asks everybody’s paths, of either kind, and is itself the libc', () => {
  const objects = {
    '/bin/program': { interpreter: MUSL, needed: ['a.so', 'libc.musl-x86_64.so.1', 'libm.so.6'], runpath: '/own' },
    '/own/a.so': { needed: ['deep.so'] },
    '/own/deep.so': {},
  }
  expect(found(objects)).toEqual([`object ${MUSL} ${MUSL}`, 'object a.so /own/a.so', 'object deep.so /own/deep.so'])
})

describe('the machine’s configuration', () => {
  test('ld.so.conf with includes, comments, and patterns', () => {
    const root = tree({
      'etc/ld.so.conf':
        '# first\n/opt/one/lib  /opt/two/lib\ninclude /etc/ld.so.conf.d/*.conf\ninclude more\nhwcap 0 nosegneg\nrelative/lib\n',
      'etc/ld.so.conf.d/b.conf': '/b/lib/ # behind\n',
      'etc/ld.so.conf.d/a.conf': '/a/lib=libc6\n',
      'etc/ld.so.conf.d/.hidden.conf': '/hidden\n',
      'etc/ld.so.conf.d/readme': '/readme\n',
      'etc/more': '/more\ninclude more\n',
    })
    expect(configuredDirectories(root)).toEqual(['/opt/one/lib', '/opt/two/lib', '/a/lib', '/b/lib', '/more'])
    expect(configuredDirectories(tree({}))).toEqual([])
  })

  test('glibc’s own directories come after the configured ones', () => {
    const root = tree({ 'etc/ld.so.conf': '/opt/lib\n' })
    const { kind, directories } = readLinker(GLIBC, X86, root)
    expect(kind).toBe('glibc')
    expect(directories[0]).toBe('/opt/lib')
    expect(directories.indexOf('/lib/x86_64-linux-gnu')).toBeLessThan(directories.indexOf('/usr/lib'))
    expect(readLinker('/lib/ld-linux.so.2', { bits: 32, machine: 3 }, root).directories).toContain('/lib/i386-linux-gnu')
  })

  test('musl’s are in a file, or three', () => {
    const root = tree({ 'etc/ld-musl-x86_64.path': '/one:/two\n/three\n' })
    expect(readLinker(MUSL, X86, root)).toEqual({ kind: 'musl', directories: ['/one', '/two', '/three'] })
    expect(readLinker(MUSL, X86, tree({})).directories).toEqual(['/lib', '/usr/local/lib', '/usr/lib'])
  })
})

test('the words of a path', () => {
  expect(expandPath('$ORIGIN/lib::./here:/a/../b/', '/opt', X86)).toEqual(['/opt/lib', '/b'])
  expect(expandPath('/x/$PLATFORM', '/opt', X86)).toEqual(['/x/x86_64'])
  expect(expandWords(`/usr/\${LIB}/x.so`, '/opt', X86)).toEqual(['/usr/lib/x86_64-linux-gnu/x.so', '/usr/lib64/x.so', '/usr/lib/x.so'])
  expect(expandWords('$ORIGINAL', '/opt', X86)).toEqual(['$ORIGINAL'])
})

requires('command:ldd')('finds what ldd finds, for each program of this machine', () => {
  const libraries = new Libraries()
  let compared = 0
  for (const path of new Set(PROGRAMS.flatMap((name) => findProgram(name, PROGRAM_DIRECTORIES) ?? []))) {
    if (libraries.elf(path)?.interpreter === undefined) continue
    const said = execFileSync('ldd', [path], { encoding: 'utf8', env: { PATH: process.env.PATH } })
    const witness = [...said.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => realpathSync(match[1] as string))
    expect(
      libraries
        .of(path)
        .map((library) => realpathSync(library.path))
        .sort(),
      path,
    ).toEqual(witness.sort())
    compared++
  }
  expect(compared).toBeGreaterThan(3)
})
