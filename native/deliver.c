/* An attached client's output may go into another socket of its process: the engine's connection to a docker command, say. Then no byte
 * goes through the engine, which only hears of the end. The connection itself stays what it was: stdin comes from it, and when its
 * process ends it, or dies, the socket is let go of.
 *
 * A descriptor that is sent along (SCM_RIGHTS) would do too, but Node cannot send one. So it is fetched, from the process at the other
 * end of the connection and from no other: it has nothing to gain by naming a descriptor that it has itself. */
#define _GNU_SOURCE
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A descriptor of the process that made this connection. */
static int fetch(int connection, int number)
{
	struct ucred owner;
	socklen_t length = sizeof owner;
	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &owner, &length) < 0 || owner.pid <= 0)
		return -1;
	int process = (int)syscall(SYS_pidfd_open, owner.pid, 0);
	if (process < 0)
		return -1;
	/* The number is still its own, and not another's by now, as long as the connection has not been closed by its end. */
	struct pollfd state = { .fd = connection };
	int fd = poll(&state, 1, 0) == 0 ? (int)syscall(SYS_pidfd_getfd, process, number, 0) : -1;
	close(process);
	return fd;
}

/* The process may have closed it meanwhile, and have another one at this number: inodes of sockets are not used again so soon. Output
 * waits for nobody, so it must be one that does not block (splice knows no MSG_DONTWAIT). */
static bool is_meant(int fd, uint64_t inode)
{
	struct stat status;
	int type = 0;
	socklen_t length = sizeof type;
	return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == inode &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

static bool begin(struct monitor *monitor, struct peer *peer, int number, uint64_t inode)
{
	int fd = number < 0 ? -1 : fetch(peer->source.fd, number);
	if (fd < 0)
		return false;
	if (!is_meant(fd, inode) || !watch_output(monitor, &peer->given, fd)) {
		close(fd);
		return false;
	}
	peer->given.out = true;
	peer->sink = &peer->given;
	return true;
}

void deliver(struct monitor *monitor, struct peer *peer, int fd, uint64_t inode)
{
	peer->held = false;
	if (peer->output_ended)
		return;
	uint8_t there = begin(monitor, peer, fd, inode);
	/* Nothing else was ever said to it, so there is room. */
	if (send(peer->source.fd, &there, sizeof there, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof there)
		peer_lost(monitor, peer);
}

void deliver_end(struct monitor *monitor, struct peer *peer)
{
	if (peer->sink != &peer->given)
		return;
	unwatch(monitor, &peer->given); /* not by close(): it is open in its process still */
	close(peer->given.fd);
	peer->sink = &peer->source;
	/* That nobody takes it any more is news to its process. */
	shutdown(peer->source.fd, SHUT_WR);
}
