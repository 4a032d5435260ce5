/* The shim's parts and what they tell each other. The wire format is in PROTOCOL.md. */
#ifndef DRYDOCK_SHIM_H
#define DRYDOCK_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROTOCOL_VERSION 2
#define SLOTS 128
#define SLOT_CHILD 127

/* What MONITOR said, already opened (monitor.c owns it). */
struct monitor;

/* One shim: its client, its child, and what must be undone. */
struct shim {
	int client;             /* the client's stream; -1 once it has gone */
	pid_t child;            /* 0: none yet, or reaped */
	int pidfd;              /* of the child; -1 */
	bool execed;            /* the child runs another program */
	uint64_t clone_ns;      /* CLOCK_MONOTONIC of clone3 and of exec */
	uint64_t exec_ns;
	int64_t slot[SLOTS];
	bool slot_set[SLOTS];
	struct monitor *monitor; /* NULL: no MONITOR frame was received */
	/* After a SIGKILL: take away what keeps a process from dying of it (a frozen cgroup of version 1). NULL: nothing does. */
	void (*release)(struct shim *shim);
	/* Steps of the host's while the container's program runs: make the batch in `body`; its answer is at `*frames` until the next
	 * call. Returns 0, or the code of the ERROR that the batch deserves. NULL: nobody is there who could make them. */
	int (*batch)(struct shim *shim, uint8_t *body, size_t length, const uint8_t **frames, size_t *frames_length);
};

/* wire.c: frames to the client. Each returns false when the client has gone. */
bool send_frame(int fd, uint8_t type, const void *body, size_t length);

/* monitor.c: life after execve. */
/* Take a MONITOR frame's body; opens everything it names. Returns 0 or an errno. */
int monitor_open(struct shim *shim, const uint8_t *body, size_t length);
/* Called once after a successful exec. Serves stdio, log, attach and control connections, the client's frames, and reaps the
 * child. Returns the wait status when the child has been reaped, its output drained and EXIT sent; the caller then runs the undo
 * steps and says ENDED. With an attended shim whose client goes away it kills the child and returns its status. */
int monitor_run(struct shim *shim);
/* After the undo steps: a detached shim lingers until its exit was taken or RELEASE asked; writes nothing more. */
void monitor_linger(struct shim *shim);
/* Instead of monitor_run, when no program came to run: what MONITOR has made (its socket) is removed. */
void monitor_discard(struct shim *shim);

/* init.c: the same binary as PID 1 of a container: `--init -- command…` */
int init_main(int argc, char **argv);
/* probe.c: what a process sees from inside, as JSON on stdout: `--probe` */
int probe_main(int argc, char **argv);
/* constants.c: `--constants` */
int constants_main(void);

#endif
