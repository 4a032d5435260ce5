#ifndef DRYDOCK_SPAWNER_H
#define DRYDOCK_SPAWNER_H

#define MOST_WARM 64

struct spawner {
	const char *path; /* NULL: listener is given */
	int listener;
	int lifeline;     /* -1: none; its end is the spawner's end */
	int warm;         /* shims that wait ready */
};

int spawner_run(struct spawner *spawner);

/* main.c */
void reset_signals(void);
int fcntl_cloexec(int fd);

#endif
