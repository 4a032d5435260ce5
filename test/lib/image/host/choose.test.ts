/** What goes into a userland, and where. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appletNames } from '../../../../lib/image/host/busybox.js'
import { choose, placeOf } from '../../../../lib/image/host/choose.js'
import { elfFile } from '../../../support/elf-file.js'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-choose-'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** A directory of programs: ELF headers that need nothing, or links. */
function programs(name: string, files: Readonly<Record<string, Buffer | string>>): string {
  const directory = join(root, name)
  mkdirSync(directory)
  for (const [file, content] of Object.entries(files)) {
    if (typeof content === 'string') symlinkSync(content, join(directory, file))
    else {
      writeFileSync(join(directory, file), content)
      chmodSync(join(directory, file), 0o755)
    }
  }
  return directory
}

test('one layout, whatever that of the machine', () => {
  expect(placeOf('/bin/sh')).toBe('usr/bin/sh')
  expect(placeOf('/usr/sbin/ip')).toBe('usr/bin/ip')
  expect(placeOf('/sbin')).toBe('usr/bin')
  expect(placeOf('/lib64/ld-linux-x86-64.so.2')).toBe('usr/lib64/ld-linux-x86-64.so.2')
  expect(placeOf('/usr/lib/x/libc.so.6')).toBe('usr/lib/x/libc.so.6')
  expect(placeOf('/binary')).toBe('binary')
  expect(placeOf('/nix/store/abc/bin/ls')).toBe('nix/store/abc/bin/ls')
})

test('a program under several names is one file', () => {
  const directory = programs('many', { sh: elfFile({}), cat: 'sh', ls: elfFile({}) })
  const { files, links, leftOut } = choose({ programs: ['sh', 'cat', 'ls'], directories: [directory] })
  expect(files).toEqual([
    { source: join(directory, 'sh'), target: 'usr/bin/sh' },
    { source: join(directory, 'ls'), target: 'usr/bin/ls' },
  ])
  expect(links).toEqual([{ path: 'usr/bin/cat', to: 'sh' }])
  expect(leftOut).toEqual([])
})

test('a program that finds its libraries by its own place keeps it', () => {
  const directory = programs('origin', { tool: elfFile({ runpath: '$ORIGIN/../lib' }) })
  const { files, links } = choose({ programs: ['tool'], directories: [directory] })
  expect(files).toEqual([{ source: join(directory, 'tool'), target: `${directory.slice(1)}/tool` }])
  expect(links).toEqual([{ path: 'usr/bin/tool', to: `${directory}/tool` }])
})

test('what cannot be had is left out with the reason, unless it was asked for', () => {
  const directory = programs('broken', {
    sh: elfFile({}),
    ps: elfFile({ interpreter: '/no/such/ld.so' }),
    grep: Buffer.from('#!/bin/sh\n'),
  })
  const reasons = choose({ directories: [directory] }).leftOut
  expect(reasons).toEqual([
    `ps: ${directory}/ps needs the interpreter /no/such/ld.so, which is not there`,
    `grep: ${directory}/grep is no ELF program`,
  ])
  expect(() => choose({ programs: ['ps'], directories: [directory] })).toThrow('needs the interpreter /no/such/ld.so')
})

test('without a shell there is none', () => {
  const directory = programs('empty', {})
  expect(() => choose({ directories: [directory] })).toThrow(
    `neither busybox nor a shell (sh) is in ${directory}, so no userland can be put together from this machine's programs: install busybox`,
  )
  expect(() => choose({ programs: ['frobnicate'], directories: [directory] })).toThrow(`no program 'frobnicate' is in ${directory}`)
})

test('names of applets are names of files', () => {
  expect(appletNames('[\n[[\nash\n\nbusybox\n../evil\na b\n.\n..\nx86_64\n')).toEqual(['[', '[[', 'ash', 'x86_64'])
})
