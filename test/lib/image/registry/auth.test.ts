import { afterEach, describe, expect, it } from 'vitest'
import { Authorizer } from '../../../../lib/image/registry/authorizer.js'
import { parseChallenges } from '../../../../lib/image/registry/challenge.js'
import { HttpClient } from '../../../../lib/image/registry/http.js'
import { type Credentials, PATIENCE } from '../../../../lib/image/registry/index.js'
import { bytes, collect, NO_CONFIG, registryClient } from '../../../support/registry-client.js'
import { basicAuth, bearerAuth, faults, RegistryServer, type StartOptions } from '../../../support/registry-server.js'

describe('a challenge', () => {
  it('is read with its parameters, quoted or not, one after the other', () => {
    const header = 'Bearer realm="https://auth.example.com/token?a=b,c",Service=reg, scope="a \\"b\\"", Basic realm="x" , Negotiate'
    expect(parseChallenges(header)).toEqual([
      { scheme: 'bearer', parameters: { realm: 'https://auth.example.com/token?a=b,c', service: 'reg', scope: 'a "b"' } },
      { scheme: 'basic', parameters: { realm: 'x' } },
      { scheme: 'negotiate', parameters: {} },
    ])
    for (const nothing of [undefined, '', '=', '"', 'x'.repeat(10_000)]) expect(parseChallenges(nothing)).toEqual([])
  })
})

const servers: RegistryServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

async function start(auth?: StartOptions['auth']): Promise<RegistryServer> {
  const server = await RegistryServer.start(auth ? { auth } : {})
  server.image('fleet/tug', 'latest', { layers: [bytes(100)] })
  servers.push(server)
  return server
}

const mate: Credentials = { username: 'mate', password: 'se:cret' }
const client = (server: RegistryServer, credentials?: Credentials) =>
  registryClient(`${server.host}/fleet/tug`, { credentials: async (domain) => (domain === server.host ? credentials : undefined) })
const authorizations = (server: RegistryServer, where = '/manifests/') =>
  server.asked('GET', where).map(({ headers }) => headers.authorization)

describe('a password', () => {
  it('is sent when it is asked for, and only then', async () => {
    const server = await start(basicAuth('mate', 'se:cret'))
    await client(server, mate).manifest('latest')
    expect(authorizations(server, '/v2/')).toEqual([undefined, `Basic ${Buffer.from('mate:se:cret').toString('base64')}`])
    const open = await start()
    await client(open, mate).manifest('latest')
    expect(authorizations(open)).toEqual([undefined])
  })

  it('that is missing or wrong is said', async () => {
    const server = await start(basicAuth('mate', 'other'))
    const url = `${server.url}/v2/fleet/tug/manifests/latest`
    await expect(client(server).manifest('latest')).rejects.toThrow(`Get "${url}": no basic auth credentials`)
    await expect(client(server, mate).manifest('latest')).rejects.toThrow('unauthorized: authentication required')
    expect(server.requests.length).toBeLessThan(8)
  })

  it('does not go along to where a request is redirected, nor to who asks for it there', async () => {
    const server = await start(basicAuth('mate', 'se:cret'))
    const thief = await start(basicAuth('mate', 'se:cret'))
    server.misbehave('/manifests/', faults.redirect(thief.url))
    await expect(client(server, mate).manifest('latest')).rejects.toThrow('unauthorized: authentication required')
    expect(thief.requests).toHaveLength(1)
    expect(thief.requests[0]?.headers.authorization).toBeUndefined()
  })
})

describe('a token', () => {
  it.each(['token', 'access_token'] as const)('is got for nobody in particular, once, as %s', async (field) => {
    const server = await start(bearerAuth({ field }))
    const registry = client(server)
    const { bytes: manifest } = await registry.manifest('latest')
    const layer = JSON.parse(manifest.toString()).layers[0]
    // All at once: one token.
    await Promise.all([1, 2, 3].map(() => collect(registry.blob(layer))))
    const asked = server.asked('GET', '/token')
    expect(asked).toHaveLength(1)
    expect(asked[0]?.path).toBe('/token?service=harbour&scope=repository%3Afleet%2Ftug%3Apull')
    expect(asked[0]?.headers.authorization).toBeUndefined()
    expect(authorizations(server)[0]).toMatch(/^Bearer /)
  })

  it('is got with a password', async () => {
    const server = await start(bearerAuth({ user: 'mate', password: 'se:cret' }))
    await client(server, mate).manifest('latest')
    const [asked] = server.asked('GET', '/token')
    expect(asked?.path).toContain('account=mate')
    expect(asked?.headers.authorization).toMatch(/^Basic /)
  })

  it('is got with an identity token, by POST', async () => {
    const server = await start(bearerAuth({ user: 'mate', identityToken: 'for-ever' }))
    await client(server, { identityToken: 'for-ever' }).manifest('latest')
    const form = new URLSearchParams(server.asked('POST', '/token')[0]?.body.toString())
    expect(Object.fromEntries(form)).toMatchObject({ grant_type: 'refresh_token', service: 'harbour', scope: 'repository:fleet/tug:pull' })
  })

  it('that one has already is used as it is', async () => {
    const auth = bearerAuth({ user: 'mate' })
    auth.tokens.set('given', ['repository:fleet/tug:pull'])
    const server = await start(auth)
    await client(server, { registryToken: 'given' }).manifest('latest')
    expect(server.asked('GET', '/token')).toHaveLength(0)
  })

  it('that has run out is renewed', async () => {
    const server = await start(bearerAuth())
    const registry = client(server)
    await registry.manifest('latest')
    server.revokeTokens()
    await registry.manifest('latest')
    expect(server.asked('GET', '/token')).toHaveLength(2)
  })

  it('that is refused is said as Docker says it', async () => {
    const server = await start(bearerAuth({ user: 'mate', password: 'other' }))
    const url = `${server.url}/v2/fleet/tug/manifests/latest`
    await expect(client(server, mate).manifest('latest')).rejects.toThrow(`Get "${url}": unauthorized: incorrect username or password`)
  })

  it('that is too narrow means that the image is not for us', async () => {
    const server = await start(bearerAuth())
    const registry = registryClient(`${server.host}/fleet/secret`)
    server.misbehave('/token', faults.status(200, {}, { token: 'narrow' }))
    server.misbehave(
      '/manifests/',
      faults.status(401, { 'www-authenticate': `Bearer realm="${server.url}/token",error="insufficient_scope"` }),
    )
    const message = `pull access denied for ${server.host}/fleet/secret, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`
    await expect(registry.manifest('latest')).rejects.toMatchObject({ message, status: 404 })
    expect(server.asked('GET', '/manifests/')).toHaveLength(1)
  })

  it('server that is busy is asked again', async () => {
    const server = await start(bearerAuth())
    server.misbehave('/token', faults.status(503), { times: 2 })
    await client(server).manifest('latest')
    expect(server.asked('GET', '/token')).toHaveLength(3)
  })

  it.each([
    ['without a token', faults.status(200, {}, {}), 'authorization server did not include a token in the response'],
    ['that is no JSON', faults.status(200, {}, 'hello'), 'authorization server did not include a token in the response'],
    ['without an end', faults.endless(), 'authorization server did not include a token in the response'],
    ['with a line’s end in the token', faults.status(200, {}, { token: 'a\r\nHost: b' }), 'gave a token that cannot be sent'],
  ])('answer %s is refused', async (_, fault, message) => {
    const server = await start(bearerAuth())
    server.misbehave('/token', fault)
    await expect(client(server).manifest('latest')).rejects.toThrow(message)
  })
})

describe('a token server elsewhere', () => {
  /** A registry that names it; and the two share their tokens. */
  async function pair(realm: (host: string) => string, options: { user?: string } = {}) {
    const shared = bearerAuth({ ...options, password: 'se:cret' })
    const tokens = await start(shared)
    const registry = await start({ ...shared, realm: realm(tokens.host) })
    return { registry, tokens }
  }

  it('gets the credentials of the registry that names it, as with Docker', async () => {
    const { registry, tokens } = await pair((host) => `http://${host}/token`, { user: 'mate' })
    await client(registry, mate).manifest('latest')
    expect(tokens.asked('GET', '/token')[0]?.headers.authorization).toMatch(/^Basic /)
  })

  it('gets none when it sends us on to another host', async () => {
    const { registry, tokens } = await pair((host) => `http://${host}/token`, { user: 'mate' })
    const thief = await start()
    tokens.misbehave('/token', faults.redirect(thief.url))
    await expect(client(registry, mate).manifest('latest')).rejects.toThrow()
    expect(thief.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('without TLS gets no password for a registry with it, and an anonymous question all the same', async () => {
    const tokens = await start(bearerAuth())
    const http = new HttpClient()
    const ask = (credentials: Credentials | undefined, insecure: boolean) => {
      const authorizer = new Authorizer({ http, credentials: async () => credentials, insecure, patience: PATIENCE })
      authorizer.challenged(`Bearer realm="${tokens.url}/token"`)
      return authorizer.header([])
    }
    for (const credentials of [mate, { identityToken: 'for-ever' }]) {
      await expect(ask(credentials, false)).rejects.toThrow(`the token server ${tokens.url} would get the password without TLS`)
    }
    expect(tokens.requests).toHaveLength(0)
    expect(await ask(undefined, false)).toMatch(/^Bearer /)
    http.close()
  })

  it.each(['nowhere', 'file:///etc/passwd', ''])('that is no address (%s) is refused', async (realm) => {
    const { registry } = await pair(() => realm)
    await expect(client(registry).manifest('latest')).rejects.toThrow('names no token server that could be asked')
  })
})

describe('a mirror of Docker Hub', () => {
  it('gets what is kept for it and never what is kept for Docker Hub', async () => {
    const mirror = await start(basicAuth('mate', 'se:cret'))
    mirror.image('library/tug', 'latest', { layers: [] })
    const config = { ...NO_CONFIG, mirrors: [mirror.url] }
    const asked: string[] = []
    const credentials = async (domain: string) => {
      asked.push(domain)
      return domain === mirror.host ? mate : { username: 'hub', password: 'secret' }
    }
    await registryClient('tug', { config, credentials }).manifest('latest')
    expect(asked).toEqual([mirror.host])
  })
})
