import { expect, test } from 'vitest'
import type { ChangeKind } from '../../../../lib/image/pack/index.js'
import { withoutMountPoints } from '../../../../lib/image/pack/index.js'

const shown = (...lines: string[]) =>
  withoutMountPoints(lines.map((line) => ({ kind: line[0] as ChangeKind, path: line.slice(2) }))).map(({ kind, path }) => `${kind} ${path}`)

test('mount points that were made for the container are no changes of its own', () => {
  expect(shown('A /dev', 'A /dev/pts', 'C /etc', 'A /etc/hosts', 'A /new', 'A /proc')).toEqual(['A /new'])
  expect(shown('C /etc', 'A /etc/hosts', 'C /etc/passwd', 'D /sys')).toEqual(['C /etc', 'C /etc/passwd', 'D /sys'])
  expect(shown('C /etc', 'C /etc/hosts', 'A /dev', 'A /dev/node')).toEqual(['C /etc', 'C /etc/hosts', 'A /dev/node'])
})
