/** What holds of every name: as it is shown it means the same again, in both its forms; and what is no name is refused, quickly. */
import { expect, test } from 'vitest'
import {
  canonical,
  canonicalName,
  familiar,
  isDigest,
  parseAnyReference,
  parseDigest,
  parseDomain,
  parseReference,
  type Reference,
  withDefaultTag,
  withDigest,
  withoutTag,
  withTag,
} from '../../../lib/image/reference.js'
import type { Digest } from '../../../lib/image/types.js'
import { answerOf, fc, RUNS } from '../../support/properties.js'

const component = fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/)
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const host = fc.oneof(
  fc.constantFrom('docker.io', 'localhost', 'index.docker.io', 'HARBOUR', '[fc00::1]', '127.0.0.1'),
  fc.stringMatching(/^[a-zA-Z0-9]{1,5}(-[a-z]{1,3})?\.[a-z]{2,4}$/),
)
const domain = fc
  .tuple(host, fc.option(fc.integer({ min: 0, max: 65535 })))
  .map(([name, port]) => (port === null ? name : `${name}:${port}`))
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/)
const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex): Digest => `sha256:${hex}`)

/** As somebody types them. */
const typed = fc
  .record({ domain: fc.option(domain), path, tag: fc.option(tag), digest: fc.option(digest) })
  // What is before the first slash is a domain, if it has a dot in it.
  .filter((said) => said.domain !== null || !/^[^/]*\..*\//.test(said.path))
  .map(
    (said) => `${said.domain ? `${said.domain}/` : ''}${said.path}${said.tag ? `:${said.tag}` : ''}${said.digest ? `@${said.digest}` : ''}`,
  )

/** Letters that mean something in a name, in any order. */
const anything = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'aA0/.:@_-[]%é \n', 'sha256:', 'docker.io/'), maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

function holds(word: string): Reference | undefined {
  const found = answerOf(() => parseReference(word))
  if (!found) return undefined
  // A name that has come to be longer than it was typed, by what is added to it, is the same name.
  expect(answerOf(() => parseReference(canonical(found)))).toEqual(found)
  expect(answerOf(() => parseReference(familiar(found)))).toEqual(found)
  expect(canonical(withDigest(withTag(withoutTag(found), 'x'), `sha256:${'0'.repeat(64)}`))).toBe(
    `${canonicalName(found)}:x@sha256:${'0'.repeat(64)}`,
  )
  const said = withDefaultTag(found)
  expect(said.tag !== undefined || said.digest !== undefined).toBe(true)
  return found
}

test('a name is one, and as it is shown it means the same', () => {
  fc.assert(
    fc.property(typed, (word) => {
      expect(holds(word)).toBeDefined()
    }),
  )
})

test('whatever else is typed is a name, which holds as well, or is refused', () => {
  fc.assert(
    fc.property(anything, (word) => {
      holds(word)
      const any = answerOf(() => parseAnyReference(word))
      if (typeof any === 'string') expect(isDigest(any)).toBe(true)
      const domain = answerOf(() => parseDomain(word))
      if (domain !== undefined) expect(answerOf(() => parseDomain(domain))).toBe(domain)
      const digest = answerOf(() => parseDigest(word))
      if (digest !== undefined) expect(digest).toBe(word)
    }),
    { numRuns: 10 * RUNS },
  )
})

// Were one of the patterns to go back and forth, these would take minutes.
test.each(['a', 'a-', 'a.', 'a_', '-', 'a/', ':', '[', 'A', '0', 'a:', '@', 'a@sha256:', '__a'])(
  'the same over and over, %j, is done with at once',
  (piece) => {
    const many = piece.repeat(50_000)
    for (const word of [many, `${many}!`, `localhost/${many}!`, `x:${many}`, `x@${many}:`, `x@${many}!`]) {
      for (const parse of [parseReference, parseAnyReference, parseDigest, parseDomain]) answerOf(() => parse(word))
    }
  },
  10_000,
)
