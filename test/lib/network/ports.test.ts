import { describe, expect, it } from 'vitest'
import { choosePorts, onFamilies, parsePort, portElements, portSteps } from '../../../lib/network/ports.js'

describe('parsePort', () => {
  it.each([
    ['80', [{ hostIp: '', containerPort: 80, protocol: 'tcp' }]],
    ['8080:80', [{ hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' }]],
    ['127.0.0.1:8080:80/udp', [{ hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80, protocol: 'udp' }]],
    ['[::1]:8080:80', [{ hostIp: '::1', hostPort: 8080, containerPort: 80, protocol: 'tcp' }]],
    ['fd00:0::1::53/udp', [{ hostIp: 'fd00::1', containerPort: 53, protocol: 'udp' }]],
    ['0.0.0.0::80', [{ hostIp: '0.0.0.0', containerPort: 80, protocol: 'tcp' }]],
    ['127.0.0.1::53/UDP', [{ hostIp: '127.0.0.1', containerPort: 53, protocol: 'udp' }]],
    ['8000-9000:80', [{ hostIp: '', hostPort: { first: 8000, last: 9000 }, containerPort: 80, protocol: 'tcp' }]],
  ])('%s', (text, expected) => {
    expect(parsePort(text)).toEqual(expected)
  })

  it('pairs ranges of the same length', () => {
    expect(parsePort('7000-7002:80-82').map(({ hostPort, containerPort }) => [hostPort, containerPort])).toEqual([
      [7000, 80],
      [7001, 81],
      [7002, 82],
    ])
    expect(parsePort('80-81').map(({ hostPort, containerPort }) => [hostPort, containerPort])).toEqual([
      [undefined, 80],
      [undefined, 81],
    ])
  })

  it('is published where the network says, else on all addresses, of IPv6 too when the container has that', () => {
    const at = (text: string, binding: string | undefined, ipv6: boolean) =>
      parsePort(text).flatMap((port) => onFamilies(port, binding, ipv6).map(({ hostIp }) => hostIp))
    expect(at('80:80', undefined, false)).toEqual(['0.0.0.0'])
    expect(at('80:80', undefined, true)).toEqual(['0.0.0.0', '::'])
    expect(at('80:80', '127.0.0.1', true)).toEqual(['127.0.0.1'])
    expect(at('0.0.0.0:80:80', '127.0.0.1', true)).toEqual(['0.0.0.0'])
    expect(at('[::1]:80:80', undefined, true)).toEqual(['::1'])
    expect(() => at('[::1]:80:80', undefined, false)).toThrow(/no IPv6 address/)
  })

  it.each(['', 'http', '0', '65536', '1:2:3:4', '80/sctp', 'host:80:80', '1-3:1-2', '9-8:80', '80:', '[::1]:80', '[::g]:80:80', '-80'])(
    'refuses %s',
    (text) => {
      expect(() => parsePort(text)).toThrow(/invalid port specification/)
    },
  )
})

describe('choosePorts', () => {
  const none = () => false

  it('takes what is asked for, and otherwise the first that is free from the start on, round the range', () => {
    const requests = ['8080:80', '81', '82'].flatMap(parsePort)
    const chosen = choosePorts(requests, (_, port) => port === 60999, 60998)
    expect(chosen.map(({ hostPort, chosen: free }) => [hostPort, free])).toEqual([
      [8080, false],
      [60998, true],
      [32768, true],
    ])
  })

  it('takes the same port for both families', () => {
    const both = parsePort('80').flatMap((port) => onFamilies(port, undefined, true))
    expect(choosePorts(both, none, 40000).map(({ hostIp, hostPort }) => [hostIp, hostPort])).toEqual([
      ['0.0.0.0', 40000],
      ['::', 40000],
    ])
  })

  it('takes from a range what neither the host nor this container has', () => {
    const requests = ['8000-8002:80', '8001:81'].flatMap(parsePort)
    expect(choosePorts(requests, (_, port) => port === 8000).map(({ hostPort }) => hostPort)).toEqual([8002, 8001])
    expect(() => choosePorts(requests, () => true)).toThrow(/none from 8000 to 8002 of tcp is free/)
    expect(choosePorts(parsePort('9000-9001:80'), none)[0]?.hostPort).toBe(9000)
  })
})

describe('steps', () => {
  const asked = ['8080:80', '127.0.0.1:53:5353/udp'].flatMap(parsePort)
  const to = { address: '172.17.0.2' }
  const ports = choosePorts(
    asked.flatMap((port) => onFamilies(port, undefined, false)),
    () => false,
  )

  it('hold each port with a socket, and put all elements in at once', () => {
    const { steps, binds } = portSteps(ports, to, 'net0')
    expect(steps.map(({ call }) => call)).toEqual(['socket', 'setsockopt', 'bind', 'listen', 'socket', 'bind', 'socket', 'netlink'])
    expect(steps.every(({ phase, actor }) => phase === 'prepare' && actor === 'host')).toBe(true)
    expect([...binds.values()].map(({ hostPort }) => hostPort)).toEqual([8080, 53])
    expect(steps.at(-1)?.undo).toHaveLength(1)
    expect(portSteps(ports, to, 'net0', true).steps.filter(({ call }) => call === 'netlink')).toHaveLength(3)
    expect(portSteps([], to, 'net0').steps).toEqual([])
  })

  it('one address of the host’s has a map of its own', () => {
    expect(ports.map((port) => portElements(port, to)).map(({ set, elements }) => [set, elements[0]?.shown])).toEqual([
      ['published_anywhere', 'tcp . 8080 : 172.17.0.2 . 80'],
      ['published', '127.0.0.1 . udp . 53 : 172.17.0.2 . 5353'],
    ])
  })
})
