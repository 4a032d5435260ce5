#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../step.h"

const char *shim_path;

_Noreturn void failed(const char *file, int line, const char *what, const char *detail)
{
	fprintf(stderr, "%s:%d: %s%s%s\n", file, line, what, detail ? ": " : "", detail ? detail : "");
	_exit(1);
}

void check_equal(const char *file, int line, const char *what, long long a, long long b)
{
	char detail[64];
	snprintf(detail, sizeof detail, "%lld, not %lld", a, b);
	if (a != b)
		failed(file, line, what, detail);
}

/* --- talking --------------------------------------------------------------------------------------------------------------- */

struct client start_shim(void)
{
	int pair[2];
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(pair[1], 9);
		dup2(open("/dev/null", O_WRONLY), 1); /* what the containers print */
		execl(shim_path, "shim", "--fd", "9", (char *)NULL);
		failed(__FILE__, __LINE__, shim_path, strerror(errno));
	}
	close(pair[1]);
	struct client client = { pair[0], pid };
	struct said hello = hear(&client);
	CHECK_EQUAL(hello.type, HELLO);
	CHECK_EQUAL(hello.body.length, 8);
	CHECK_EQUAL(hello.body.data[0], PROTOCOL_VERSION);
	return client;
}

struct client connect_shim(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	struct client client = { socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0 };
	if (connect(client.fd, (struct sockaddr *)&address, sizeof address))
		failed(__FILE__, __LINE__, path, strerror(errno));
	CHECK_EQUAL(hear(&client).type, HELLO);
	return client;
}

void tell(const struct client *client, struct blob bytes)
{
	write_all(client->fd, bytes.data, bytes.length);
}

#define GIVE_UP_MS 20000

static bool get(int fd, void *to, size_t length)
{
	for (size_t got = 0; got < length;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		if (poll(&ready, 1, GIVE_UP_MS) == 0)
			failed(__FILE__, __LINE__, "the shim says nothing", NULL);
		ssize_t n = read(fd, (uint8_t *)to + got, length - got);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

struct said hear(const struct client *client)
{
	struct said said = { 0 };
	uint32_t length;
	if (!get(client->fd, &length, sizeof length))
		return said;
	CHECK(length >= 1 && length <= LONGEST_FRAME);
	uint8_t *data = malloc(length);
	CHECK(get(client->fd, data, length));
	said.type = data[0];
	said.body = (struct blob){ data + 1, length - 1 };
	if (said.type != RESULT && said.type != UNDONE)
		return said;
	struct cursor cursor = { data + 1, data + length, false };
	said.batch = take_u32(&cursor);
	said.index = take_u16(&cursor);
	said.status = take_u8(&cursor);
	said.ret = take_i64(&cursor);
	said.error = take_i32(&cursor);
	said.ns = (uint64_t)take_i64(&cursor);
	said.n_outs = take_u8(&cursor);
	for (int i = 0; i < said.n_outs && i < 16; i++) {
		said.out[i].length = take_u32(&cursor);
		said.out[i].data = take(&cursor, said.out[i].length);
	}
	CHECK(!cursor.bad && cursor.at == cursor.end);
	return said;
}

struct said hear_until(const struct client *client, uint8_t type, struct said results[], int room)
{
	for (;;) {
		struct said said = hear(client);
		if (said.type == RESULT && results && said.index < room)
			results[said.index] = said;
		if (said.type == type || said.type == 0)
			return said;
	}
}

int run_plan(const struct client *client, const struct plan *plan, struct said results[])
{
	static uint32_t batch = 100;
	memset(results, 0, sizeof *results * (size_t)plan->count);
	tell(client, batch_frame(++batch, plan));
	struct said done = hear_until(client, DONE, results, plan->count);
	CHECK_EQUAL(done.type, DONE);
	CHECK_EQUAL(done.body.length, 5);
	for (int i = 0; i < plan->count; i++)
		CHECK_EQUAL(results[i].type, RESULT);
	return done.body.data[4];
}

void hang_up(struct client *client)
{
	close(client->fd);
	client->fd = -1;
	if (client->pid > 0) {
		int status;
		CHECK_EQUAL(waitpid(client->pid, &status, 0), client->pid);
		CHECK_EQUAL(status, 0);
	}
}

/* --- looking ----------------------------------------------------------------------------------------------------------------- */

bool process_exists(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

void wait_until_gone(pid_t pid)
{
	for (int i = 0; i < GIVE_UP_MS; i++) {
		if (!process_exists(pid))
			return;
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	failed(__FILE__, __LINE__, "a process does not end", NULL);
}

long read_number(const char *path, const char *key)
{
	char line[256];
	long number = -1;
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (!strncmp(line, key, strlen(key)))
			number = strtol(line + strlen(key) + 1, NULL, 10);
	if (file)
		fclose(file);
	return number;
}

void wait_until_below(const char *path, const char *key, long limit)
{
	for (int i = 0; i < GIVE_UP_MS; i++) {
		if (read_number(path, key) < limit)
			return;
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	failed(__FILE__, __LINE__, "a number does not fall", key);
}
