import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DrydockError } from '../../../../lib/kernel/errors.js'
import {
  differingNamespaces,
  NAMESPACE_FILES,
  parseNamespaceLink,
  readNamespace,
  readNamespaces,
} from '../../../../lib/kernel/proc/namespaces.js'
import {
  childrenOf,
  executableOf,
  parseCommandLine,
  processesIn,
  processIds,
  readProcess,
  readProcesses,
} from '../../../../lib/kernel/proc/processes.js'
import { readProcFile } from '../../../../lib/kernel/proc/read.js'

/** A /proc of our own, in which a process can vanish at any moment. */
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-proc-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function add(pid: number, ppid: number, net: number, commandLine?: string): void {
  mkdirSync(join(root, `${pid}/ns`), { recursive: true })
  writeFileSync(join(root, `${pid}/stat`), `${pid} (p${pid}) S ${ppid} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${pid * 100} 0\n`)
  if (commandLine !== undefined) writeFileSync(join(root, `${pid}/cmdline`), commandLine)
  symlinkSync(`net:[${net}]`, join(root, `${pid}/ns/net`))
}

describe('processes', () => {
  it('are listed by pid, without what has gone between two reads', () => {
    add(10, 1, 7, 'b\0')
    add(9, 1, 7, 'a\0')
    add(11, 1, 7) // its cmdline went
    mkdirSync(join(root, '12')) // all of it went
    for (const other of ['self', 'sys', '1x', '-1']) mkdirSync(join(root, other))
    expect(processIds(root)).toEqual([9, 10, 11, 12])
    expect(readProcesses(root).map(({ pid, commandLine }) => [pid, commandLine])).toEqual([
      [9, ['a']],
      [10, ['b']],
    ])
    expect(readProcess(12, root)).toBeUndefined()
    expect(readProcesses(join(root, 'nowhere'))).toEqual([])
  })

  it('have children and descendants', () => {
    for (const [pid, ppid] of [
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 3],
      [5, 4],
      [6, 2],
    ] as const)
      add(pid, ppid, 7, '')
    const all = readProcesses(root)
    expect(childrenOf(1, all).map(({ pid }) => pid)).toEqual([2, 3])
  })

  it('are found by their namespace', () => {
    add(20, 1, 4026531840, '')
    add(21, 1, 4026532999, '')
    add(22, 1, 4026531840, '')
    rmSync(join(root, '22/ns'), { recursive: true })
    expect(processesIn('net', 4026531840, root).map(({ pid }) => pid)).toEqual([20])
  })

  it.each<[string, string[]]>([
    ['', []],
    ['sh\0', ['sh']],
    ['sh\0-c\0\0', ['sh', '-c', '']],
    ['\0', ['']],
    ['nginx: master process', ['nginx: master process']],
    ['a b\0c\nd\0', ['a b', 'c\nd']],
  ])('have a command line: %j', (text, args) => expect(parseCommandLine(text)).toEqual(args))

  it('of this machine have this one among them, and a child of it', async () => {
    const sleeping = execa('sleep', ['60'], { reject: false })
    try {
      await expect.poll(() => readProcess(sleeping.pid as number)?.commandLine, { interval: 5 }).toEqual(['sleep', '60'])
      const all = readProcesses()
      expect(all.find(({ pid }) => pid === process.pid)).toMatchObject({ ppid: process.ppid, comm: expect.any(String) })
      expect(childrenOf(process.pid, all).map(({ pid }) => pid)).toContain(sleeping.pid)
      const inode = readNamespace('self', 'net') as number
      expect(processesIn('net', inode).map(({ pid }) => pid)).toEqual(expect.arrayContaining([process.pid, sleeping.pid]))
      expect(executableOf('self')).toBe(process.execPath)
    } finally {
      sleeping.kill()
      await sleeping
    }
    expect(readProcess(sleeping.pid as number)).toBeUndefined()
    expect(executableOf(sleeping.pid as number)).toBeUndefined()
    expect(readNamespaces(sleeping.pid as number)).toBeUndefined()
  })
})

describe('namespaces', () => {
  it('are inode numbers', () => {
    expect(parseNamespaceLink('uts:[4026531838]')).toBe(4026531838)
    for (const wrong of ['', 'uts', 'uts:[]', 'uts:[1', 'uts:[x]', '/etc', 'uts:[1]\n'])
      expect(() => parseNamespaceLink(wrong)).toThrow(DrydockError)
  })

  it('of this process are all there, and the same as its own', () => {
    const own = readNamespaces('self')
    for (const kind of NAMESPACE_FILES.filter((file) => !file.startsWith('time'))) expect(own?.[kind]).toBeGreaterThan(0)
    expect(own?.pid).toBe(own?.pid_for_children)
  })

  it('that a kernel or a zombie lacks are absent and not compared', () => {
    add(30, 1, 5, '')
    add(31, 1, 6, '')
    symlinkSync('user:[77]', join(root, '31/ns/user'))
    expect(readNamespaces(30, root)).toEqual({ net: 5 })
    expect(differingNamespaces({ net: 5 }, { net: 6, user: 77 })).toEqual(['net'])
    expect(differingNamespaces({ net: 5, uts: 1 }, { net: 5, uts: 1 })).toEqual([])
  })
})

describe('what must not be read', () => {
  it('is an error that names the file, not nothing', () => {
    mkdirSync(join(root, '40'))
    // A directory where a file should be: an error that is not "gone".
    expect(() => readProcFile(join(root, '40'))).toThrow(new RegExp(`${root}/40 cannot be read: EISDIR`))
    expect(readProcFile(join(root, '41'))).toBeUndefined()
  })
})
