/** Who is answered by the workshop's server, and who is not. */
import { afterEach, describe, expect, test } from 'vitest'
import { ask, listenTo, type OpenServer, openServer } from '../../support/workshop.js'

const TOKEN = '00112233445566778899aabbccddeeff'

let server: OpenServer
afterEach(() => server.close())

describe('on the loopback', () => {
  test('every answer forbids what the page does not need', async () => {
    server = await openServer()
    for (const path of ['/', '/page.js', '/page.css', '/nothing', '/sessions/none/export']) {
      const { headers } = await ask(server.port, path)
      expect(headers['content-security-policy'], path).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      )
      expect(headers, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(headers['access-control-allow-origin'], path).toBeUndefined()
    }
    const stream = await listenTo(server.port, '/live')
    expect(stream.status).toBe(200)
    stream.close()
  })

  test('the page needs no script of its own document, and nothing from elsewhere', async () => {
    server = await openServer()
    const { status, headers, body } = await ask(server.port, '/')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect([...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, where]) => where)).toEqual(['data:,', '/page.css', '/page.js'])
    expect(body).not.toMatch(/<style|<script>|style=| on\w+=/)
    expect(await ask(server.port, '/page.js')).toMatchObject({ status: 200, body: 'void 0' })
    expect(await ask(server.port, '/page.css')).toMatchObject({ status: 200, body: 'body{}' })
  })

  test.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST'])('it is called %s, with any port (of a tunnel)', async (name) => {
    server = await openServer()
    expect((await ask(server.port, '/', { headers: { Host: `${name}:9999` } })).status).toBe(200)
    expect((await ask(server.port, '/', { headers: { Host: name } })).status).toBe(200)
  })

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.1.5',
    'localhost:7777:1',
    'a@localhost',
    '[::2]',
  ])('a name that was made to mean this machine is not answered: %s', async (name) => {
    server = await openServer()
    for (const path of ['/', '/live', '/page.js', '/nothing']) {
      const { status, body } = await ask(server.port, path, { headers: { Host: name } })
      expect(status, path).toBe(421)
      expect(body).toContain('--name')
    }
  })

  test('a name that was given is its own', async () => {
    server = await openServer({ door: { names: ['lab.example'] } })
    expect((await ask(server.port, '/', { headers: { Host: 'Lab.Example:7777' } })).status).toBe(200)
  })

  test('pages of other sites can neither send nor listen, and may only lead here', async () => {
    server = await openServer()
    const from = (headers: Record<string, string>, method = 'GET', path = '/live') => ask(server.port, path, { method, headers })
    expect((await from({ Origin: 'http://evil.example' })).status).toBe(403)
    expect((await from({ Origin: `http://localhost:1` })).status).toBe(403)
    expect((await from({ Origin: 'null' })).status).toBe(403)
    expect((await from({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' })).status).toBe(403)
    expect((await from({ 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' })).status).toBe(403)
    expect(
      (await from({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }, 'GET', '/')).status,
    ).toBe(403)
    expect(
      (await from({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }, 'GET', '/')).status,
    ).toBe(200)
    expect((await from({ Origin: 'http://evil.example', 'Content-Type': 'application/json' }, 'POST', '/room/report')).status).toBe(403)
    expect((await from({ 'Sec-Fetch-Site': 'same-origin' }, 'GET', '/')).status).toBe(200)
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('nothing is done by %s', async (method) => {
    server = await openServer()
    expect((await ask(server.port, '/', { method })).status).toBe(404)
    expect((await ask(server.port, '/live', { method })).status).toBe(404)
  })
})

describe('with a token', () => {
  const open = async () => {
    server = await openServer({ door: { names: [], token: TOKEN } })
    return server.port
  }

  test('without it there is one sentence, whatever is asked for', async () => {
    const port = await open()
    for (const path of ['/', '/page.js', '/page.css', '/live', '/sessions/one/events', '/sessions/one/export', '/nothing']) {
      const { status, body } = await ask(port, path)
      expect(status, path).toBe(401)
      expect(JSON.parse(body), path).toEqual({
        message: 'this page is for who has its token: open the address that was printed when the workshop started',
      })
    }
    const shown = await ask(port, '/', { headers: { Accept: 'text/html' } })
    expect(shown).toMatchObject({ status: 401, body: expect.stringMatching(/^this page is for who has its token.*\n$/) })
  })

  test('it goes from the address into a cookie that no script sees, and opens all', async () => {
    const port = await open()
    const first = await ask(port, `/?token=${TOKEN}`)
    expect(first).toMatchObject({ status: 303, headers: { location: '/' }, body: '' })
    const [cookie = ''] = first.headers['set-cookie'] ?? []
    expect(cookie).toBe(`drydock-workshop-${port}=${TOKEN}; Path=/; HttpOnly; SameSite=Strict`)
    const headers = { Cookie: `other=1; ${cookie.split(';')[0]}` }
    expect((await ask(port, '/', { headers })).status).toBe(200)
    expect((await ask(port, '/page.js', { headers })).status).toBe(200)
    const stream = await listenTo(port, '/live', headers)
    await stream.find(({ kind }) => kind === 'picture')
    stream.close()
  })

  test.each(['', 'x', TOKEN.slice(1), `${TOKEN}0`, TOKEN.toUpperCase(), `${TOKEN}&token=${TOKEN}`])(
    'a wrong one opens nothing: %s',
    async (token) => {
      const port = await open()
      const { status, headers } = await ask(port, `/?token=${token}`)
      expect(status).toBe(401)
      expect(headers['set-cookie']).toBeUndefined()
      expect((await ask(port, '/page.js', { headers: { Cookie: `drydock-workshop-${port}=${token}` } })).status).toBe(401)
      expect((await ask(port, `/live?token=${token}`)).status).toBe(401)
    },
  )
})
