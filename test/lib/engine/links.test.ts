/** Links of old: what is asked for, and what a container is told of whom it is linked to. */
import { describe, expect, test } from 'vitest'
import { linked, withLinked } from '../../../lib/engine/links.js'
import { parseLink } from '../../../lib/engine/request/links.js'

describe('a link', () => {
  test('is a name and an alias, also as inspect tells it', () => {
    expect(parseLink('db:store')).toEqual({ name: 'db', alias: 'store' })
    expect(parseLink('db')).toEqual({ name: 'db', alias: 'db' })
    expect(parseLink('/db:/web/store')).toEqual({ name: 'db', alias: 'store' })
    expect(() => parseLink('')).toThrow('empty string specified for links')
    for (const text of ['a:b:c', 'a:b\nc', 'a:b=c']) expect(() => parseLink(text)).toThrow(`bad format for links: ${text}`)
  })
})

const ID = 'd'.repeat(64)

type Context = Parameters<typeof linked>[0]
type Handle = Parameters<typeof linked>[1]

function container(exposedPorts: readonly string[], env: readonly string[], running = true): Context {
  const other = {
    name: 'some-db',
    running,
    endpoints: running ? { bridge: { address: '172.17.0.2' } } : {},
    record: { spec: { hostname: 'hull', env, declared: { exposedPorts } } },
  }
  return { containers: { byId: (id: string) => (id === ID ? other : undefined) } } as unknown as Context
}

const web = (...aliases: string[]) =>
  ({
    record: {
      spec: { name: 'web', network: { kind: 'networks', names: ['bridge'] } },
      more: { links: aliases.map((alias) => ({ of: ID, name: 'some-db', alias })) },
    },
  }) as unknown as Handle

describe('who is linked', () => {
  test('finds the other one in its hosts file, by all its names', () => {
    expect(linked(container([], []), web('store', 'some-db')).hosts).toEqual(['172.17.0.2\tstore hull some-db', '172.17.0.2\tsome-db hull'])
  })

  test('has its ports and its environment in variables', () => {
    const { env } = linked(container(['80/tcp', '53/udp'], ['PATH=/bin', 'HOME=/', 'FOO=a=b']), web('store-x'))
    expect(env).toEqual([
      'STORE_X_PORT=udp://172.17.0.2:53',
      'STORE_X_PORT_53_UDP=udp://172.17.0.2:53',
      'STORE_X_PORT_53_UDP_ADDR=172.17.0.2',
      'STORE_X_PORT_53_UDP_PORT=53',
      'STORE_X_PORT_53_UDP_PROTO=udp',
      'STORE_X_PORT_80_TCP=tcp://172.17.0.2:80',
      'STORE_X_PORT_80_TCP_ADDR=172.17.0.2',
      'STORE_X_PORT_80_TCP_PORT=80',
      'STORE_X_PORT_80_TCP_PROTO=tcp',
      'STORE_X_NAME=/web/store-x',
      'STORE_X_ENV_FOO=a=b',
    ])
  })

  test('has the ends of a range of ports', () => {
    const names = (ports: readonly string[]) =>
      linked(container(ports, []), web('db'))
        .env.filter((variable) => /_(START|END)=/.test(variable))
        .map((variable) => variable.split('=')[1])
    expect(names(['5002/tcp', '5000/tcp', '5001/tcp'])).toEqual(['tcp://172.17.0.2:5000', '5000', 'tcp://172.17.0.2:5002', '5002'])
    expect(names(['5000/tcp', '5001/tcp'])).toEqual([])
    expect(names(['5000/tcp', '5001/udp', '5002/tcp'])).toEqual([])
  })

  test('is not started while the other one does not run', () => {
    expect(() => linked(container([], [], false), web('store'))).toThrow('Cannot link to a non running container: /some-db AS /web/store')
  })

  test('keeps what was asked for by name', () => {
    expect(withLinked(['A=1', 'B=2'], ['B=3', 'C'])).toEqual(['A=1', 'B=3', 'C'])
  })
})
