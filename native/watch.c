#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

volatile sig_atomic_t hung_up;
static int watched = -1;
static int owned = -1;
static int flags; /* of the watched stream, before */

#define EVERY_US 20000

bool stream_ended(int fd)
{
	struct pollfd stream = { .fd = fd, .events = POLLRDHUP };
	return poll(&stream, 1, 0) > 0;
}

/*
 * SIGIO says that something has happened on the client's stream; only its end matters here. From then on a timer interrupts, because
 * one signal could come just before a call begins to wait, and do nothing. A frame that comes meanwhile is no end: SA_RESTART lets
 * most calls go on by themselves, and special.c repeats the others (signal(7), "Interruption of system calls").
 */
static void on_stream(int number)
{
	(void)number;
	int saved = errno;
	if (watched >= 0 && stream_ended(watched)) {
		hung_up = 1;
		struct itimerval every = { { 0, EVERY_US }, { 0, EVERY_US } };
		setitimer(ITIMER_REAL, &every, NULL);
	}
	errno = saved;
}

static void on_tick(int number)
{
	(void)number;
}

/* Neither handlers nor timer get into the container: timers are not inherited by a clone (setitimer(2)), handlers are reset by an
 * execve, and the stream's owner is this process alone. */
void watch_begin(int client)
{
	if (watched == client || client < 0)
		return;
	if (owned != client) { /* once for each stream, and it has only one */
		struct sigaction action = { .sa_handler = on_stream, .sa_flags = SA_RESTART };
		sigaction(SIGIO, &action, NULL);
		action = (struct sigaction){ .sa_handler = on_tick }; /* without SA_RESTART: it is there to interrupt */
		sigaction(SIGALRM, &action, NULL);
		fcntl(client, F_SETOWN, getpid());
		owned = client;
	}
	flags = fcntl(client, F_GETFL); /* the monitor may have changed them */
	fcntl(client, F_SETFL, flags | O_ASYNC);
	watched = client;
	on_stream(SIGIO); /* it may have ended before */
}

void watch_end(void)
{
	if (watched < 0)
		return;
	fcntl(watched, F_SETFL, flags);
	watched = -1;
	if (hung_up)
		setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}
