import { describe, expect, it } from 'vitest'
import { startError } from '../../../lib/container/failures.js'
import { setgroups, setresuid } from '../../../lib/kernel/calls/credentials.js'
import { mkdir } from '../../../lib/kernel/calls/files.js'
import { mount } from '../../../lib/kernel/calls/mounts.js'
import { setrlimit } from '../../../lib/kernel/calls/process.js'
import { errnoNumber } from '../../../lib/kernel/constants.js'
import type { Step } from '../../../lib/kernel/step.js'
import { specOf } from '../../support/spec.js'

const spec = specOf({ layers: ['/layer'], argv: ['true'] })
const failed = (step: Step, errno: string) =>
  startError(
    [{ step: { ...step, actor: 'container' }, status: 'failed', ret: -1n, errno: errnoNumber(errno), nanoseconds: 0, outs: [] }],
    spec,
  )?.message

it('says what an id, and a limit, that cannot be had means', () => {
  expect(failed(setresuid(70_000, 70_000, 70_000), 'EINVAL')).toMatch(/EINVAL .*: the container’s user namespace has no such id/)
  expect(failed(setgroups([70_000]), 'EINVAL')).toMatch(/has no such id/)
  expect(failed(setgroups([5]), 'EPERM')).not.toMatch(/has no such id/)
  expect(failed(setrlimit('nofile', 1, 2), 'EPERM')).toMatch(/takes CAP_SYS_RESOURCE/)
})

describe('ENOSPC', () => {
  it('is about the disk where something is written', () => {
    expect(failed(mkdir('/x'), 'ENOSPC')).toMatch(/ENOSPC .*: the disk is full$/)
  })

  it('is about their number where something is mounted', () => {
    expect(failed(mount('/a', '/b', null, ['bind', 'rec']), 'ENOSPC')).toMatch(
      /the limit of mounts in one namespace is reached \(\/proc\/sys\/fs\/mount-max\)$/,
    )
  })
})
