import { expect, test } from 'vitest'
import { open, write } from '../../../lib/kernel/calls/files.js'
import { encodeSteps, Slots } from '../../../lib/kernel/encode.js'
import { memoOf, remembered } from '../../../lib/kernel/remembered.js'
import { type Fragment, inPhase, ref } from '../../../lib/kernel/step.js'

interface Spec {
  readonly path: string
  readonly more?: { readonly content: string }
}

function make({ path, more = { content: '1' } }: Spec): Fragment {
  const steps = [open(path, ['wronly'], { keep: 'file', allow: ['ENOENT'] }), write(ref('file'), more.content), write(ref('other'), path)]
  return { primitive: 'test', title: path, steps: inPhase('mounts', 'container', steps) }
}

test('the same spec gives the same steps, another one others', () => {
  const primitive = remembered(make)
  const first = primitive({ path: '/a' })
  expect(primitive({ path: '/a' })).toBe(first)
  expect(first).toEqual(make({ path: '/a' }))
  const other = primitive({ path: '/a', more: { content: '2' } })
  expect(other).toEqual(make({ path: '/a', more: { content: '2' } }))
})

test('what throws is asked again, and no more than so many specs are known', () => {
  let asked = 0
  const primitive = remembered((path: string) => {
    asked++
    if (path === '') throw new Error('no path')
    return make({ path })
  })
  for (const _ of [1, 2]) expect(() => primitive('')).toThrow('no path')
  expect(asked).toBe(2)
  const first = primitive('/0')
  for (let i = 1; i <= 100; i++) primitive(`/${i}`)
  expect(primitive('/100').steps.every((step) => memoOf(step))).toBe(true)
  expect(primitive('/0')).not.toBe(first)
})

test('the bytes of a step that comes again are those of one that is new, in whatever slots its shim keeps the numbers', () => {
  const { steps } = remembered(make)({ path: '/proc/self/uid_map' })
  const fresh = make({ path: '/proc/self/uid_map' }).steps
  for (const before of [['other'], ['x', 'y', 'other'], ['other', 'file']]) {
    const [one, two] = [new Slots(), new Slots()]
    for (const name of before) for (const slots of [one, two]) slots.define(name)
    const [again, anew] = [encodeSteps(steps, one), encodeSteps(fresh, two)]
    expect(Buffer.from(again).toString('hex')).toBe(Buffer.from(anew).toString('hex'))
  }
  expect(() => encodeSteps(steps, new Slots())).toThrow("a step refers to 'other'")
})
