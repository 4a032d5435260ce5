/* Steps of the host's beside a running container, and frames of the client's that are wrong. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* Stands for the interpreter: answers with a DONE frame that repeats the batch's number and tells a sum over its body. */
static int fake_batch(struct shim *shim, uint8_t *body, size_t length, const uint8_t **frames, size_t *frames_length)
{
	static uint8_t done[10] = { 6, 0, 0, 0, DONE };
	if (length < 6)
		return MALFORMED;
	memcpy(done + 5, body, 4);
	done[9] = shim->child == 0 ? 0xff : 0;
	for (size_t i = 6; i < length && shim->child != 0; i++)
		done[9] = (uint8_t)(done[9] * 31 + body[i]) & 0x7f;
	*frames = done;
	*frames_length = sizeof done;
	return 0;
}

static int fake_batch_answer(const uint8_t *body, size_t length)
{
	unsigned sum = 0;
	for (size_t i = 6; i < length; i++)
		sum = (sum * 31 + body[i]) & 0x7f;
	return (int)sum;
}

/* Batches of all sizes go on beside the container's output, each answered once and between two whole OUTPUT frames, while another
 * connection controls the same container. */
static void batches_beside_output(void)
{
	enum { BATCHES = 40 };
	static uint8_t body[900001];
	struct run run;
	struct frame frame;
	struct noise_plan *plan = noise_plan(40 * MIB, 0, 0);
	uint64_t seen = 0;
	uint32_t answered = 0;
	uint16_t size[2] = { 1, 1 };
	make_noise(9, 0, body, sizeof body);
	launch(&run, &(struct setup){ .socket = "sock", .program = write_noise, .argument = plan, .batch = fake_batch });
	begin_container(&run);
	int other = control(&run);
	memset(body, 0, 4); /* the first is asked for by now, whenever the writer gets to run */
	put_frame(run.client, BATCH, body, 6);
	pid_t writer = fork();
	if (writer == 0) {
		for (uint32_t i = 1; i < BATCHES; i++) {
			memcpy(body, &i, 4);
			put_frame(run.client, BATCH, body, 6 + (i * 7919) % (sizeof body - 6));
			put_frame(other, RESIZE, size, 4);
		}
		_exit(0);
	}
	while (get_frame(run.client, &frame) && (frame.type == OUTPUT || frame.type == DONE)) {
		if (frame.type == OUTPUT) {
			check_noise(1, seen, frame.body + 1, frame.length - 1);
			seen += frame.length - 1;
			continue;
		}
		CHECK(frame.length == 5 && memcmp(frame.body, &answered, 4) == 0);
		memcpy(body, &answered, 4);
		CHECK(frame.body[4] == fake_batch_answer(body, 6 + (answered * 7919) % (sizeof body - 6)), "batch %u", answered);
		answered++;
	}
	CHECK(frame.type == EXIT_STATUS && seen == plan->amount[0]);
	while (get_frame(run.client, &frame) && frame.type == DONE) { /* what crossed the EXIT */
		CHECK(frame.body[4] == 0xff && memcmp(frame.body, &answered, 4) == 0);
		answered++;
	}
	CHECK(answered > 0);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	join(&run);
}

static void tell_pid(void *argument)
{
	*(volatile pid_t *)argument = getpid();
	put_all(1, "!", 1);
	wait_for_ever(NULL);
}

/* A batch that crosses the child's end is answered after EXIT and not made. */
static void batch_crosses_the_exit(void)
{
	struct run run;
	uint8_t body[200] = { 7, 0, 0, 0, 1, 0 };
	volatile pid_t *child = shared(sizeof *child);
	launch(&run, &(struct setup){ .program = tell_pid, .argument = (void *)child, .batch = fake_batch });
	begin_container(&run);
	expect_frame(run.client, OUTPUT);
	kill(run.shim, SIGSTOP);
	siginfo_t stopped;
	CHECK(waitid(P_PID, (id_t)run.shim, &stopped, WSTOPPED) == 0);
	kill(*child, SIGKILL);
	while (!is_dead(*child))
		usleep(1000);
	put_frame(run.client, BATCH, body, sizeof body);
	kill(run.shim, SIGCONT);
	struct frame first, second;
	CHECK(get_frame(run.client, &first));
	uint8_t type = first.type;
	CHECK(get_frame(run.client, &second));
	/* Both orders are right: the loop may hear the client before it reaps. It must be answered either way. */
	CHECK((type == EXIT_STATUS && second.type == DONE) || (type == DONE && second.type == EXIT_STATUS), "%#x %#x", type, second.type);
	CHECK(type == DONE || second.body[4] == 0xff);
	expect_frame(run.client, ENDED);
	join(&run);
}

static void bad_frame_of_the_client(void)
{
	static const struct {
		uint8_t bytes[16];
		size_t length;
		uint8_t code;
	} bad[] = {
		{ { 0, 0, 0, 0, 4 }, 5, MALFORMED },                    /* length 0 */
		{ { 255, 255, 255, 255, 4 }, 5, TOO_LARGE },
		{ { 1, 0, 0, 0, 0x77 }, 5, UNKNOWN_TYPE },
		{ { 1, 0, 0, 0, MONITOR }, 5, UNKNOWN_TYPE },           /* too late */
		{ { 3, 0, 0, 0, SIGNAL, 1, 2 }, 7, MALFORMED },
		{ { 5, 0, 0, 0, SIGNAL, 255, 255, 0, 0 }, 9, MALFORMED }, /* no such signal */
		{ { 3, 0, 0, 0, BATCH, 1, 2 }, 7, MALFORMED }, /* says who makes them */
		{ { 1, 0, 0, 0, RELEASE }, 5, UNKNOWN_TYPE },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct run run;
		launch(&run, &(struct setup){ .program = wait_for_ever, .batch = fake_batch });
		begin_container(&run);
		put_all(run.client, bad[i].bytes, bad[i].length);
		struct frame error = expect_frame(run.client, ERROR_TEXT);
		CHECK(error.length > 1 && error.body[0] == bad[i].code, "case %zu: code %d", i, error.body[0]);
		CHECK(expect_exit_and_end(run.client) == SIGKILL);
		join(&run);
	}
}

const struct test batch_tests[] = {
	TEST(batches_beside_output),
	TEST(batch_crosses_the_exit),
	TEST(bad_frame_of_the_client),
	{ 0 },
};
