/* The host's side: takes batches from the client, makes its own steps, has the child make the others, and undoes. */
#define _GNU_SOURCE
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "child.h"
#include "wire.h"

static struct shim shim = { .client = -1, .pidfd = -1 };
static struct slots slots;
static int channel = -1;          /* to the child, until its exec */
static struct buffer frame;       /* the client's last frame */
static struct buffer arena;       /* memory of the step being made */
static struct buffer answer;      /* RESULT frames that wait to be sent */
static struct buffer message;     /* to and from the child */

/* Armed undo steps, as they came over the wire, each behind its length; run from the end. */
static struct buffer armed;
static struct buffer armed_at; /* offsets, size_t */

/* --- a call of our own that blocks, and a client that hangs up meanwhile --------------------------------------------- */

static volatile sig_atomic_t hung_up;

static bool client_hung_up(void)
{
	struct pollfd poll_client = { .fd = shim.client, .events = POLLRDHUP };
	return poll(&poll_client, 1, 0) > 0 && (poll_client.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* SIGIO says that something happened on the client's stream. If it is its end, the timer goes on interrupting until the call
 * has really returned: a single signal could come just before the call begins to wait. */
static void on_client(int signal)
{
	(void)signal;
	int saved = errno;
	if (client_hung_up()) {
		hung_up = 1;
		struct itimerval every = { { 0, 20000 }, { 0, 20000 } };
		setitimer(ITIMER_REAL, &every, NULL);
	}
	errno = saved;
}

static void on_tick(int signal)
{
	(void)signal;
}

static void watch_client(bool on)
{
	if (on) {
		struct sigaction action = { .sa_handler = on_client, .sa_flags = SA_RESTART };
		sigaction(SIGIO, &action, NULL);
		action = (struct sigaction){ .sa_handler = on_tick };
		sigaction(SIGALRM, &action, NULL);
		fcntl(shim.client, F_SETOWN, getpid());
	}
	int flags = fcntl(shim.client, F_GETFL);
	fcntl(shim.client, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC);
	if (on) {
		on_client(SIGIO); /* it may have ended before the watch began */
	} else if (hung_up) {
		setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	}
}

static struct outcome make_host_step(struct step *step)
{
	if (!step->call || step->call->kind != BLOCKS || step->error)
		return step_make(step, &slots);
	watch_client(true);
	struct outcome outcome;
	do
		outcome = step_make(step, &slots);
	while (outcome.error == EINTR && !hung_up);
	watch_client(false);
	return outcome;
}

/* --- undo ----------------------------------------------------------------------------------------------------------- */

static bool arm(const struct step *step)
{
	struct cursor cursor = { step->undo, step->undo + step->undo_length, false };
	for (int i = 0; i < step->n_undo; i++) {
		uint8_t *start = cursor.at;
		enum actor actor;
		if (!step_skip(&cursor, &actor))
			return false;
		size_t offset = armed.length, length = (size_t)(cursor.at - start);
		if (!buffer_append(&armed_at, &offset, sizeof offset) || !buffer_append(&armed, &length, sizeof length) ||
		    !buffer_append(&armed, start, length))
			return false;
	}
	return true;
}

/* A cgroup whose last process has just been reaped, or a mount whose last user has, may be busy for a moment more. */
#define BUSY_TRIES 40
#define BUSY_SLEEP_US 1000

static void run_undo(void)
{
	uint16_t index = 0;
	while (armed_at.length) {
		size_t offset, length;
		armed_at.length -= sizeof offset;
		memcpy(&offset, armed_at.data + armed_at.length, sizeof offset);
		memcpy(&length, armed.data + offset, sizeof length);
		uint8_t *start = armed.data + offset + sizeof length;
		struct outcome outcome;
		struct step step;
		for (int attempt = 0;; attempt++) {
			struct cursor cursor = { start, start + length, false };
			if (!step_take(&cursor, &step, &slots, &arena))
				return;
			outcome = step_make(&step, &slots);
			if (outcome.error != EBUSY || step_allows(&step, EBUSY) || attempt == BUSY_TRIES)
				break;
			usleep(BUSY_SLEEP_US * (useconds_t)(attempt + 1));
		}
		answer.length = 0;
		if (shim.client >= 0 && result_append(&answer, UNDONE, 0, index, &outcome, &step))
			if (!write_all(shim.client, answer.data, answer.length))
				shim.client = -1;
		index++;
	}
}

/* --- the child ------------------------------------------------------------------------------------------------------- */

static void kill_child(void)
{
	if (shim.child > 0)
		kill(shim.child, SIGKILL);
}

/* Reap it; EXIT to the client. */
static void reap_child(void)
{
	if (shim.child <= 0)
		return;
	int status = 0;
	struct rusage usage = { 0 };
	while (wait4(shim.child, &status, __WALL, &usage) < 0 && errno == EINTR)
		;
	uint8_t body[EXIT_BODY];
	exit_body(body, status, now_ns() - (shim.execed ? shim.exec_ns : shim.clone_ns), &usage, false);
	shim.child = 0;
	if (shim.client >= 0)
		send_frame(shim.client, EXIT_STATUS, body, sizeof body);
}

_Noreturn static void finish(void)
{
	kill_child();
	reap_child();
	run_undo();
	if (shim.client >= 0)
		send_frame(shim.client, ENDED, NULL, 0);
	exit(0);
}

_Noreturn static void refuse(enum refusal code, const char *text)
{
	if (shim.client >= 0)
		send_error(shim.client, code, text);
	finish();
}

/* clone3(2) as a step of the plan; the child goes on in child_main and never comes back here. */
static struct outcome make_clone(struct step *step)
{
	struct outcome outcome = { .ret = -1, .error = step->error };
	struct clone_args args = { 0 };
	int pair[2] = { -1, -1 };
	uint32_t size = step->n_args > 0 ? step->arg[0].size : 0;
	if (!outcome.error && shim.child)
		outcome.error = EEXIST; /* one child for each shim */
	if (!outcome.error && size > sizeof args)
		outcome.error = E2BIG;
	if (!outcome.error) {
		memcpy(&args, (void *)(uintptr_t)step->arg[0].number, size);
		/* A child that shares our memory, descriptors or parent would not be a child that this program can serve. */
		if (args.flags & (CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_THREAD | CLONE_SIGHAND | CLONE_PARENT | CLONE_FS) || args.stack)
			outcome.error = EINVAL;
		else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			outcome.error = errno;
	}
	if (outcome.error)
		goto done;

	/* Reference: clone3(2). Without CLONE_VM it is a fork: everything here is copied, this program has one thread. */
	uint64_t start = now_ns();
	long pid = syscall(SYS_clone3, &args, (size_t)size);
	if (pid == 0) {
		close(pair[0]);
		child_main(pair[1], &slots);
	}
	int error = errno;
	outcome.ns = now_ns() - start;
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		outcome.error = error;
		goto done;
	}
	channel = pair[0];
	shim.child = (pid_t)pid;
	shim.clone_ns = start;
	slots.value[SLOT_CHILD] = pid;
	slots.set[SLOT_CHILD] = true;
	for (int i = 0; i < step->n_keep; i++) {
		const struct keep *keep = &step->keep[i];
		int32_t kept = (int32_t)pid;
		if (keep->source != 0xff) {
			if (keep->source >= step->n_outs || keep->offset + 4u > step->out[keep->source].length)
				continue;
			memcpy(&kept, step->out[keep->source].data + keep->offset, 4);
		}
		slots.value[keep->slot] = kept;
		slots.set[keep->slot] = true;
	}
	/* The monitor wants a pidfd whether the plan asked for one or not; this one is its own. */
	shim.pidfd = (int)syscall(SYS_pidfd_open, shim.child, 0);
	outcome.ret = pid;
done:
	if (outcome.error)
		outcome.status = step_allows(step, outcome.error) ? STATUS_ALLOWED : STATUS_FAILED;
	return outcome;
}

/* Read one message of the child's; meanwhile the client may hang up, which ends everything. 1 message, 0 end of the channel. */
static int read_child(void)
{
	struct pollfd both[2] = { { .fd = channel, .events = POLLIN }, { .fd = shim.client, .events = POLLRDHUP } };
	for (;;) {
		if (poll(both, 2, -1) < 0 && errno != EINTR)
			return 0;
		if (both[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) {
			shim.client = -1;
			finish();
		}
		if (both[0].revents)
			break;
	}
	uint32_t length;
	if (read_all(channel, &length, sizeof length) != 1)
		return 0;
	message.length = 0;
	if (length < 1 || length > LONGEST_FRAME * 2 || !buffer_reserve(&message, length))
		return 0;
	message.length = length;
	return read_all(channel, message.data, length) == 1;
}

/* --- batches --------------------------------------------------------------------------------------------------------- */

struct run {
	uint32_t batch;
	uint16_t index;    /* of the next step */
	uint16_t count;
	bool stopped;      /* a failure that was not allowed, or an exec that succeeded, or the child's end */
	bool failed;
};

static void flush_answer(void)
{
	if (answer.length && shim.client >= 0 && !write_all(shim.client, answer.data, answer.length)) {
		shim.client = -1;
		finish();
	}
	answer.length = 0;
}

static void answer_step(struct run *run, const struct outcome *outcome, const struct step *step)
{
	if (!result_append(&answer, RESULT, run->batch, run->index, outcome, step))
		refuse(OUT_OF_MEMORY, "no memory for the results");
	if (answer.length > (1u << 20))
		flush_answer();
}

static void host_step(struct run *run, struct cursor *cursor)
{
	struct step step;
	if (!step_take(cursor, &step, &slots, &arena))
		refuse(OUT_OF_MEMORY, "no memory for a step");
	struct outcome outcome = step.call && step.call->kind == CLONE ? make_clone(&step) : make_host_step(&step);
	if (outcome.status == STATUS_OK && !arm(&step))
		refuse(OUT_OF_MEMORY, "no memory for the undo steps");
	answer_step(run, &outcome, &step);
	run->index++;
	if (outcome.status == STATUS_FAILED)
		run->stopped = run->failed = true;
	if (hung_up) {
		shim.client = -1;
		finish();
	}
}

/* Pass the child's RESULT frames on, and arm the undo of the steps that succeeded. `steps` stands at the first of them. */
static void pass_results(struct run *run, struct cursor *steps)
{
	struct cursor frames = { message.data + 1, message.data + message.length, false };
	while (frames.at < frames.end) {
		uint32_t length = take_u32(&frames);
		uint8_t *body = take(&frames, length);
		if (!body || length < 29)
			refuse(INTERNAL, "the child's answer is damaged");
		uint8_t *start = steps->at;
		enum actor actor;
		if (!step_skip(steps, &actor))
			refuse(INTERNAL, "the child answered more than it was asked");
		enum status status = body[7];
		if (status == STATUS_OK) {
			struct cursor again = { start, steps->at, false };
			struct step step;
			/* Only for its undo steps: what its references stand for does not matter here. */
			struct slots unused = slots;
			if (!step_take(&again, &step, &unused, &arena) || !arm(&step))
				refuse(OUT_OF_MEMORY, "no memory for the undo steps");
		}
		if (status == STATUS_FAILED)
			run->stopped = run->failed = true;
		run->index++;
	}
	if (!buffer_append(&answer, message.data + 1, message.length - 1))
		refuse(OUT_OF_MEMORY, "no memory for the results");
}

/* The channel has ended: an exec that succeeded, or the child's death. */
static void channel_ended(struct run *run, struct cursor *steps, bool execing)
{
	close(channel);
	channel = -1;
	siginfo_t info = { 0 };
	bool dead = waitid(P_PID, (id_t)shim.child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == shim.child;
	/* A program that has ended already was executed all the same: only a signal between its note and its exec, which
	 * nobody can tell from one just after it, is counted as after. */
	bool execed = execing;
	struct outcome outcome = { .status = STATUS_OK };
	struct step step = { 0 };
	if (execed) {
		shim.execed = true;
		shim.exec_ns = now_ns();
	} else {
		outcome = (struct outcome){ .status = STATUS_FAILED, .ret = -1, .error = ECHILD };
		run->failed = true;
		if (!dead)
			kill_child();
	}
	enum actor actor;
	if (!step_skip(steps, &actor))
		refuse(INTERNAL, "the child ended outside of its steps");
	answer_step(run, &outcome, &step);
	run->index++;
	run->stopped = true;
}

/* Have the child make the container steps that follow each other from here. */
static void container_steps(struct run *run, struct cursor *cursor)
{
	if (channel < 0)
		refuse(NO_CHILD, "a step for the container before clone3, or after its execve");
	struct cursor steps = *cursor;
	uint16_t count = 0;
	for (struct cursor ahead = *cursor; run->index + count < run->count; count++) {
		enum actor actor;
		struct cursor next = ahead;
		if (!step_skip(&next, &actor) || actor != CONTAINER)
			break;
		ahead = next;
		cursor->at = ahead.at;
	}
	size_t length = (size_t)(cursor->at - steps.at);
	message.length = 4;
	bool ok = buffer_reserve(&message, 4 + RUN_HEAD + 9 * SLOTS + length) && buffer_append(&message, &run->batch, 4) &&
		  buffer_append(&message, &run->index, 2) && buffer_append(&message, &count, 2) && slots_append(&message, &slots) &&
		  buffer_append(&message, steps.at, length);
	if (!ok)
		refuse(OUT_OF_MEMORY, "no memory for the container's steps");
	uint32_t size = (uint32_t)message.length - 4;
	memcpy(message.data, &size, 4);
	uint16_t end = (uint16_t)(run->index + count);
	bool execing = false, sent = write_all(channel, message.data, message.length);
	for (;;) {
		if (!sent || !read_child()) {
			channel_ended(run, &steps, execing);
			break;
		}
		if (message.data[0] == MESSAGE_EXEC) {
			execing = true;
			continue;
		}
		execing = false;
		if (message.data[0] == MESSAGE_RESULTS) {
			pass_results(run, &steps);
			continue;
		}
		struct cursor done = { message.data + 1, message.data + message.length, false };
		take_u8(&done);
		slots_take(&done, take_u8(&done), &slots);
		break;
	}
	/* What the end of the child has left. */
	struct outcome not_run = { .status = STATUS_NOT_RUN, .ret = -1 };
	for (; run->index < end; run->index++)
		answer_step(run, &not_run, NULL);
}

static void run_batch(void)
{
	struct cursor cursor = { frame.data, frame.data + frame.length, false };
	struct run run = { .batch = take_u32(&cursor) };
	run.count = take_u16(&cursor);
	/* Nothing is made before all of it is known to be steps. */
	struct cursor ahead = cursor;
	for (int i = 0; i < run.count; i++) {
		enum actor actor;
		if (!step_skip(&ahead, &actor))
			refuse(MALFORMED, "the batch is malformed");
	}
	if (cursor.bad || ahead.at != ahead.end)
		refuse(MALFORMED, "the batch is malformed");

	struct outcome not_run = { .status = STATUS_NOT_RUN, .ret = -1 };
	while (run.index < run.count) {
		if (run.stopped) {
			answer_step(&run, &not_run, NULL);
			run.index++;
			continue;
		}
		enum actor actor;
		struct cursor next = cursor;
		step_skip(&next, &actor);
		if (actor == HOST)
			host_step(&run, &cursor);
		else
			container_steps(&run, &cursor);
	}
	bool lost = shim.child && channel < 0 && !shim.execed;
	if (shim.execed) {
		uint32_t body[3] = { 5, 0, 0 };
		uint8_t exec_frame[9];
		uint32_t pid = (uint32_t)shim.child;
		memcpy(exec_frame, body, 4);
		exec_frame[4] = EXEC_DONE;
		memcpy(exec_frame + 5, &pid, 4);
		if (!buffer_append(&answer, exec_frame, sizeof exec_frame))
			refuse(OUT_OF_MEMORY, "no memory for the answer");
	}
	uint8_t done[10];
	uint32_t done_length = 6;
	memcpy(done, &done_length, 4);
	done[4] = DONE;
	memcpy(done + 5, &run.batch, 4);
	done[9] = run.failed;
	if (!buffer_append(&answer, done, sizeof done))
		refuse(OUT_OF_MEMORY, "no memory for the answer");
	flush_answer();
	buffer_shrink(&answer);
	buffer_shrink(&frame);
	buffer_shrink(&arena);
	buffer_shrink(&message);
	if (lost)
		finish();
	if (shim.execed) {
		memcpy(shim.slot, slots.value, sizeof shim.slot);
		memcpy(shim.slot_set, slots.set, sizeof shim.slot_set);
		monitor_run(&shim);
		shim.child = 0;
		run_undo();
		if (shim.client >= 0)
			send_frame(shim.client, ENDED, NULL, 0);
		monitor_linger(&shim);
		exit(0);
	}
}

static void take_monitor(void)
{
	memcpy(shim.slot, slots.value, sizeof shim.slot);
	memcpy(shim.slot_set, slots.set, sizeof shim.slot_set);
	int error = monitor_open(&shim, frame.data, frame.length);
	struct outcome outcome = { .status = error ? STATUS_FAILED : STATUS_OK, .ret = error ? -1 : 0, .error = error };
	struct run run = { .batch = MONITOR_BATCH };
	answer_step(&run, &outcome, NULL);
	flush_answer();
}

_Noreturn void serve(int client)
{
	shim.client = client;
	uint32_t hello[2] = { PROTOCOL_VERSION, (uint32_t)getpid() };
	if (!send_frame(client, HELLO, hello, sizeof hello))
		exit(0);
	for (;;) {
		uint8_t type;
		int got = read_frame(client, &type, &frame);
		if (got == -2)
			refuse(TOO_LARGE, "the frame's length is 0 or over 16 MiB");
		if (got == -3)
			refuse(OUT_OF_MEMORY, "no memory for the frame");
		if (got != 1) {
			shim.client = -1;
			finish();
		}
		switch (type) {
		case BATCH:
			run_batch();
			break;
		case MONITOR:
			take_monitor();
			break;
		case ROLLBACK:
			finish();
		case SIGNAL: {
			int32_t number;
			if (frame.length != sizeof number)
				refuse(MALFORMED, "SIGNAL has four bytes");
			memcpy(&number, frame.data, sizeof number);
			if (shim.pidfd >= 0)
				syscall(SYS_pidfd_send_signal, shim.pidfd, number, NULL, 0);
			break;
		}
		case STDIN:
		case RESIZE:
			break; /* nobody runs yet who could take it */
		default:
			refuse(UNKNOWN_TYPE, "a frame of unknown type");
		}
	}
}
