/** Cards of the calls on sockets, and of netlink requests. */
import { ipCommand } from '../../kernel/netlink/message.js'
import type { Step } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { argument, shellWord } from './shell.js'

/** A netlink message says what it asks for as the ip command's own arguments. */
function ipShell(step: Step): string | undefined {
  const message = argument(step, 'message')
  return message?.kind === 'bytes' && message.shown ? ipCommand({ shown: message.shown }) : undefined
}

/** Where an internet socket's call goes: what stands in `{inet 10.0.0.1:80}`. */
function endpointOf(step: Step, name: string): { address: string; port?: string } | undefined {
  const arg = argument(step, name)
  const [, address, port] = /^\{inet \[?([0-9a-f.:]+?)\]?(?::(\d+))?\}$/.exec((arg?.kind === 'bytes' && arg.shown) || '') ?? []
  return address === undefined ? undefined : { address, ...(port !== undefined && { port }) }
}

/** bash knows connections as files below /dev/tcp, which are nowhere else. */
function connectShell(step: Step): string | undefined {
  const to = endpointOf(step, 'addr')
  return to?.port && `exec {connection}<>/dev/tcp/${to.address}/${to.port}`
}

/** Without a port it is an echo request. */
function sendtoShell(step: Step): string | undefined {
  const to = endpointOf(step, 'dest_addr')
  if (!to) return undefined
  if (to.port === undefined) return `ping -c 1 ${to.address}`
  const text = shellWord(step, 'buf')
  return text && `printf %s ${text} > /dev/udp/${to.address}/${to.port}`
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
      For an internet socket the address is one of this network namespace (0.0.0.0: any of them) and a port. Every network
      namespace has all the ports, which is why two containers can both have port 80. For a unix socket the address is a path, and
      a file of type socket appears there; the path is looked up in the caller’s mount namespace and may have 107 bytes.`,
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
      For an internet socket (TCP) a packet goes out, and the call waits for the answer of the other side’s kernel; the program
      over there need not have done anything yet but listen. For a unix socket the address is the path of the listener’s file,
      looked up in the caller’s mount namespace. A connection that was made before the caller enters a container goes on working
      inside: descriptors do not mind namespaces.`,
    man: 'connect(2)',
    errors: {
      ENOENT: 'no file at that path in the caller’s root',
      ECONNREFUSED: 'nobody listens there: the other side has said so, or the file was left by a server that has ended',
      EACCES: 'writing to the socket’s file is not allowed to this id',
      EAGAIN: 'the listener’s queue is full, and the socket is non-blocking',
      EINVAL: 'the path is too long',
      EISCONN: 'it is connected already',
      EPROTOTYPE: 'the listener is of another type (stream, datagram)',
      ENETUNREACH: 'no route to that network in this network namespace',
      EHOSTUNREACH: 'nobody on that network has the address, or a router on the way said that it cannot deliver',
      ETIMEDOUT: 'no answer at all: the packets, or the answers to them, are dropped somewhere on the way',
      EINPROGRESS: 'no answer yet: the time to wait is up (SO_SNDTIMEO), or the socket is non-blocking',
    },
    shell: connectShell,
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
    call: 'accept4',
    signature: 'int accept4(int sockfd, struct sockaddr *addr, socklen_t *addrlen, int flags)',
    summary: 'take the next connection that somebody has made to a listening socket',
    detail: prose`
      The answer is a new descriptor, for this one connection; the listening socket goes on listening. The address says who is at
      the other end, as this network namespace sees it: behind a router that translates addresses this may be the router.`,
    man: 'accept(2)',
    errors: {
      EAGAIN: 'nobody came before the time was up (SO_RCVTIMEO), or nobody is waiting and the socket is non-blocking',
      EINVAL: 'the socket does not listen: listen comes first',
      ECONNABORTED: 'the other side has gone again already',
      EMFILE: 'no descriptor is free (RLIMIT_NOFILE)',
      EOPNOTSUPP: 'sockets of this type do not take connections',
    },
  },
  {
    call: 'sendto',
    signature: 'ssize_t sendto(int sockfd, const void *buf, size_t len, int flags, const struct sockaddr *dest_addr, socklen_t addrlen)',
    summary: 'send one packet to an address',
    detail: prose`
      The kernel looks the address up in the routes of the socket’s network namespace, and hands the packet to the device that
      the route names. That is all that success means: whether anybody gets the packet is another question, which only an answer
      can settle.`,
    man: 'sendto(2)',
    errors: {
      ENETUNREACH: 'no route of this network namespace leads there, not even a default route; nothing has left',
      EHOSTUNREACH: 'nobody on that network has the address, or a router has said that it cannot deliver',
      EPERM: 'a firewall rule of this very network namespace forbids it',
      EACCES: 'a broadcast address, which takes the option SO_BROADCAST; or a route of type “prohibit”',
      ENETDOWN: 'the device that the route names is down',
      EINVAL: 'an address that nothing can be sent to',
      EMSGSIZE: 'the packet is longer than the device takes (its MTU)',
      ECONNREFUSED: 'an earlier packet was answered with “nobody listens on that port”',
      EAFNOSUPPORT: 'the address is of another family than the socket',
    },
    shell: sendtoShell,
  },
  {
    call: 'recvfrom',
    signature: 'ssize_t recvfrom(int sockfd, void *buf, size_t len, int flags, struct sockaddr *src_addr, socklen_t *addrlen)',
    summary: 'wait for the next packet',
    detail: prose`
      The answer is the packet, and the address that it says it comes from. A packet that came before the call was made is
      kept for it. There is no error for “your packet was lost”: who waits for an answer must decide how long.`,
    man: 'recvfrom(2)',
    errors: {
      EAGAIN: 'nothing came before the time was up (SO_RCVTIMEO): silence, which is what a dropped packet looks like',
      ECONNREFUSED: 'a packet of ours was answered with “nobody listens on that port”',
      EHOSTUNREACH: 'a packet of ours was answered with “I cannot reach that host”',
      ENOTCONN: 'a stream that is not connected',
      EINTR: 'a signal came first',
    },
  },
  {
    call: 'setsockopt',
    signature: 'int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen)',
    summary: 'set one of the options of a socket',
    detail: prose`
      Options are grouped by who understands them: every socket (SOL_SOCKET), or one protocol. A time to wait (SO_RCVTIMEO)
      makes a call end although nothing came; a filter (ICMP_FILTER) keeps away from a raw socket what it did not ask for, since
      it would get a copy of every such message in its network namespace. SO_REUSEADDR lets a server bind its port while the
      kernel still remembers connections that have ended; where somebody listens it changes nothing.`,
    man: 'setsockopt(2)',
    errors: {
      ENOPROTOOPT: 'sockets of this kind do not have that option',
      EINVAL: 'the value is too short, or is none that the option takes',
      EDOM: 'more microseconds than a second has',
      EOPNOTSUPP: 'the option is for another protocol: ICMP_FILTER wants a raw socket for ICMP',
      EPERM: 'the option takes a capability (CAP_NET_ADMIN for marks and priorities)',
    },
  },
  {
    call: 'getsockopt',
    signature: 'int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen)',
    summary: 'read one of the options of a socket',
    detail: prose`
      SO_PEERCRED is the one that servers on unix sockets live by: process id, user and group of whoever has connected. The kernel
      noted them at the connect, and the caller cannot choose them, as he could a name or a password in a message. They are counted as
      the reader’s own namespaces count: a process that his pid namespace does not have is 0, a user that his user namespace does not
      map is 65534.`,
    man: 'getsockopt(2)',
    errors: {
      ENOPROTOOPT: 'sockets of this kind do not have that option',
      EINVAL: 'the room for the answer is too small or too large',
      ENOTSOCK: 'the descriptor is no socket',
    },
  },
  {
    call: 'shutdown',
    signature: 'int shutdown(int sockfd, int how)',
    summary: 'end a connection in one direction, or in both',
    detail: prose`
      A connection is two streams. Who ends only his own (SHUT_WR) says “this was all that I have to say”, and the other side’s read
      answers 0, the end; what that side still has to say comes all the same. close could not tell the two apart, and it would not
      end anything as long as another process has the descriptor too.`,
    man: 'shutdown(2)',
    errors: {
      ENOTCONN: 'it is not connected, or was ended before',
      ENOTSOCK: 'the descriptor is no socket',
      EINVAL: 'there is no such direction',
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
      EINVAL:
        'a value that does not fit: a name longer than 15 bytes, a wrong address, a number or a master that no link has, a process or namespace that does not exist',
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
