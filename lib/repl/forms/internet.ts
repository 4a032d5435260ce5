/** How the calls on internet sockets are typed: `sendto <s> hello 10.0.0.1 53`. */
import * as calls from '../../kernel/calls/internet.js'
import { ADDRESS, BYTES, DESCRIPTOR, flags, NUMBER, word } from '../kinds.js'
import { type Form, form, keyword, one, optional } from './form.js'

const from = ['calls/internet', calls] as const

const inet = keyword('family', word('socket_family'), 'inet')
const to = [one('address', ADDRESS), one('port', NUMBER)]

const timeout = (option: 'rcvtimeo' | 'sndtimeo') =>
  form(
    from,
    `setsockopt_${option}`,
    'setsockopt',
    [
      one('fd', DESCRIPTOR),
      keyword('level', word('sockopt_level'), 'socket'),
      keyword('option', word('so'), option),
      one('milliseconds', NUMBER),
    ],
    ({ fd, milliseconds }, options) => [fd, milliseconds, options],
  )

/** Those of `bind` and `connect` come before the ones for unix sockets, which take any word for a path. */
export const INTERNET_FORMS: readonly Form[] = [
  form(
    from,
    'icmp_socket',
    'socket',
    [inet, keyword('type', word('socket_type'), 'raw'), keyword('protocol', word('ip_protocol'), 'icmp')],
    (_, options) => [options],
  ),
  form(from, 'bind_inet', 'bind', [one('fd', DESCRIPTOR), inet, ...to], ({ fd, address, port }, options) => [fd, address, port, options]),
  form(from, 'connect_inet', 'connect', [one('fd', DESCRIPTOR), inet, ...to], ({ fd, address, port }, options) => [
    fd,
    address,
    port,
    options,
  ]),
  form(from, 'accept4', 'accept4', [one('fd', DESCRIPTOR)]),
  form(from, 'sendto', 'sendto', [one('fd', DESCRIPTOR), one('data', BYTES), one('address', ADDRESS), optional('port', NUMBER)]),
  form(from, 'recvfrom', 'recvfrom', [one('fd', DESCRIPTOR), one('size', NUMBER)]),
  timeout('rcvtimeo'),
  timeout('sndtimeo'),
  form(
    from,
    'setsockopt_reuseaddr',
    'setsockopt',
    [one('fd', DESCRIPTOR), keyword('level', word('sockopt_level'), 'socket'), keyword('option', word('so'), 'reuseaddr')],
    ({ fd }, options) => [fd, options],
  ),
  form(
    from,
    'setsockopt_v6only',
    'setsockopt',
    [one('fd', DESCRIPTOR), keyword('level', word('sockopt_level'), 'ipv6'), keyword('option', word('ipv6_option'), 'v6only')],
    ({ fd }, options) => [fd, options],
  ),
  form(
    from,
    'setsockopt_icmp_filter',
    'setsockopt',
    [
      one('fd', DESCRIPTOR),
      keyword('level', word('sockopt_level'), 'raw'),
      keyword('option', word('raw_option'), 'icmp_filter'),
      one('pass', flags('icmp')),
    ],
    ({ fd, pass }, options) => [fd, pass, options],
  ),
]
