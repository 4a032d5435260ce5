/** ELF headers: files written by hand, real ones beside readelf, and damaged ones. */
import { execFileSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseElf, type ReadAt, readElf } from '../../../../lib/image/host/elf.js'
import { findProgram, PROGRAM_DIRECTORIES, PROGRAMS } from '../../../../lib/image/host/programs.js'
import { elfFile } from '../../../support/elf-file.js'
import { requires } from '../../../support/requires.js'

const over =
  (bytes: Buffer): ReadAt =>
  (offset, length) =>
    bytes.subarray(offset, offset + length)

const layouts = [
  { bits: 64, bigEndian: false },
  { bits: 64, bigEndian: true },
  { bits: 32, bigEndian: false },
  { bits: 32, bigEndian: true },
] as const

describe.each(layouts)('$bits bits, big end first: $bigEndian', (layout) => {
  test('says what a program needs', () => {
    const linking = { interpreter: '/lib/ld.so', needed: ['libone.so.1', 'libtwo.so'], rpath: '/opt', runpath: '$ORIGIN/../lib' }
    expect(parseElf(over(elfFile({ ...layout, machine: 183, ...linking })))).toEqual({
      bits: layout.bits,
      machine: 183,
      ...linking,
      noDefaultDirectories: false,
    })
  })

  test('says what a library is called, and that it wants no default directories', () => {
    const found = parseElf(over(elfFile({ ...layout, soname: 'libself.so.2', flags1: 0x801 })))
    expect(found).toMatchObject({ soname: 'libself.so.2', needed: [], noDefaultDirectories: true })
    expect(found).not.toHaveProperty('interpreter')
  })

  test('a static program needs nothing', () => {
    expect(parseElf(over(elfFile(layout)))).toEqual({ bits: layout.bits, machine: 62, needed: [], noDefaultDirectories: false })
  })

  test('a damaged file is a sentence, wherever it ends and whatever is in it', () => {
    const whole = elfFile({ ...layout, interpreter: '/lib/ld.so', needed: ['libone.so.1'] })
    for (let length = 20; length < 4096; length += 7) {
      const cut = () => parseElf(over(whole.subarray(0, length)), '/bin/x')
      expect(cut, String(length)).toThrow(/^\/bin\/x is a damaged ELF file: /)
    }
    // Each byte of the headers, broken: an answer or a sentence, and never anything else.
    for (let at = 4; at < 260; at++) {
      const broken = Buffer.from(whole)
      broken[at] = (broken[at] as number) ^ 0xff
      try {
        parseElf(over(broken))
      } catch (error) {
        expect((error as Error).message, String(at)).toMatch(/damaged ELF file/)
      }
    }
  })
})

test('what is no ELF file is none', () => {
  for (const text of ['', '#!/bin/sh\n', '\x7fEL', 'x'.repeat(100)]) expect(parseElf(over(Buffer.from(text, 'latin1')))).toBeUndefined()
})

requires('command:readelf')('says the same as readelf of this machine’s programs and their interpreter', () => {
  const programs = PROGRAMS.flatMap((name) => findProgram(name, PROGRAM_DIRECTORIES) ?? [])
  const files = [...new Set([...programs, realpathSync(process.execPath)])]
  let compared = 0
  for (const path of files) {
    const elf = readElf(path)
    if (!elf) continue
    const said = execFileSync('readelf', ['-dlW', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const all = (expression: RegExp) => [...said.matchAll(expression)].map((match) => match[1])
    expect(elf.needed, path).toEqual(all(/\(NEEDED\)\s+Shared library: \[(.*)\]/g))
    expect(elf.interpreter, path).toBe(all(/Requesting program interpreter: (.*)\]/g)[0])
    expect(elf.runpath, path).toBe(all(/\(RUNPATH\)\s+Library runpath: \[(.*)\]/g)[0])
    expect(elf.rpath, path).toBe(all(/\(RPATH\)\s+Library rpath: \[(.*)\]/g)[0])
    compared++
  }
  expect(compared).toBeGreaterThan(3)
})
