import { describe, expect, test } from 'vitest'
import { open, write } from '../../../lib/kernel/calls/files.js'
import { mount } from '../../../lib/kernel/calls/mounts.js'
import { clone, execve, sethostname } from '../../../lib/kernel/calls/process.js'
import { encodeSteps, Slots } from '../../../lib/kernel/encode.js'
import { child, host, ref, text, withActors } from '../../../lib/kernel/step.js'
import { Writer } from '../../../lib/kernel/writer.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('encodeSteps', () => {
  test('writes a step as PROTOCOL.md says, byte for byte', () => {
    const step = sethostname('box', { allow: ['EPERM'], keep: 'it' })
    const expected = [
      '0100', // one step
      '00', // host: no clone before it
      '01' + '01000000', // one allowed error, EPERM
      '01' + 'ff' + '0000' + '08' + '00', // one keep: the return value into slot 0
      `0b${Buffer.from('sethostname').toString('hex')}`,
      '02', // two arguments
      '02' + '03000000' + '626f78' + '00' + '00', // BYTES "box", NUL, no patches
      '00' + '0300000000000000', // INT 3
      '00', // no undo
    ]
    expect(hex(encodeSteps([step], new Slots()))).toBe(expected.join(''))
  })

  test('sends what follows the clone to the container, unless a step says otherwise', () => {
    const actors = withActors([mount(null, '/', null), clone('uts'), sethostname('a'), host(sethostname('b'))]).map(({ actor }) => actor)
    expect(actors).toEqual(['host', 'host', 'container', 'host'])
  })

  test('puts numbers of earlier steps into strings by slot', () => {
    const slots = new Slots()
    const steps = [clone('user'), host(open(text`/proc/${child}/uid_map`, ['wronly'], { keep: 'map' })), host(write(ref('map'), '0 0 1'))]
    const encoded = hex(encodeSteps(steps, slots))
    // TEXT of three parts: "/proc/", slot 127, "/uid_map"
    expect(encoded).toContain(`0303000600${Buffer.from('/proc/').toString('hex')}017f000800${Buffer.from('/uid_map').toString('hex')}`)
    expect(slots.find('map')).toBe(slots.find('map'))
  })

  test('names what is wrong before anything is sent', () => {
    expect(() => encodeSteps([write(ref('nothing'), 'x')], new Slots())).toThrow(
      "a step refers to 'nothing', which no step before it keeps",
    )
    expect(() => encodeSteps([mount('a\0b', '/', null)], new Slots())).toThrow('holds a NUL byte')
    expect(() => encodeSteps([mount('x'.repeat(70_000), '/', null)], new Slots())).toThrow('too long for a system call')
  })

  // Whoever makes an image chooses how many variables it has, and what stands in them: counted wrongly, they would be steps.
  test('counts all arguments and variables, or refuses them', () => {
    const many = Array.from({ length: 0x10000 }, () => 'x')
    expect(() => encodeSteps([execve('/bin/true', many.slice(1), many.slice(1))], new Slots())).not.toThrow()
    expect(() => encodeSteps([execve('/bin/true', many)], new Slots())).toThrow('at most 65535 arguments')
    expect(() => encodeSteps([execve('/bin/true', [], many)], new Slots())).toThrow('these are 65536')
  })

  test('writes no count in part', () => {
    const steps = (count: number) => Array.from({ length: count }, () => sethostname('box'))
    expect(() => encodeSteps([sethostname('box', { undo: steps(255) })], new Slots())).not.toThrow()
    expect(() => encodeSteps([sethostname('box', { undo: steps(256) })], new Slots())).toThrow('256 has more than the 8 bits')
    expect(() => encodeSteps(steps(0x10000), new Slots())).toThrow('65536 has more than the 16 bits')
  })

  test('has room for 127 kept numbers and says so for one more', () => {
    const slots = new Slots()
    const keeping = (count: number) => Array.from({ length: count }, (_, index) => open('/', ['rdonly'], { keep: `fd${index}` }))
    expect(() => encodeSteps(keeping(127), slots)).not.toThrow()
    expect(() => encodeSteps(keeping(128), new Slots())).toThrow("'fd127' is one too many")
  })
})

describe('Writer', () => {
  test('keeps what was written while it grows', () => {
    const writer = new Writer()
    const long = Buffer.alloc(10_000, 7)
    for (let index = 0; index < 5; index++) {
      writer.u8(index)
      writer.raw(long)
      writer.i64(-1n)
    }
    const bytes = Buffer.from(writer.bytes())
    expect(bytes.length).toBe(5 * 10_009)
    for (let index = 0; index < 5; index++) {
      const at = index * 10_009
      expect(bytes[at]).toBe(index)
      expect(bytes.subarray(at + 1, at + 10_001).equals(long)).toBe(true)
      expect(bytes.readBigInt64LE(at + 10_001)).toBe(-1n)
    }
  })
})
