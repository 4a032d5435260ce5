/* Life after execve: one loop that serves everybody until the container has exited. monitor.h lists the parts. */
#define _GNU_SOURCE
#include "monitor.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS 32
#define QUIET_MS 1000 /* so long after the last rush the buffers' pages are given back */

struct monitor *monitor_of(struct shim *shim)
{
	static struct monitor monitor;
	if (shim->monitor == NULL) {
		monitor = (struct monitor){
			.shim = shim,
			.slot = { NO_SLOT, NO_SLOT, NO_SLOT },
			.child.fd = -1,
			.listener.fd = -1,
			.socket.dir = -1,
			.exit_file.dir = -1,
			.log = { .fd = -1, .place.dir = -1 },
			.oom_fd = -1,
			.terminal.fd = -1,
			.stream = { { .own.fd = -1, .number = 1 }, { .own.fd = -1, .number = 2 } },
			.input.own.fd = -1,
			.client = { .source.fd = -1, .kind = PEER_CLIENT },
			.epoll = -1,
		};
		shim->monitor = &monitor;
	}
	return shim->monitor;
}

static bool watch_for(struct monitor *monitor, struct source *source, int fd, uint32_t what)
{
	struct epoll_event event = { .events = what | EPOLLET, .data.ptr = source };
	*source = (struct source){ .fd = fd };
	return epoll_ctl(monitor->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool watch(struct monitor *monitor, struct source *source, int fd)
{
	return watch_for(monitor, source, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

bool watch_output(struct monitor *monitor, struct source *source, int fd)
{
	return watch_for(monitor, source, fd, EPOLLOUT);
}

void unwatch(struct monitor *monitor, struct source *source)
{
	epoll_ctl(monitor->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	source->in = source->out = source->hup = false;
}

void kill_child(struct monitor *monitor, int signal)
{
	/* Until it is reaped nobody else can have its number, so kill(2) would be as right; the descriptor just cannot be wrong. */
	if (!monitor->exited && syscall(SYS_pidfd_send_signal, monitor->shim->pidfd, signal, NULL, 0) < 0 && errno == EBADF)
		kill(monitor->shim->child, signal);
	if (signal == SIGKILL && !monitor->exited && monitor->shim->release)
		monitor->shim->release(monitor->shim);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t beginning(const struct shim *shim)
{
	return shim->exec_ns != 0 ? shim->exec_ns : shim->clone_ns;
}

/* What the clock on the wall said when the program began. */
static struct timespec wall_clock_at_exec(const struct shim *shim)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t since = monotonic_ns() - beginning(shim);
	uint64_t wall = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - since;
	return (struct timespec){ .tv_sec = (time_t)(wall / 1000000000u), .tv_nsec = (long)(wall % 1000000000u) };
}

/* The descriptor in a slot that MONITOR named; -1: none was named. A name without a descriptor is a wrong plan and is said. */
static int descriptor(struct monitor *monitor, int which, bool *wrong)
{
	uint8_t slot = monitor->slot[which];
	if (slot == NO_SLOT)
		return -1;
	struct shim *shim = monitor->shim;
	if (!shim->slot_set[slot] || shim->slot[slot] < 0 || shim->slot[slot] > INT32_MAX || fcntl((int)shim->slot[slot], F_GETFD) < 0) {
		*wrong = true;
		return -1;
	}
	return (int)shim->slot[slot];
}

static bool open_stdio(struct monitor *monitor)
{
	bool wrong = false;
	int in = descriptor(monitor, 0, &wrong), out = descriptor(monitor, 1, &wrong), err = descriptor(monitor, 2, &wrong);
	if (wrong)
		return false;
	if (out >= 0 && !stream_open(monitor, &monitor->stream[0], out))
		return false;
	if (monitor->tty) /* the terminal's master is the other two as well */
		return true;
	if (err >= 0 && err != out && !stream_open(monitor, &monitor->stream[1], err))
		return false;
	return in < 0 || input_open(monitor, in);
}

/* Not for the container to suffer from in silence. */
static void fail(struct monitor *monitor, const char *text)
{
	if (monitor->shim->client >= 0)
		send_error(monitor->shim->client, INTERNAL, text);
	kill_child(monitor, SIGKILL);
}

static void set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* The child runs already, so its bytes wait in the pipes until the first pass of the loop, which takes newcomers before output. Returns
 * false when there is no way to watch the child. */
static bool begin(struct monitor *monitor)
{
	struct shim *shim = monitor->shim;
	/* A shim ends with its container. Signals for a terminal's foreground group, or for "all processes", are not for it; a reader that
	 * has gone and a file that is too large are errors of the call that met them. */
	static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* a huge page for a few touched bytes would be most of what a shim holds */

	monitor->started = wall_clock_at_exec(shim);
	if (shim->pidfd < 0)
		shim->pidfd = (int)syscall(SYS_pidfd_open, shim->child, 0);
	monitor->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (monitor->epoll < 0 || shim->pidfd < 0 || !watch(monitor, &monitor->child, shim->pidfd))
		return false;
	if (shim->client >= 0 && watch(monitor, &monitor->client.source, shim->client)) {
		set_blocking(shim->client, false); /* for splice, which knows no MSG_DONTWAIT */
		peer_add(monitor, &monitor->client);
	} else {
		peer_lost(monitor, &monitor->client);
	}
	if ((monitor->listener.fd >= 0 && !watch(monitor, &monitor->listener, monitor->listener.fd)) || !open_stdio(monitor))
		fail(monitor, "MONITOR: a slot of the container's stdio holds no descriptor that can be watched");
	return true;
}

static void sleep_until_something(struct monitor *monitor, bool busy)
{
	struct epoll_event events[EVENTS];
	if (!busy && monitor->log.fd >= 0)
		log_flush(&monitor->log);
	int n = epoll_wait(monitor->epoll, events, EVENTS, busy ? 0 : monitor->heavy ? QUIET_MS : -1);
	if (n == 0 && !busy && monitor->heavy) {
		monitor->heavy = false;
		release_pages(scratch, sizeof scratch);
		log_trim();
	}
	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;
		uint32_t what = events[i].events;
		source->in |= (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
		source->out |= (what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
		source->hup |= (what & EPOLLHUP) != 0;
	}
}

static void reap(struct monitor *monitor)
{
	struct shim *shim = monitor->shim;
	pid_t pid;
	/* It is dead, so this does not block, unless a debugger holds it: then its status is not ours before that one has let go. */
	do
		pid = wait4(shim->child, &monitor->status, __WALL, &monitor->usage);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		monitor->status = 255 << 8; /* ECHILD: its status was taken by somebody else and nobody can know it any more */
	clock_gettime(CLOCK_REALTIME, &monitor->finished);
	monitor->nanoseconds = monotonic_ns() - beginning(shim);
	monitor->exited = true;
	shim->child = 0;
	if (monitor->child.fd >= 0)
		unwatch(monitor, &monitor->child);
}

/* Keys were read from one connection: what was said on those that control was maybe said before, and seen ready after the last look. Who
 * has set the size of a terminal and then types, types on a terminal of that size. */
static bool hear_controls(struct monitor *monitor)
{
	bool some = false;
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		if (peer->kind == PEER_CLIENT || peer->kind == PEER_CONTROL) {
			peer->source.in = true;
			some |= peer_read(monitor, peer);
		}
	return some;
}

/* Everything that is possible now, once. Returns whether there may be more to do at once. */
static bool pass(struct monitor *monitor)
{
	/* Newcomers and what they say before any output: who attached first gets all of it. */
	bool busy = listener_accept(monitor);
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		busy |= peer_read(monitor, peer);
	if (monitor->tty && input_waits(monitor))
		busy |= hear_controls(monitor);
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		busy |= peer_flush(monitor, peer);
	busy |= input_flush(monitor);
	for (int i = 0; i < 2 && !monitor->exited; i++)
		busy |= stream_pump(monitor, &monitor->stream[i]);
	peers_sweep(monitor);
	if (monitor->child.in && !monitor->exited)
		reap(monitor);
	return busy;
}

/* Serve until `done` says so. */
static void serve_until(struct monitor *monitor, bool (*done)(const struct monitor *))
{
	for (bool busy = true; !done(monitor);) {
		sleep_until_something(monitor, busy);
		busy = pass(monitor);
	}
}

static bool has_exited(const struct monitor *monitor)
{
	return monitor->exited;
}

static bool client_has_all(const struct monitor *monitor)
{
	return monitor->client.output_ended || (queue_length(&monitor->client.queue) == 0 && monitor->client.owed == 0);
}

/* Somebody has yet to come for the exit, which is nowhere else. */
static bool is_awaited(const struct monitor *monitor)
{
	return monitor->detach && !monitor->alone && monitor->listener.fd >= 0 && !monitor->exit_written && !monitor->exit_taken;
}

/* Nobody waits for anything that only this shim can give: the output that an attached client has not taken yet, and the exit, unless
 * it is in a file or somebody has it. So a shim with an exit file never outstays its readers. */
static bool may_end(const struct monitor *monitor)
{
	if (monitor->released)
		return true;
	if (is_awaited(monitor))
		return false;
	for (const struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		if (!peer->output_ended && (queue_length(&peer->queue) > 0 || peer->kind == PEER_ATTACH))
			return false;
	return true;
}

/* The container is dead: its last bytes, its log, its exit, in this order. */
static void finish(struct monitor *monitor)
{
	/* Who has come since the last look is in time for what the pipes still hold. */
	monitor->listener.in = monitor->listener.fd >= 0;
	listener_accept(monitor);
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		if (peer->kind == PEER_FRESH) {
			peer->source.in = true;
			peer_read(monitor, peer);
		}
	input_close(monitor);
	streams_settle(monitor);
	for (int i = 0; i < 2; i++)
		stream_drain(monitor, &monitor->stream[i]);
	if (monitor->log.fd >= 0)
		log_flush(&monitor->log);
	log_close(&monitor->log);
	monitor->oom_killed = oom_was_killed(monitor);
	monitor->exit_written = exit_file_write(monitor);
	place_close(&monitor->exit_file);
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		if (peer->kind == PEER_CONTROL || peer->kind == PEER_CLIENT)
			send_exit(monitor, peer);
	peers_sweep(monitor);
}

/* What it said before it could know of the EXIT: a batch gets its answer. Not more than there is now: it may never fall silent. */
static void hear_client_out(struct monitor *monitor)
{
	struct peer *client = &monitor->client;
	int left = 0;
	if (monitor->shim->client < 0 || client->input_ended || ioctl(client->source.fd, FIONREAD, &left) < 0)
		return;
	client->source.in = true;
	for (; left > 0 && peer_read(monitor, client); left -= (int)CHUNK)
		;
}

int monitor_run(struct shim *shim)
{
	struct monitor *monitor = monitor_of(shim);
	if (begin(monitor)) {
		serve_until(monitor, has_exited);
	} else {
		fail(monitor, "no descriptors or memory left to watch the container");
		reap(monitor);
	}
	finish(monitor);
	hear_client_out(monitor);
	/* The caller goes on to write to the client; what waits for it comes first. Others may take their time, in monitor_linger. */
	serve_until(monitor, client_has_all);
	if (shim->client >= 0)
		set_blocking(shim->client, true);
	/* The container may be started again, by another shim that wants the name, before a slow reader of this one has all. */
	if (monitor->released || !is_awaited(monitor))
		listener_close(monitor);
	return monitor->status;
}

void monitor_discard(struct shim *shim)
{
	if (shim->monitor != NULL)
		listener_close(shim->monitor);
}

void monitor_linger(struct shim *shim)
{
	struct monitor *monitor = monitor_of(shim);
	peers_sweep(monitor);
	if (shim->client >= 0)
		peer_leave(monitor, &monitor->client); /* ENDED was the last word to it */
	serve_until(monitor, may_end);
	listener_close(monitor);
	peers_end(monitor);
}
