/* How fast output goes from a container through the monitor: medians, and the monitor's own CPU time for each GiB. */
#define _GNU_SOURCE
#include "../../json.h"
#include "../../log.h"
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS 7
#define PIECE (64 << 10)

static double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static uint8_t lines[PIECE];

/* Lines of 100 bytes. */
static void make_lines(void)
{
	for (size_t i = 0; i < sizeof lines; i++)
		lines[i] = i % 100 == 99 ? '\n' : (uint8_t)('a' + i % 26);
}

static void write_lines(void *amount)
{
	for (uint64_t left = *(uint64_t *)amount; left > 0; left -= PIECE)
		put_all(1, lines, PIECE);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void tell(const char *what, double *rates, double *cpu)
{
	qsort(rates, ROUNDS, sizeof *rates, by_value);
	qsort(cpu, ROUNDS, sizeof *cpu, by_value);
	printf("%-44s %6.2f GB/s (%.2f to %.2f)  monitor's CPU %5.0f ms for each GB\n", what, rates[ROUNDS / 2], rates[0], rates[ROUNDS - 1],
	       cpu[ROUNDS / 2]);
	fflush(stdout);
}

static void measure(const char *what, struct setup setup, uint64_t amount, int readers)
{
	static uint8_t bytes[1 << 18];
	double rates[ROUNDS], cpu[ROUNDS];
	setup.program = write_lines;
	setup.argument = &amount;
	for (int round = 0; round < ROUNDS; round++) {
		struct run run;
		pid_t others[8];
		int fd[8];
		launch(&run, &setup);
		for (int i = 0; i < readers; i++)
			fd[i] = attach(&run, 2);
		double begin = now();
		begin_container(&run);
		for (int i = 1; i < readers; i++)
			if ((others[i] = fork()) == 0) {
				while (read(fd[i], bytes, sizeof bytes) > 0)
					;
				_exit(0);
			}
		if (readers > 0)
			while (read(fd[0], bytes, sizeof bytes) > 0)
				;
		else
			while (read(run.client, bytes, sizeof bytes) > 0)
				;
		rates[round] = (double)amount / (now() - begin) / 1e9;
		close(run.client);
		struct rusage usage;
		int status;
		CHECK(wait4(run.shim, &status, 0, &usage) == run.shim && status == 0);
		/* Its own time without the container's, which it has waited for: RUSAGE_SELF of a process is in wait4's sum only with its children. */
		double all = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
		size_t length;
		const char *text = setup.exit != NULL ? slurp(in_dir(&run, "exit"), &length) : NULL;
		double container = 0;
		if (text != NULL)
			container = (atof(strstr(text, "userMicros\":") + 12) + atof(strstr(text, "systemMicros\":") + 14)) / 1e3;
		cpu[round] = (all - container) / ((double)amount / 1e9);
		for (int i = 1; i < readers; i++) {
			close(fd[i]);
			waitpid(others[i], NULL, 0);
		}
		if (readers > 0)
			close(fd[0]);
		unlink(in_dir(&run, "log"));
	}
	tell(what, rates, cpu);
}

static void measure_log(void)
{
	double rates[ROUNDS], cpu[ROUNDS] = { 0 };
	for (int round = 0; round < ROUNDS; round++) {
		struct log log;
		CHECK(log_open(&log, (const uint8_t *)"/dev/null", 9, 0, 0) == 0);
		double begin = now();
		for (int i = 0; i < 8000; i++)
			log_append(&log, 1, lines, sizeof lines);
		log_flush(&log);
		rates[round] = 8000.0 * sizeof lines / (now() - begin) / 1e9;
		cpu[round] = 1e3 / rates[round];
		log_close(&log);
	}
	tell("encoding the log, to /dev/null", rates, cpu);
}

static void bench(void)
{
	uint64_t gib = 1 << 30;
	struct setup detached = { .flags = DETACH_FLAG, .socket = "sock", .exit = "exit" }, logged = detached;
	logged.log = "log";
	logged.max_size = 64 << 20;
	logged.max_files = 1;
	make_lines();
	measure_log();
	measure("attached, no log (spliced)", detached, 2 * gib, 1);
	measure("the client itself, no log (spliced)", (struct setup){ .exit = "exit" }, 2 * gib, 0);
	measure("two attached, no log", detached, gib, 2);
	measure("log alone", logged, gib, 0);
	measure("attached, with log", logged, gib, 1);
}

int main(void)
{
	static const struct test tests[] = { TEST(bench), { 0 } };
	char *no_words[] = { NULL };
	size_t ran = 0;
	return run_tests(tests, no_words, &ran) > 0;
}
