import { describe, expect, test } from 'vitest'
import { plan } from '../../../lib/container/plan.js'
import { showStep } from '../../../lib/kernel/show.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'
import { stdio } from '../../../lib/primitives/stdio.js'

const lines = (fragment: ReturnType<typeof stdio>, phase: string, actor: string) =>
  fragment.steps.filter((step) => step.phase === phase && step.actor === actor).map(showStep)

describe('pipes', () => {
  test('three: the host keeps its ends and closes the child’s once that is born', () => {
    const fragment = stdio({ kind: 'pipes', stdin: true })
    expect(lines(fragment, 'prepare', 'host')).toHaveLength(3)
    expect(lines(fragment, 'admit', 'host')).toEqual([
      'close(<stdio.stdin.child>)',
      'close(<stdio.stdout.child>)',
      'close(<stdio.stderr.child>)',
    ])
    expect(lines(fragment, 'terminal', 'container')).toEqual([
      'setsid()',
      'dup3(<stdio.stdin.child>, 0, 0)',
      'dup3(<stdio.stdout.child>, 1, 0)',
      'dup3(<stdio.stderr.child>, 2, 0)',
    ])
    expect(fragment.monitor).toEqual({ stdin: { ref: 'stdio.stdin' }, stdout: { ref: 'stdio.stdout' }, stderr: { ref: 'stdio.stderr' } })
  })

  test('without input stdin is /dev/null', () => {
    const fragment = stdio({ kind: 'pipes', stdin: false })
    expect(lines(fragment, 'terminal', 'container')).toContain('openat(fdcwd, "/dev/null", rdonly|cloexec, 0)')
    expect(fragment.monitor).not.toHaveProperty('stdin')
  })
})

describe('a terminal', () => {
  const fragment = stdio({ kind: 'terminal', rows: 30, columns: 100, uid: 33 })

  test('is the container’s own, its size is set before it is used, and its master goes to the host', () => {
    const steps = fragment.steps.map((step) => `${step.actor} ${showStep(step)}`)
    const at = (words: string) => steps.findIndex((line) => line.includes(words))
    const order = [
      '"/dev/ptmx"',
      'tiocsptlck',
      'tiocgptn',
      'ws_row=30',
      'host pidfd_getfd',
      'container close(',
      'setsid',
      'fchownat',
      'tiocsctty',
      'dup3(<stdio.slave>, 2',
    ]
    expect(order.map(at)).toEqual(order.map(at).sort((a, b) => a - b))
    expect(order.map(at)).not.toContain(-1)
    expect(fragment.monitor).toEqual({ tty: true, stdout: { ref: 'stdio.master' } })
  })

  test('stands in the phase of terminals', () => {
    expect(() => plan([namespaces({ mnt: 'new', pid: 'new' }), fragment])).not.toThrow()
    expect(new Set(fragment.steps.map(({ phase }) => phase))).toEqual(new Set(['terminal']))
  })
})
