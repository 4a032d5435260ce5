/** What older versions of the API did not know, and what they knew otherwise. */
import { expect, test } from 'vitest'
import { containerOf, createBodyOf } from '../../../lib/api/older.js'

test('before 1.44 a container is made with one network', () => {
  const body = { NetworkingConfig: { EndpointsConfig: { sea: {}, lake: {} } } }
  expect(() => createBodyOf(body, 43)).toThrow('Container cannot be connected to network endpoints: sea, lake')
  expect(createBodyOf(body, 44)).toBe(body)
  expect(createBodyOf({ NetworkingConfig: null }, 30)).toEqual({ NetworkingConfig: null })
})

test('before 1.45 the beginning of its id is among the aliases, once it is connected', () => {
  const Id = 'abcdef012345'.repeat(5)
  const endpoints = { sea: { Aliases: ['db'], DNSNames: ['one', 'db'] }, lake: { Aliases: null, DNSNames: null } }
  const document = { Id, NetworkSettings: { Ports: {}, Networks: endpoints } }
  expect(containerOf(document, 45)).toBe(document)
  expect(containerOf(document, 44)).toEqual({
    Id,
    NetworkSettings: { Ports: {}, Networks: { sea: { ...endpoints.sea, Aliases: ['db', 'abcdef012345'] }, lake: endpoints.lake } },
  })
})
