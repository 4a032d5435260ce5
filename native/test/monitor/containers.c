/* Programs that are containers. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <signal.h>

void exit_with(void *status)
{
	_exit((int)(intptr_t)status);
}

void wait_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

void write_noise(void *argument)
{
	static uint8_t bytes[1 << 17];
	struct noise_plan *plan = argument;
	uint64_t done[2] = { 0 };
	unsigned turn = 1;
	plan->pid = getpid();
	while (done[0] < plan->amount[0] || done[1] < plan->amount[1]) {
		turn = turn * 1103515245 + 12345;
		int stream = (turn >> 16) % 5 == 0;
		if (done[stream] >= plan->amount[stream])
			stream = !stream;
		uint64_t n = plan->piece > 0 ? plan->piece : (turn >> 8) % ((turn >> 20) % 3 == 0 ? sizeof bytes : 200) + 1;
		if (n > plan->amount[stream] - done[stream])
			n = plan->amount[stream] - done[stream];
		make_noise(stream + 1, done[stream], bytes, n);
		put_all(stream + 1, bytes, n);
		done[stream] += n;
		plan->written += n;
	}
}

struct noise_plan *noise_plan(uint64_t out, uint64_t err, size_t piece)
{
	struct noise_plan *plan = shared(sizeof *plan);
	plan->amount[0] = out;
	plan->amount[1] = err;
	plan->piece = piece;
	return plan;
}

void echo(void *unused)
{
	static uint8_t bytes[50000];
	ssize_t n;
	(void)unused;
	while ((n = read(0, bytes, sizeof bytes)) > 0)
		put_all(1, bytes, (size_t)n);
	_exit(n < 0 ? 9 : 42);
}

/* One byte, a nap until somebody says go on stdin, the rest. */
void say_twice(void *unused)
{
	char byte;
	(void)unused;
	put_all(1, "first\n", 6);
	if (read(0, &byte, 1) == 1)
		put_all(1, "second\n", 7);
}
