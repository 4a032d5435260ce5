/* The child as the host sees it: born by a step, made to make steps, gone by an execve or by its death. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "kernel.h"
#include "watch.h"

/* A child that shares memory, descriptors or its place in the tree of processes is not one that this program can serve and reap. */
#define REFUSED                                                                                                        \
	(CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS | CLONE_THREAD | CLONE_SIGHAND | CLONE_PARENT | CLONE_SETTLS | \
	 CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

static int clone_refused(const struct host *host, const struct step *step)
{
	if (step->error)
		return step->error;
	if (host->shim.child || host->reaped || host->ended)
		return EEXIST; /* one child for each shim */
	struct clone_args args = { 0 };
	uint64_t size = (uint64_t)step->arg[1].number;
	if (size > sizeof args)
		return E2BIG;
	memcpy(&args, (const void *)(uintptr_t)step->arg[0].number, size);
	return (args.flags & REFUSED) || args.stack || args.stack_size ? EINVAL : 0;
}

/* clone3(2). Without CLONE_VM it is a fork: everything here is copied, and this program has one thread, so that the child may go on
 * in C. It never comes back from child_main. */
struct outcome clone_child(struct host *host, struct step *step)
{
	int pair[2];
	int error = clone_refused(host, step);
	if (error)
		return step_failed(&step->outline, error); /* there may be a first child, and its exchange */
	if (!(host->exchange = exchange_open()))
		error = ENOMEM;
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		error = errno;
	if (error) {
		exchange_close(host->exchange);
		host->exchange = NULL;
		return step_failed(&step->outline, error);
	}

	int64_t args[6] = { step->arg[0].number, step->arg[1].number };
	uint64_t start = now_ns();
	long pid = kernel_call(SYS_clone3, args);
	if (pid == 0)
		child_main(host->exchange, pair[1], pair[0]);
	uint64_t ns = now_ns() - start;
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		exchange_close(host->exchange);
		host->exchange = NULL;
		struct outcome failed = step_failed(&step->outline, (int)-pid);
		failed.ns = ns;
		return failed;
	}
	host->channel = pair[0];
	host->shim.child = (pid_t)pid;
	host->shim.clone_ns = start;
	host->slots.value[SLOT_CHILD] = pid;
	host->slots.set[SLOT_CHILD] = true;
	/* The monitor's own, whether the plan asks for one or not. There is no race: nobody else can reap this child. */
	host->shim.batch = batch_while_watching;
	host->shim.release = undo_release_of;
	host->shim.pidfd = (int)syscall(SYS_pidfd_open, host->shim.child, 0);
	step_keep(&step->outline, pid, step->out, &host->slots);
	return (struct outcome){ .status = STATUS_OK, .ret = pid, .ns = ns };
}

/* --- answers --------------------------------------------------------------------------------------------------------- */

/* The frame at `at` (a private copy) if it is an answer to that step, else nothing is believed of it. */
static bool read_answer(struct cursor *frames, const struct run *run, const struct outline *outline, struct outcome *outcome, struct out outs[])
{
	uint32_t length = take_u32(frames);
	uint8_t type = take_u8(frames);
	uint32_t batch = take_u32(frames);
	uint16_t index = take_u16(frames);
	uint8_t status = take_u8(frames);
	outcome->status = status;
	outcome->ret = take_i64(frames);
	outcome->error = take_i32(frames);
	outcome->ns = (uint64_t)take_i64(frames);
	uint8_t n_outs = take_u8(frames);
	if (frames->bad || length != outline->answer - 4 || type != RESULT || batch != run->batch || index != run->index ||
	    status > STATUS_ALLOWED || n_outs != outline->n_outs)
		return false;
	for (int i = 0; i < n_outs; i++) {
		outs[i].length = take_u32(frames);
		if (outs[i].length != outline->out_length[i])
			return false;
		outs[i].data = take(frames, outs[i].length);
	}
	return !frames->bad;
}

/* Pass on what the child has published beyond `passed`. False: that is no answer to what it was asked. */
static bool pass_answers(struct host *host, struct run *run, struct cursor *steps, uint32_t *passed, uint16_t end)
{
	uint32_t answered = atomic_load_explicit(&host->exchange->answered, memory_order_acquire);
	if (answered < *passed || answered > RUN_ANSWERS)
		return false;
	if (answered == *passed)
		return true;
	size_t start = host->answer.length;
	if (!buffer_append(&host->answer, host->exchange->answers + *passed, answered - *passed))
		return false;
	*passed = answered;
	struct cursor frames = { host->answer.data + start, host->answer.data + host->answer.length, false };
	uint8_t *said = frames.at; /* how far the client's answer goes */
	while (frames.at < frames.end) {
		struct outline outline;
		struct outcome outcome;
		struct out outs[MAX_OUTS];
		uint8_t *begin = frames.at, *step = steps->at;
		if (run->index >= end || run->stopped || !step_outline(steps, &outline) ||
		    !read_answer(&frames, run, &outline, &outcome, outs)) {
			host->answer.length = (size_t)(said - host->answer.data);
			steps->at = step;
			return false;
		}
		if (outcome.status == STATUS_OK) {
			step_keep(&outline, outcome.ret, outs, &host->slots);
			undo_arm(host, &outline);
		} else if (outcome.status == STATUS_FAILED) {
			run->stopped = run->failed = true;
		}
		if (!run->quiet || !result_says_nothing(&outline, &outcome)) {
			size_t size = (size_t)(frames.at - begin);
			if (said != begin)
				memmove(said, begin, size);
			said += size;
		}
		run->index++;
	}
	host->answer.length = (size_t)(said - host->answer.data);
	return true;
}

/* --- the end of the channel ------------------------------------------------------------------------------------------ */

/* PF_FORKNOEXEC (linux/sched.h), "forked but didn't exec", in field 9 of /proc/PID/stat: proc(5). The kernel keeps it for a process
 * that is ending and for a zombie. 1 it has executed a program, 0 it has not, -1 there is no /proc to ask. */
#define FORKED_NOT_EXECUTED 0x40

static int has_executed(pid_t pid)
{
	char path[32], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	ssize_t n = read(file, text, sizeof text - 1);
	close(file);
	if (n <= 0)
		return -1;
	text[n] = 0;
	/* The name of the program, in parentheses, may have anything in it: count from the last one. */
	const char *at = strrchr(text, ')');
	char state;
	int parent, group, session, terminal, foreground;
	unsigned flags;
	if (!at || sscanf(at + 1, " %c %d %d %d %d %d %u", &state, &parent, &group, &session, &terminal, &foreground, &flags) != 7)
		return -1;
	if (parent != (int)getpid())
		return -1; /* another pid namespace's /proc */
	return !(flags & FORKED_NOT_EXECUTED);
}

/* The child was in an execve when its channel ended. Did that succeed (and the program may have ended since), or was the child
 * killed in it: by a seccomp filter, by the OOM killer, by anybody? */
static bool exec_succeeded(pid_t pid)
{
	siginfo_t info = { 0 };
	bool dead = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid == pid;
	if (dead && info.si_code == CLD_EXITED)
		return true; /* the interpreter does not exit in the middle of a step */
	int executed = has_executed(pid);
	if (executed >= 0)
		return executed;
	return !dead || (info.si_status != SIGSYS && info.si_status != SIGKILL);
}

static void leave_exchange(struct host *host)
{
	if (host->channel >= 0)
		close(host->channel);
	host->channel = -1;
	exchange_close(host->exchange);
	host->exchange = NULL;
}

/* The channel has ended (or cannot be trusted) while a step was in progress, or between two. */
static void child_left(struct host *host, struct run *run, struct cursor *steps, uint16_t end, bool damaged)
{
	uint32_t leaving = atomic_load(&host->exchange->leaving);
	struct outline outline;
	bool in_step = run->index < end && !run->stopped && step_outline(steps, &outline);
	const struct call *call = in_step ? call_find(outline.name, outline.name_length) : NULL;
	bool leaves = !damaged && call && leaving == 1u + run->index;
	leave_exchange(host);
	struct outcome outcome = { .status = STATUS_OK };
	if (leaves && call->kind == EXEC && exec_succeeded(host->shim.child)) {
		host->shim.execed = true;
		host->shim.exec_ns = now_ns();
	} else {
		if (!leaves || call->kind != EXIT) {
			child_kill(host);
			if (in_step)
				outcome = step_failed(&outline, ECHILD);
			run->failed = true;
		}
		host->ended = true;
	}
	if (in_step) {
		if (outcome.status == STATUS_OK)
			undo_arm(host, &outline);
		answer_result(host, run, &outcome, NULL);
		run->index++;
	}
	run->stopped = true;
}

/* --- a run ----------------------------------------------------------------------------------------------------------- */

/* A frame of the client's has come while the child works. Nothing but the end is done at once: a batch that comes early waits. */
static void overhear(struct host *host, short *events)
{
	uint8_t header[5];
	ssize_t n = recv(host->shim.client, header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
	if (n == (ssize_t)sizeof header && header[4] == ROLLBACK && header[0] == 1 && !header[1] && !header[2] && !header[3]) {
		read_all(host->shim.client, header, sizeof header);
		host->rollback = host->ended = true;
		return;
	}
	int32_t number;
	uint8_t frame[sizeof header + sizeof number];
	if (n == (ssize_t)sizeof header && header[4] == SIGNAL && header[0] == 5 && !header[1] && !header[2] && !header[3] &&
	    recv(host->shim.client, frame, sizeof frame, MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof frame) {
		read_all(host->shim.client, frame, sizeof frame);
		memcpy(&number, frame + sizeof header, sizeof number);
		syscall(SYS_pidfd_send_signal, host->shim.pidfd, number, NULL, 0);
		return;
	}
	*events &= ~POLLIN;
}

#define PROGRESS_MS 100
#define SLOW_PROGRESS_MS 1000

void child_make(struct host *host, struct run *run, struct cursor *steps, uint16_t count, uint32_t length)
{
	struct exchange *exchange = host->exchange;
	uint16_t end = (uint16_t)(run->index + count);
	struct cursor cursor = { steps->at, steps->at + length, false };
	steps->at += length;
	memcpy(exchange->steps, cursor.at, length);
	exchange->batch = run->batch;
	exchange->index = run->index;
	exchange->count = count;
	exchange->length = length;
	exchange->slots = host->slots;
	atomic_store(&exchange->stop, 0);
	atomic_store(&exchange->answered, 0);
	atomic_store(&exchange->leaving, 0);

	uint32_t passed = 0;
	bool over = false, sound = true;
	if (send(host->channel, "", 1, MSG_NOSIGNAL) != 1) {
		child_left(host, run, &cursor, end, false);
		return;
	}
	struct pollfd both[2] = { { .fd = host->channel, .events = POLLIN },
				  { .fd = host->shim.client, .events = POLLIN | POLLRDHUP } };
	for (int patience = PROGRESS_MS; !over;) {
		int ready = poll(both, 2, patience);
		if (ready < 0 && errno != EINTR)
			break;
		if (ready == 0 && host->ended) {
			child_kill(host);
			patience = -1;
		} else if (ready == 0) { /* a step that takes its time: tell what is known so far */
			sound = sound && pass_answers(host, run, &cursor, &passed, end);
			answer_flush(host);
			patience = SLOW_PROGRESS_MS;
		}
		over = ready > 0 && both[0].revents;
		if (ready <= 0 || over || !both[1].revents)
			continue;
		if (both[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) {
			host->shim.client = -1;
			host->ended = true;
		} else {
			overhear(host, &both[1].events);
		}
		if (host->ended) {
			/* Killed in the middle of a step it could not tell what it has done, and nobody could undo that. */
			atomic_store(&exchange->stop, 1);
			patience = PROGRESS_MS;
			both[1] = (struct pollfd){ .fd = -1 };
		}
	}
	char byte;
	bool alive = recv(host->channel, &byte, 1, 0) == 1;
	sound = sound && pass_answers(host, run, &cursor, &passed, end);
	/* It says that the run is over: then every step is answered, or one that failed was the last. Else it was told to stop. */
	if (alive && sound && (run->index == end || run->stopped))
		return;
	child_left(host, run, &cursor, end, alive || !sound);
}

/* --- its end --------------------------------------------------------------------------------------------------------- */

void child_kill(struct host *host)
{
	if (host->shim.child > 0)
		kill(host->shim.child, SIGKILL);
	undo_release(host);
}

void child_reap(struct host *host)
{
	struct rusage usage = { 0 };
	if (!host->shim.child && !host->reaped)
		return;
	if (!host->reaped)
		while (wait4(host->shim.child, &host->wait_status, __WALL, &usage) < 0 && errno == EINTR)
			;
	host->shim.child = 0;
	host->reaped = false;
	leave_exchange(host);
	if (host->shim.client >= 0 && !host->rollback) {
		uint8_t body[EXIT_BODY];
		exit_body(body, host->wait_status, now_ns() - host->shim.clone_ns, &usage, false);
		answer_frame(host, EXIT_STATUS, body, sizeof body);
	}
}
