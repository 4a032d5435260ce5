/** Cards of the calls on sockets, and of netlink requests. */
import { ipCommand } from '../../kernel/netlink/message.js'
import type { Step } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { argument } from './shell.js'

/** A netlink message says what it asks for as the ip command's own arguments. */
function ipShell(step: Step): string | undefined {
  const message = argument(step, 'message')
  return message?.kind === 'bytes' && message.shown ? ipCommand({ shown: message.shown }) : undefined
}

export const SOCKET_CARDS: readonly Card[] = [
  {
    call: 'socket',
    signature: 'int socket(int domain, int type, int protocol)',
    summary: 'make an end of a connection',
    detail: prose`
      A socket belongs for ever to the network namespace in which it was made, whatever becomes of its process: a netlink socket
      opened on the host still commands the host’s network from inside a container, which is how a cable between the two is
      laid.`,
    man: 'socket(2)',
    errors: {
      EPERM: 'raw and packet sockets take CAP_NET_RAW in the user namespace that owns this network namespace',
      EACCES: 'this user may not make a socket of that kind',
      EAFNOSUPPORT: 'this kernel has no such family',
      EPROTONOSUPPORT: 'the family has no such protocol in this kernel',
      EINVAL: 'an unknown type or flag',
      EMFILE: 'no descriptor is free (RLIMIT_NOFILE)',
      ENFILE: 'the system has too many open files',
    },
  },
  {
    call: 'bind',
    signature: 'int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)',
    summary: 'give a socket its address',
    detail: prose`
      For a unix socket the address is a path, and a file of type socket appears there; the path is looked up in the caller’s
      mount namespace and may have 107 bytes.`,
    man: 'bind(2)',
    errors: {
      EADDRINUSE: 'something of that name (or that port) is there already; a unix socket’s file stays when its server ends',
      EACCES: 'the directory may not be written; for ports below 1024: CAP_NET_BIND_SERVICE',
      ENOENT: 'the directory does not exist',
      EINVAL: 'the socket has an address already, or the path is too long',
      EROFS: 'the mount is read-only',
      EADDRNOTAVAIL: 'no interface of this network namespace has that address',
      ENOTDIR: 'a part of the path is a file',
      EPERM: 'the file system does not keep sockets',
    },
  },
  {
    call: 'connect',
    signature: 'int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen)',
    summary: 'connect a socket to the one that listens at an address',
    detail: prose`
      For a unix socket the address is the path of the listener’s file, looked up in the caller’s mount namespace. A connection
      that was made before the caller enters a container goes on working inside: descriptors do not mind namespaces.`,
    man: 'connect(2)',
    errors: {
      ENOENT: 'no file at that path in the caller’s root',
      ECONNREFUSED: 'nobody listens there: the file was left by a server that has ended',
      EACCES: 'writing to the socket’s file is not allowed to this id',
      EAGAIN: 'the listener’s queue is full, and the socket is non-blocking',
      EINVAL: 'the path is too long',
      EISCONN: 'it is connected already',
      EPROTOTYPE: 'the listener is of another type (stream, datagram)',
      ENETUNREACH: 'no route to that network in this network namespace',
      EINPROGRESS: 'a non-blocking socket goes on connecting',
    },
  },
  {
    call: 'setsockopt',
    signature: 'int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen)',
    summary: 'change a setting of a socket',
    detail: prose`
      Settings belong to a level: the socket itself, or a protocol below it. SO_REUSEADDR lets a server bind its port while the
      kernel still remembers connections that have ended; where somebody listens it changes nothing.`,
    man: 'setsockopt(2)',
    errors: {
      ENOPROTOOPT: 'that level has no such setting',
      EINVAL: 'the value has the wrong size',
      ENOTSOCK: 'that descriptor is no socket',
    },
  },
  {
    call: 'listen',
    signature: 'int listen(int sockfd, int backlog)',
    summary: 'begin to take connections',
    detail: prose`
      From here on clients can connect; up to so many wait until the server accepts them. A socket that listens before the
      server’s program runs loses nobody: the spawner of a bottle is started that way.`,
    man: 'listen(2)',
    errors: {
      EADDRINUSE: 'another socket listens on that port',
      EOPNOTSUPP: 'sockets of this type do not take connections',
      EINVAL: 'the socket is connected or has no address',
      EDESTADDRREQ: 'a unix socket needs bind first',
    },
  },
  {
    call: 'netlink',
    signature: 'ssize_t sendto(int fd, const struct nlmsghdr *message, …); ssize_t recvfrom(int fd, …)',
    summary: 'ask the kernel’s network stack for something, and read its acknowledgement',
    detail: prose`
      Not one system call but a message sent on a netlink socket and the answer read: “make a link”, “add this address”, “set it
      up”. The ip command speaks nothing else. The error of the answer is shown as the step’s error. Setting needs CAP_NET_ADMIN
      in the user namespace that owns the network namespace in which the socket was opened.`,
    man: 'rtnetlink(7)',
    errors: {
      EPERM: 'needs CAP_NET_ADMIN in the user namespace that owns the socket’s network namespace (and that of the link’s other end)',
      EEXIST: 'a link, address or route like it is there already',
      ENODEV: 'no link of that name or number in the socket’s network namespace',
      EOPNOTSUPP: 'this kernel has no links of that kind (or its module is not loaded), or the link cannot do that',
      EINVAL: 'a value that does not fit: a name longer than 15 bytes, a wrong address, a process or namespace that does not exist',
      ENETUNREACH: 'the gateway is not reachable through any address that is set: add the address and set the link up first',
      ENETDOWN: 'the link must be up first',
      EHOSTUNREACH: 'no route to that gateway',
      EADDRNOTAVAIL: 'the link does not have that address',
      ESRCH: 'no such route, or no process of that pid (in the pid namespace of the sender)',
      EBUSY: 'the link is in use, or part of another one already',
      ENOENT: 'no such neighbour or rule',
      ERANGE: 'a name or value that is too long or too large',
      ENXIO: 'no such link',
      EAFNOSUPPORT: 'this kernel was built without that address family (IPv6 may be switched off)',
      EACCES: 'IPv6 is switched off for this link (net.ipv6.conf.*.disable_ipv6)',
      ENOBUFS: 'the answer did not fit into the socket’s buffer',
    },
    shell: ipShell,
  },
]
