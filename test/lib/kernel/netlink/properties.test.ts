/** What holds of every netlink message: what is put together is taken apart again; and what somebody has damaged is decoded or refused, and is bounded. */
import { expect, test } from 'vitest'
import { constant } from '../../../../lib/kernel/constants.js'
import { Attributes, splitMessages } from '../../../../lib/kernel/netlink/attributes.js'
import { decodeAddresses, decodeForwarding, decodeLinks, decodeNeighbours, decodeRoutes } from '../../../../lib/kernel/netlink/decode.js'
import { attribute, type Piece, string, together, typedMessage, u8, u16, u32 } from '../../../../lib/kernel/netlink/message.js'
import { answerOf, buffer, changed, changes, fc, RUNS } from '../../../support/properties.js'

const number = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
const type = fc.integer({ min: 1, max: 0x3fff })
/** A value, and the attribute of it. */
const value = fc.oneof(
  number(8).map((told) => ({
    told,
    make: (type: number) => u8(type, told),
    read: (all: Attributes, type: number) => all.number(type) as unknown,
  })),
  number(16).map((told) => ({
    told,
    make: (type: number) => u16(type, told),
    read: (all: Attributes, type: number) => all.number(type) as unknown,
  })),
  number(32).map((told) => ({
    told,
    make: (type: number) => u32(type, told),
    read: (all: Attributes, type: number) => all.number(type) as unknown,
  })),
  fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .filter((text) => !text.includes('\0'))
    .map((told) => ({
      told,
      make: (type: number) => string(type, told),
      read: (all: Attributes, type: number) => all.text(type) as unknown,
    })),
  buffer(0, 40).map((told) => ({
    told,
    make: (type: number) => attribute(type, told),
    read: (all: Attributes, type: number) => all.bytes(type) as unknown,
  })),
)
const attributes = fc.uniqueArray(fc.tuple(type, value), { selector: ([type]) => type, maxLength: 6 })
const structure = (size: number) => buffer(size, size)

test('attributes that are put together are taken apart again, nested ones too', () => {
  fc.assert(
    fc.property(structure(16), attributes, attributes, type, number(16), (head, outer, inner, nest, number) => {
      const within = attribute(
        nest,
        inner.map(([type, { make }]) => make(type)),
      )
      const others = outer.filter(([type]) => type !== nest)
      const pieces: Piece[] = [head, ...others.map(([type, { make }]) => make(type)), within]
      const one = typedMessage(number, ['dump'], pieces, '')
      const messages = splitMessages(together([one, one]).bytes)
      expect(messages).toHaveLength(2)
      for (const { body, type } of messages) {
        expect(type).toBe(number)
        const found = new Attributes(body, 16)
        expect(found.types).toHaveLength(others.length + 1)
        for (const [type, { told, read }] of others) expect(read(found, type)).toEqual(told)
        const nested = found.nested(nest) as Attributes
        for (const [type, { told, read }] of inner) expect(read(nested, type)).toEqual(told)
      }
    }),
  )
})

const DECODERS = [
  [decodeLinks, 'newlink', 16],
  [decodeAddresses, 'newaddr', 8],
  [decodeRoutes, 'newroute', 12],
  [decodeNeighbours, 'newneigh', 12],
  [decodeForwarding, 'newneigh', 12],
] as const

/** Attributes with the numbers that the decoders look for, and any bytes. */
const near = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.oneof(buffer(0, 24), structure(4), structure(6), structure(16))), {
  maxLength: 8,
})
const family = fc.constantFrom(2, 10, 7, 0, 255)

test('answers that the kernel never gave are decoded or refused', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...DECODERS),
      structure(16),
      family,
      near,
      changes(3),
      fc.nat(8),
      ([decode, word, size], head, family, some, damage, more) => {
        const start = Buffer.from(head.subarray(0, size))
        start[0] = family
        const { bytes } = typedMessage(constant('rtm', word), [], [start, ...some.map(([type, bytes]) => attribute(type, bytes))], '')
        const whole = decode === decodeLinks || (decode === decodeForwarding ? family === 7 : family === 2 || family === 10)
        const found = answerOf(() => decode(bytes))
        if (found) expect(found).toHaveLength(whole ? 1 : 0)
        // A dump is longer than its messages, as buffers are.
        const dump = Buffer.concat([bytes, bytes, Buffer.alloc(more * 4)])
        const both = answerOf(() => decode(dump))
        if (found) expect(both).toEqual([...found, ...found])
        const wild = answerOf<unknown[]>(() => decode(changed(dump, damage)))
        if (wild) expect(JSON.stringify(wild).length).toBeLessThan(40 * dump.length + 1000)
      },
    ),
    { numRuns: 5 * RUNS },
  )
})

test('any bytes are messages or refused', () => {
  fc.assert(
    fc.property(buffer(0, 200), fc.constantFrom(...DECODERS), (bytes, [decode]) => {
      const messages = answerOf(() => splitMessages(bytes))
      if (messages) expect(messages.reduce((sum, { body }) => sum + 16 + body.length, 0)).toBeLessThanOrEqual(bytes.length)
      answerOf(() => decode(bytes))
    }),
    { numRuns: 5 * RUNS },
  )
})
