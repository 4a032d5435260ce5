/* The monitor's parts. monitor.c is the loop; each other file is about one noun:
 *
 *     monitor_open.c   the MONITOR frame: everything that it names is opened
 *     stream.c         the container's output: from its pipes or its terminal to the log and to the readers
 *     input.c          the container's stdin: from whoever may write it
 *     peer.c           a connection: the client, an attached one, a controlling one
 *     deliver.c        an attached one's output, into a socket that it has
 *     frames.c         what peers say
 *     listener.c       the socket on which peers arrive
 *     exitfile.c       the last word on disk
 *     log.c json.c queue.c place.c timestamp.c   their tools
 *
 * Every descriptor is registered with epoll once, edge-triggered, and a `source` remembers what it is ready for. A pass of the loop
 * does what is possible now and drops a readiness when the kernel says EAGAIN; backpressure is simply not to read. So no
 * descriptor is ever added, changed or removed because somebody is slow. */
#ifndef DRYDOCK_MONITOR_H
#define DRYDOCK_MONITOR_H

#include "bytes.h"
#include "log.h"
#include "place.h"
#include "queue.h"
#include "shim.h"

#include <sys/resource.h>
#include <time.h>

#define NO_SLOT 0xff

/* One read of output. */
#define CHUNK ((size_t)64 << 10)

struct source {
	int fd; /* -1: closed */
	bool in, out, hup;
};

struct stream {
	struct source *source; /* NULL: the container has no such stream, or it has ended */
	struct source own;
	int number;   /* 1 stdout, 2 stderr */
	bool pipe;    /* can be spliced */
	bool widened; /* the pipe was made larger, or that was tried */
	bool copied;  /* … and refused: not spliced any more */
};

struct input {
	struct source *source; /* NULL: none, or closed */
	struct source own;
	struct queue queue;
	bool ending; /* close it when the queue is empty */
};

enum peer_kind {
	PEER_FRESH,   /* its first frame has not come yet */
	PEER_CLIENT,  /* the stream on which the shim was given its steps */
	PEER_CONTROL, /* frames on the monitor's socket */
	PEER_ATTACH,  /* raw bytes on the monitor's socket */
};

struct peer {
	struct source source;
	struct source *sink; /* where its output goes: its own connection, or … */
	struct source given; /* … another socket of its process (deliver.c) */
	struct peer *next;
	enum peer_kind kind;
	uint8_t attached;   /* PEER_ATTACH: 1 stdin, 2 stdout, 4 stderr */
	bool held;          /* it has not said yet where its output goes: frames are read from it, and none is made for it */
	bool input_ended;   /* nothing more will be read from it */
	bool output_ended;  /* it has gone, or everything was sent: nothing more is written to it */
	bool ending;        /* end its stream when its queue is empty */
	bool has_exit;      /* EXIT is in its queue or sent */
	struct queue queue; /* what waits for it */

	/* A frame header promised this many bytes of this stream which are still in the pipe (stream.c). */
	size_t owed;
	struct stream *owed_from;

	/* The frame that is being read. */
	uint8_t head[20];
	size_t head_length;
	size_t body_left; /* of a STDIN, which is passed on as it comes, or of a BATCH, which is collected */
	bool body_is_input;
};

struct monitor {
	struct shim *shim;
	bool configured; /* a MONITOR frame was received */
	bool detach, tty, keep_stdin;
	bool alone; /* the client said LEAVE: nobody will ask how it ended */
	uint8_t slot[3]; /* of stdin, stdout, stderr */

	struct source child; /* its pidfd */
	struct source listener;
	struct place socket;
	struct place exit_file;
	struct log log;
	int oom_fd;
	char *oom_path; /* the cgroup was not there yet when MONITOR came */

	struct source terminal; /* the pty's master: output and input at once */
	struct stream stream[2];
	struct input input;
	struct peer *peers;
	struct peer client;
	struct buffer batch; /* the client's, as much as has come */

	int epoll;
	bool exited;   /* reaped */
	bool released; /* somebody said RELEASE */
	bool exit_written; /* to the exit file */
	bool exit_taken;   /* by a peer */
	bool heavy;        /* buffers were filled: give them back when it is quiet */

	int status;
	struct rusage usage;
	bool oom_killed;
	struct timespec started, finished; /* CLOCK_REALTIME */
	uint64_t nanoseconds;              /* between them, CLOCK_MONOTONIC */
};

/* Bytes that were just read and are passed on at once. One is enough: there is one thread. */
extern uint8_t scratch[CHUNK];

/* monitor.c */
/* The shim's monitor; one without any setting before the first MONITOR frame. */
struct monitor *monitor_of(struct shim *shim);
bool watch(struct monitor *monitor, struct source *source, int fd);
/* Only whether it takes bytes: what it says is somebody else's to read. */
bool watch_output(struct monitor *monitor, struct source *source, int fd);
void unwatch(struct monitor *monitor, struct source *source);
void kill_child(struct monitor *monitor, int signal);

/* stream.c: each returns true when it has done something and may be able to do more. */
bool stream_open(struct monitor *monitor, struct stream *stream, int fd);
bool stream_pump(struct monitor *monitor, struct stream *stream);
/* After the child's death: take what is there, slow readers or not, and close. */
void stream_drain(struct monitor *monitor, struct stream *stream);
/* Fetch what peers were promised into their queues: what remains in the pipes is then nobody's yet. */
bool streams_settle(struct monitor *monitor);

/* input.c */
bool input_open(struct monitor *monitor, int fd);
/* How many bytes may be read now from whoever writes to stdin; never 0 when they would be thrown away. */
size_t input_room(const struct monitor *monitor);
void input_push(struct monitor *monitor, const uint8_t *bytes, size_t n);
void input_take(struct monitor *monitor, const uint8_t *bytes, size_t n);
bool input_waits(const struct monitor *monitor);
bool input_flush(struct monitor *monitor);
void input_end(struct monitor *monitor);
void input_close(struct monitor *monitor);

/* peer.c */
struct peer *peer_new(struct monitor *monitor, int fd);
void peer_add(struct monitor *monitor, struct peer *peer);
bool peer_reads(const struct monitor *monitor, const struct peer *peer, const struct stream *stream);
/* No more can be taken from this stream for now. */
bool peer_is_slow(const struct peer *peer, const struct stream *stream);
/* The header that goes before n bytes of this stream; returns its length. */
size_t peer_header(const struct monitor *monitor, const struct peer *peer, const struct stream *stream, size_t n, uint8_t header[8]);
void peer_send_output(struct monitor *monitor, struct peer *peer, struct stream *stream, const uint8_t *bytes, size_t n);
void peer_send_frame(struct monitor *monitor, struct peer *peer, uint8_t type, const void *body, size_t n);
/* Whole frames as they are. */
void peer_send_frames(struct monitor *monitor, struct peer *peer, const uint8_t *frames, size_t n);
bool peer_flush(struct monitor *monitor, struct peer *peer);
bool peer_read(struct monitor *monitor, struct peer *peer);
/* It does not take anything any more. */
void peer_lost(struct monitor *monitor, struct peer *peer);
/* Nothing more comes from it. */
void peer_silent(struct monitor *monitor, struct peer *peer);
/* Close and free those that are done. */
void peers_sweep(struct monitor *monitor);
/* Nothing more is said or heard; it sees the end and no error. */
void peer_end(struct monitor *monitor, struct peer *peer);
void peers_end(struct monitor *monitor);
/* Nothing more is said to it, and its stream is the caller's to close. */
void peer_leave(struct monitor *monitor, struct peer *peer);

/* deliver.c: from now on its output goes into the socket that its process has at this number, if it is the one with this inode; its own
 * connection (-1) otherwise. It is told which: one byte, before anything else. */
void deliver(struct monitor *monitor, struct peer *peer, int fd, uint64_t inode);
/* Let go of that socket. Nothing more is written to it; what it is for its process, it stays. */
void deliver_end(struct monitor *monitor, struct peer *peer);

/* frames.c: the next n bytes of a peer's frames. Returns how many were taken (fewer: it is attached from here on, or in error). */
size_t frames_take(struct monitor *monitor, struct peer *peer, const uint8_t *bytes, size_t n);
/* As many of its next bytes as are surely no stdin. */
size_t frames_before_input(const struct peer *peer);
void send_exit(struct monitor *monitor, struct peer *peer);

/* listener.c */
int listener_open(struct monitor *monitor, const uint8_t *path, size_t n);
bool listener_accept(struct monitor *monitor);
void listener_close(struct monitor *monitor);

/* exitfile.c */
bool oom_was_killed(struct monitor *monitor);
/* Write it whole or not at all; false when that failed. */
bool exit_file_write(struct monitor *monitor);

#endif
