/* The monitor's own socket: listens before the exec, so that who connects first sees the first byte. */
#define _GNU_SOURCE
#include "monitor.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

/* The path in a sockaddr_un has 108 bytes; a longer one is reached through the directory's descriptor. */
static bool address_of(const struct place *place, const uint8_t *path, size_t n, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n < sizeof address->sun_path) {
		memcpy(address->sun_path, path, n);
		return true;
	}
	int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", place->dir, place->name);
	return length < (int)sizeof address->sun_path;
}

/* A socket file without a listener is what a killed shim has left; nobody will ever answer there. */
static bool is_abandoned(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return refused;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177); /* 0600 from its first moment */
	int result = bind(fd, (const struct sockaddr *)address, sizeof *address);
	umask(before);
	return result < 0 ? result : listen(fd, BACKLOG);
}

int listener_open(struct monitor *monitor, const uint8_t *path, size_t n)
{
	struct sockaddr_un address;
	int error = place_open(&monitor->socket, path, n);
	if (error != 0)
		return error;
	int fd = -1;
	if (!address_of(&monitor->socket, path, n, &address))
		error = ENAMETOOLONG;
	else if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		error = errno;
	else if (bind_and_listen(fd, &address) < 0)
		error = errno;
	if (error == EADDRINUSE && is_abandoned(&address)) {
		unlinkat(monitor->socket.dir, monitor->socket.name, 0);
		error = bind_and_listen(fd, &address) < 0 ? errno : 0;
	}
	if (error != 0) {
		if (fd >= 0)
			close(fd);
		place_close(&monitor->socket);
		return error;
	}
	monitor->listener.fd = fd;
	return 0;
}

/* The socket's mode keeps others out already; a path through a descriptor that was passed on does not. */
static bool may_connect(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

bool listener_accept(struct monitor *monitor)
{
	bool some = false;
	while (monitor->listener.in) {
		int fd = accept4(monitor->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			/* Too many descriptors: whoever waits in the backlog is taken when a connection ends (peers_sweep). */
			monitor->listener.in = false;
			break;
		}
		if (!may_connect(fd)) {
			send_error(fd, MALFORMED, "only the same user, or root, may connect to a container's monitor");
			close(fd);
			continue;
		}
		if (peer_new(monitor, fd) == NULL)
			close(fd);
		some = true;
	}
	return some;
}

void listener_close(struct monitor *monitor)
{
	if (monitor->listener.fd < 0)
		return;
	unlinkat(monitor->socket.dir, monitor->socket.name, 0);
	close(monitor->listener.fd);
	monitor->listener = (struct source){ .fd = -1 };
	place_close(&monitor->socket);
}
