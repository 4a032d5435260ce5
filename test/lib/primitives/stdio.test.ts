import { describe, expect, test } from 'vitest'
import { plan } from '../../../lib/container/plan.js'
import { showStep } from '../../../lib/kernel/show.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'
import { type Stdio, stdio } from '../../../lib/primitives/stdio.js'

const lines = ({ steps }: Stdio) => steps.map((step) => `${step.phase} ${step.actor}: ${showStep(step)}`)

describe('a terminal', () => {
  const terminal = stdio({ kind: 'terminal', rows: 24, columns: 80 })

  test('is opened inside, and its master taken out', () => {
    expect(lines(terminal)).toEqual([
      'terminal container: openat(fdcwd, "/dev/pts/ptmx", rdwr|noctty|cloexec, 0)',
      'terminal container: ioctl(<stdio.master>, tiocsptlck, {lock=0})',
      'terminal container: ioctl(<stdio.master>, tiocgptpeer, rdwr|noctty|cloexec)',
      'terminal container: ioctl(<stdio.slave>, tiocswinsz, {ws_row=24, ws_col=80})',
      'terminal container: mknodat(fdcwd, "/dev/console", ifreg|0600, makedev(0, 0))',
      'terminal container: mount("/dev/pts/0", "/dev/console", NULL, bind, NULL)',
      'terminal container: setsid()',
      'terminal container: ioctl(<stdio.slave>, tiocsctty, 0)',
      'terminal container: dup3(<stdio.slave>, 0, 0)',
      'terminal container: dup3(<stdio.slave>, 1, 0)',
      'terminal container: dup3(<stdio.slave>, 2, 0)',
      'terminal host: pidfd_getfd(<pidfd>, <stdio.master>, 0)',
    ])
    expect(terminal.monitor).toEqual({ tty: true, stdout: { ref: 'stdio.terminal' } })
  })

  test('is given to the program’s user by the container’s number for him', () => {
    const given = stdio({ kind: 'terminal', rows: 1, columns: 1, owner: { inside: 7, outside: 100_007 }, console: false })
    expect(lines(given)).toContain('terminal container: fchownat(<stdio.slave>, "", 7, unchanged, empty_path)')
    expect(lines(given).join()).not.toContain('console')
  })

  test('has a size that a terminal can have', () => {
    expect(() => stdio({ kind: 'terminal', rows: 24, columns: 65_536 })).toThrow(/no size/)
    expect(() => stdio({ kind: 'terminal', rows: -1, columns: 80 })).toThrow(/no size/)
  })
})

describe('pipes', () => {
  test('are made by the host, which closes the container’s ends when it has them', () => {
    const pipes = stdio({ kind: 'pipes', stdin: true, owner: { inside: 7, outside: 100_007 } })
    const shown = lines(pipes)
    expect(shown.filter((line) => line.includes('pipe2'))).toHaveLength(3)
    expect(shown).toContain('terminal host: fchownat(<stdio.out>, "", 100007, unchanged, empty_path)')
    expect(shown.filter((line) => line.startsWith('admit'))).toEqual([
      'admit host: close(<stdio.child-in>)',
      'admit host: close(<stdio.child-out>)',
      'admit host: close(<stdio.child-err>)',
    ])
    expect(pipes.monitor).toEqual({ stdin: { ref: 'stdio.in' }, stdout: { ref: 'stdio.out' }, stderr: { ref: 'stdio.err' } })
  })

  test('are two when nobody types', () => {
    const pipes = stdio({ kind: 'pipes', stdin: false })
    expect(lines(pipes)).toContain('terminal container: openat(fdcwd, "/dev/null", rdonly|cloexec, 0)')
    expect(pipes.monitor).not.toHaveProperty('stdin')
  })
})

test.each([
  ['a terminal', stdio({ kind: 'terminal', rows: 24, columns: 80 })],
  ['pipes', stdio({ kind: 'pipes', stdin: true })],
])('%s fits into a plan', (_, ends) => {
  expect(() => plan([namespaces({ mnt: 'new', pid: 'new' }), ends])).not.toThrow()
})
