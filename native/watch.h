/* A client that hangs up while the host's actor waits inside a call. */
#ifndef DRYDOCK_WATCH_H
#define DRYDOCK_WATCH_H

#include <signal.h>
#include <stdbool.h>

/* The client has gone; whatever waits returns with EINTR, again and again, until the watch ends. */
extern volatile sig_atomic_t hung_up;

void watch_begin(int client);
void watch_end(void);
/* Has the other side closed, or half-closed? */
bool stream_ended(int fd);

#endif
