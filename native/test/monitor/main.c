/* The monitor against real pipes, terminals, sockets and processes, and its tools. With words: only the tests that have one in their name. */
#include "harness.h"

#include <signal.h>

int main(int argc, char **argv)
{
	static const struct test *const tables[] = {
		json_tests,   small_tests, log_tests,  rotation_tests, opening_tests, attended_tests, batch_tests,
		reader_tests, deliver_tests, input_tests, exit_tests, terminal_tests, hostile_tests,
	};
	size_t ran = 0, failed = 0;
	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		failed += run_tests(tables[i], argv + 1, &ran);
	printf("%zu tests, %zu failed\n", ran, failed);
	return failed > 0 || ran == 0;
}
