import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { credentialsFor, eraseCredentials, login, logout, saveCredentials } from '../../../../lib/image/registry/index.js'
import { NO_CONFIG } from '../../../support/registry-client.js'
import { basicAuth, bearerAuth, RegistryServer } from '../../../support/registry-server.js'

const HUB = 'https://index.docker.io/v1/'
const auth = (user: string, password: string) => Buffer.from(`${user}:${password}`).toString('base64')

let home: string
let before: { DOCKER_CONFIG: string | undefined; PATH: string | undefined }

beforeEach(() => {
  before = { DOCKER_CONFIG: process.env.DOCKER_CONFIG, PATH: process.env.PATH }
  home = mkdtempSync(join(tmpdir(), 'drydock-credentials-'))
  process.env.DOCKER_CONFIG = join(home, 'docker')
})
afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  rmSync(home, { recursive: true })
})

const path = () => join(home, 'docker/config.json')
const read = () => JSON.parse(readFileSync(path(), 'utf8'))
function write(config: unknown): void {
  mkdirSync(join(home, 'docker'), { recursive: true })
  writeFileSync(path(), typeof config === 'string' ? config : JSON.stringify(config))
}

describe('the file', () => {
  it('need not be there', async () => {
    expect(await credentialsFor('docker.io')).toBeUndefined()
    expect(await eraseCredentials('docker.io')).toBe(false)
    expect(readdirSync(home)).toEqual([])
  })

  it('has passwords, identity tokens and access tokens by registry', async () => {
    write({
      auths: {
        [HUB]: { auth: auth('captain', 'a:b') },
        'https://old.example.com/v1/': { auth: auth('old', 'salt\0') },
        'token.example.com': { auth: auth('user', ''), identitytoken: 'for-ever' },
        'given.example.com': { registrytoken: 'now' },
        'plain.example.com': { username: 'mate', password: 'secret' },
        'empty.example.com': {},
      },
    })
    expect(await credentialsFor('docker.io')).toEqual({ username: 'captain', password: 'a:b' })
    expect(await credentialsFor('old.example.com')).toEqual({ username: 'old', password: 'salt' })
    expect(await credentialsFor('token.example.com')).toEqual({ username: 'user', password: '', identityToken: 'for-ever' })
    expect(await credentialsFor('given.example.com')).toEqual({ registryToken: 'now' })
    expect(await credentialsFor('plain.example.com')).toEqual({ username: 'mate', password: 'secret' })
    expect(await credentialsFor('empty.example.com')).toBeUndefined()
    expect(await credentialsFor('example.com')).toBeUndefined()
  })

  it('keeps all else that is in it, and is for its owner alone', async () => {
    write({ HttpHeaders: { a: 'b' }, auths: { 'other.example.com': { auth: 'eDp5' } }, detachKeys: 'ctrl-x' })
    chmodSync(path(), 0o644)
    await saveCredentials('docker.io', { username: 'captain', password: 'sea' })
    await saveCredentials('localhost:5000', { username: 'mate', password: 'secret', identityToken: 'for-ever' })
    expect(read()).toEqual({
      HttpHeaders: { a: 'b' },
      auths: {
        'other.example.com': { auth: 'eDp5' },
        [HUB]: { auth: auth('captain', 'sea') },
        'localhost:5000': { auth: auth('mate', ''), identitytoken: 'for-ever' },
      },
      detachKeys: 'ctrl-x',
    })
    expect(statSync(path()).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(home, 'docker'))).toEqual(['config.json'])
    expect(await eraseCredentials('docker.io')).toBe(true)
    expect(await eraseCredentials('docker.io')).toBe(false)
    expect(Object.keys(read().auths)).toEqual(['other.example.com', 'localhost:5000'])
  })

  it('may be a link to where it really is', async () => {
    write({})
    const elsewhere = join(home, 'elsewhere.json')
    writeFileSync(elsewhere, '{}')
    rmSync(path())
    symlinkSync(elsewhere, path())
    await saveCredentials('docker.io', { username: 'captain', password: 'sea' })
    expect(lstatSync(path()).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(elsewhere, 'utf8')).auths[HUB]).toBeDefined()
  })

  it('that cannot be understood is named, and nothing of it shown', async () => {
    for (const content of ['{"auths": {"x": secret', '[]', '"secret"']) {
      write(content)
      await expect(credentialsFor('docker.io')).rejects.toThrow(`${path()} is no JSON object`)
    }
    write({ auths: { 'a.b': { auth: 'secret' } } })
    await expect(credentialsFor('a.b')).rejects.toThrow('what is kept for a.b is no user and password')
  })
})

describe('a helper', () => {
  /** A program that keeps what it is given in a file, and says what it was called with. */
  beforeEach(() => {
    mkdirSync(join(home, 'bin'))
    const script = `#!/bin/sh
input=$(cat)
echo "$1 $input" >> ${home}/calls
case $1 in
  get) if [ -e ${home}/kept ]; then cat ${home}/kept; else echo "credentials not found in native keychain"; exit 1; fi;;
  store) echo "$input" > ${home}/kept;;
  erase) rm ${home}/kept;;
esac
`
    writeFileSync(join(home, 'bin/docker-credential-chest'), script, { mode: 0o755 })
    writeFileSync(join(home, 'bin/docker-credential-locked'), '#!/bin/sh\ncat > /dev/null\necho the chest is locked\nexit 1\n', {
      mode: 0o755,
    })
    process.env.PATH = `${join(home, 'bin')}:${before.PATH}`
  })

  it.each([{ credsStore: 'chest' }, { credHelpers: { 'a.example.com': 'chest' } }])('keeps, gives and forgets (%j)', async (config) => {
    write(config)
    expect(await credentialsFor('a.example.com')).toBeUndefined()
    await saveCredentials('a.example.com', { username: 'mate', password: 'se"cret' })
    expect(read()).toEqual({ ...config, auths: { 'a.example.com': {} } })
    expect(await credentialsFor('a.example.com')).toEqual({ username: 'mate', password: 'se"cret' })
    await saveCredentials('a.example.com', { username: 'mate', password: 'x', identityToken: 'for-ever' })
    expect(await credentialsFor('a.example.com')).toEqual({ identityToken: 'for-ever' })
    expect(await eraseCredentials('a.example.com')).toBe(true)
    expect(await credentialsFor('a.example.com')).toBeUndefined()
    expect(read()).toEqual({ ...config, auths: {} })
    const calls = readFileSync(join(home, 'calls'), 'utf8').split('\n')
    expect(calls).toContain('store {"ServerURL":"a.example.com","Username":"mate","Secret":"se\\"cret"}')
    expect(calls).toContain('erase a.example.com')
  })

  it('of one registry is not asked for another', async () => {
    write({ credHelpers: { 'a.example.com': 'locked' }, auths: { 'b.example.com': { auth: auth('mate', 'secret') } } })
    expect(await credentialsFor('b.example.com')).toEqual({ username: 'mate', password: 'secret' })
    await expect(credentialsFor('a.example.com')).rejects.toThrow('docker-credential-locked: the chest is locked')
  })

  it('that is not there, or is no name, is said', async () => {
    write({ credsStore: 'nobody' })
    await expect(credentialsFor('docker.io')).rejects.toThrow('exec: "docker-credential-nobody": executable file not found in $PATH')
    write({ credsStore: '../../bin/sh' })
    await expect(credentialsFor('docker.io')).rejects.toThrow('has no name that a program could have')
  })
})

describe('login', () => {
  let server: RegistryServer
  afterEach(() => server.stop())

  it('keeps a password that the registry takes', async () => {
    server = await RegistryServer.start({ auth: basicAuth('mate', 'secret') })
    await login(server.host, { username: 'mate', password: 'secret' }, { config: NO_CONFIG })
    expect(read().auths).toEqual({ [server.host]: { auth: auth('mate', 'secret') } })
    expect(await logout(server.host)).toBe(true)
    expect(read().auths).toEqual({})
  })

  it('keeps the identity token in place of the password', async () => {
    server = await RegistryServer.start({ auth: bearerAuth({ user: 'mate', password: 'secret', identityToken: 'for-ever' }) })
    await login(server.host, { username: 'mate', password: 'secret' }, { config: NO_CONFIG })
    expect(read().auths).toEqual({ [server.host]: { auth: auth('mate', ''), identitytoken: 'for-ever' } })
  })

  it.each([
    ['basic', basicAuth('mate', 'secret'), (url: string) => `login attempt to ${url}/v2/ failed with status: 401 Unauthorized`],
    ['bearer', bearerAuth({ user: 'mate' }), (url: string) => `Get "${url}/v2/": unauthorized: incorrect username or password`],
  ])('keeps nothing that the registry refuses (%s)', async (_, kind, message) => {
    server = await RegistryServer.start({ auth: kind })
    const attempt = login(server.host, { username: 'mate', password: 'wrong' }, { config: NO_CONFIG })
    await expect(attempt).rejects.toMatchObject({ message: message(server.url), status: 401 })
    expect(readdirSync(home)).toEqual([])
  })
})
