import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isInsecure } from '../../../../lib/image/registry/config.js'
import { configFile, registryConfig, withOptions } from '../../../../lib/image/registry/index.js'
import { NO_CONFIG } from '../../../support/registry-client.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-registries-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const write = (content: unknown) => writeFileSync(configFile(root), typeof content === 'string' ? content : JSON.stringify(content))

describe('registries.json', () => {
  it('need not be there', () => {
    expect(registryConfig(root)).toMatchObject({ mirrors: [], insecure: [] })
    expect(registryConfig(join(root, 'none'))).toMatchObject({ mirrors: [] })
  })

  it('has the keys of daemon.json, and the command line comes first', () => {
    write({ 'registry-mirrors': ['http://room:5000/'], 'insecure-registries': ['10.0.0.0/8'], debug: true })
    const config = registryConfig(root)
    expect(config).toMatchObject({ mirrors: ['http://room:5000'], insecure: ['10.0.0.0/8'] })
    const more = withOptions(config, { mirrors: ['https://other', 'http://room:5000'], insecure: ['registry:5000'] })
    expect(more).toMatchObject({ mirrors: ['https://other', 'http://room:5000'], insecure: ['registry:5000', '10.0.0.0/8'] })
  })

  it.each<[unknown, string]>([
    ['{', 'registries.json is no JSON'],
    ['[]', 'registries.json is no JSON object'],
    [{ 'registry-mirrors': 'http://room' }, '"registry-mirrors" is no list of words'],
    [{ 'registry-mirrors': ['room:5000'] }, 'invalid mirror: '],
    [{ 'registry-mirrors': ['ftp://room'] }, 'invalid mirror: unsupported scheme "ftp" in "ftp://room"'],
    [{ 'registry-mirrors': ['http://room/?a'] }, 'invalid mirror: unsupported query or fragment'],
    [{ 'registry-mirrors': ['http://a:b@room/'] }, 'invalid mirror: username/password not allowed in URI'],
    [{ 'insecure-registries': ['http://room'] }, 'insecure registry http://room is not valid'],
    [{ 'insecure-registries': ['10.0.0.0/99'] }, 'insecure registry 10.0.0.0/99 is not valid'],
    [{ 'insecure-registries': ['room/path'] }, 'insecure registry room/path is not valid'],
  ])('%j is refused', (content, message) => {
    write(content)
    expect(() => registryConfig(root)).toThrow(message)
  })
})

describe('a registry may do without TLS', () => {
  const config = { ...NO_CONFIG, insecure: ['room', 'desk:5000', '10.1.0.0/16', 'fd00::/8'] }

  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9:5000', true],
    ['[::1]:5000', true],
    ['localhost:5000', true],
    ['room:5000', true],
    ['desk:5000', true],
    ['desk:5001', false],
    ['10.1.2.3:5000', true],
    ['10.2.2.3:5000', false],
    ['[fd00::1]:5000', true],
    ['[fe00::1]:5000', false],
    ['nobody.invalid', false],
  ])('%s: %s', async (domain, expected) => {
    expect(await isInsecure(domain, config)).toBe(expected)
  })
})
