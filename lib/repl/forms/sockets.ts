/** How the calls on sockets are typed, and requests to the network stack: those as the ip command has them. */
import * as calls from '../../kernel/calls/sockets.js'
import { DESCRIPTOR, NUMBER, STRING, word } from '../kinds.js'
import { REQUEST } from '../netlink.js'
import { type Form, form, keyword, one, optional, rest } from './form.js'

const from = ['calls/sockets', calls] as const

/** Unix sockets' paths stand in a structure, where no kept number can be put. */
const SOCKET_PATH = { ...STRING, what: 'a path', completion: { kind: 'path' } as const }

export const SOCKET_FORMS: readonly Form[] = [
  form(
    from,
    'rtnetlink_socket',
    'socket',
    [
      keyword('family', word('socket_family'), 'netlink'),
      keyword('type', word('socket_type'), 'raw'),
      keyword('protocol', word('netlink_protocol'), 'route'),
    ],
    (_, options) => [options],
  ),
  form(
    from,
    'nfnetlink_socket',
    'socket',
    [
      keyword('family', word('socket_family'), 'netlink'),
      keyword('type', word('socket_type'), 'raw'),
      keyword('protocol', word('netlink_protocol'), 'netfilter'),
    ],
    (_, options) => [options],
  ),
  form(from, 'socket', 'socket', [one('family', word('socket_family')), one('type', word('socket_type')), optional('protocol', NUMBER)]),
  form(from, 'bind_unix', 'bind', [one('fd', DESCRIPTOR), one('path', SOCKET_PATH)]),
  form(from, 'connect_unix', 'connect', [one('fd', DESCRIPTOR), one('path', SOCKET_PATH)]),
  form(from, 'listen', 'listen', [one('fd', DESCRIPTOR), one('backlog', NUMBER)]),
  form(
    from,
    'getsockopt_peercred',
    'getsockopt',
    [one('fd', DESCRIPTOR), keyword('level', word('sockopt_level'), 'socket'), keyword('option', word('so'), 'peercred')],
    ({ fd }, options) => [fd, options],
  ),
  form(from, 'shutdown', 'shutdown', [one('fd', DESCRIPTOR), one('how', word('shutdown'))]),
  form(from, 'netlink', 'netlink', [one('fd', DESCRIPTOR), rest('request', REQUEST)], ({ fd, request }, options) => [fd, request, options]),
]
