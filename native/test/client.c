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

/* --- bytes -------------------------------------------------------------------------------------------------------------- */

static void more(struct blob *blob, const void *data, size_t length)
{
	blob->data = realloc(blob->data, blob->length + length + 1);
	memcpy(blob->data + blob->length, data, length);
	blob->length += length;
}

static void byte(struct blob *blob, int value)
{
	uint8_t one = (uint8_t)value;
	more(blob, &one, 1);
}

#define NUMBER(blob, type, value)     \
	do {                          \
		type number_ = (type)(value); \
		more(blob, &number_, sizeof number_); \
	} while (0)

struct blob INT(int64_t value)
{
	struct blob blob = { 0 };
	byte(&blob, 0);
	NUMBER(&blob, int64_t, value);
	return blob;
}

struct blob SLOT(uint8_t slot)
{
	struct blob blob = { 0 };
	byte(&blob, 1);
	byte(&blob, slot);
	return blob;
}

static struct blob bytes_head(const void *data, size_t length, int n_patches)
{
	struct blob blob = { 0 };
	byte(&blob, 2);
	NUMBER(&blob, uint32_t, length);
	more(&blob, data, length);
	byte(&blob, 0);
	byte(&blob, n_patches);
	return blob;
}

struct blob BYTES(const void *data, size_t length)
{
	return bytes_head(data, length, 0);
}

struct blob STR(const char *text)
{
	return BYTES(text, strlen(text));
}

struct blob TEXT(const char *before, int slot, const char *after)
{
	struct blob blob = { 0 };
	byte(&blob, 3);
	byte(&blob, slot < 0 ? 1 : 3);
	byte(&blob, 0);
	NUMBER(&blob, uint16_t, strlen(before));
	more(&blob, before, strlen(before));
	if (slot < 0)
		return blob;
	byte(&blob, 1);
	byte(&blob, slot);
	byte(&blob, 0);
	NUMBER(&blob, uint16_t, strlen(after));
	more(&blob, after, strlen(after));
	return blob;
}

struct blob STRV(const char *const *strings)
{
	struct blob blob = { 0 };
	int count = 0;
	while (strings[count])
		count++;
	byte(&blob, 4);
	NUMBER(&blob, uint16_t, count);
	for (int i = 0; i < count; i++) {
		NUMBER(&blob, uint32_t, strlen(strings[i]));
		more(&blob, strings[i], strlen(strings[i]) + 1);
	}
	return blob;
}

struct blob OUT(uint32_t length)
{
	struct blob blob = { 0 };
	byte(&blob, 5);
	NUMBER(&blob, uint32_t, length);
	return blob;
}

struct blob WITH_VALUE(const void *data, size_t length, uint32_t offset, int width, uint8_t slot)
{
	struct blob blob = bytes_head(data, length, 1);
	NUMBER(&blob, uint32_t, offset);
	byte(&blob, width == 4 ? 0 : 1);
	byte(&blob, slot);
	return blob;
}

struct blob WITH_ADDRESS(const void *data, size_t length, uint32_t offset, struct blob arg)
{
	struct blob blob = bytes_head(data, length, 1);
	NUMBER(&blob, uint32_t, offset);
	byte(&blob, 2);
	more(&blob, arg.data, arg.length);
	return blob;
}

/* --- steps --------------------------------------------------------------------------------------------------------------- */

static struct made make_step(int actor, const char *name, int n, const struct blob *args)
{
	struct made step = { .actor = actor, .name = name, .n_args = n };
	for (int i = 0; i < n; i++)
		step.args[i] = args[i];
	return step;
}

struct made host_step(const char *name, int n, const struct blob *args)
{
	return make_step(0, name, n, args);
}

struct made container_step(const char *name, int n, const struct blob *args)
{
	return make_step(1, name, n, args);
}

struct made allowing(struct made step, int error)
{
	step.allow[step.n_allow++] = error;
	return step;
}

struct made keeping(struct made step, uint8_t slot)
{
	return keeping_out(step, 0xff, 0, 8, slot);
}

struct made keeping_out(struct made step, uint8_t out, uint16_t offset, uint8_t width, uint8_t slot)
{
	int i = step.n_keep++;
	step.keep[i].source = out;
	step.keep[i].offset = offset;
	step.keep[i].width = width;
	step.keep[i].slot = slot;
	return step;
}

struct made undone_by(struct made step, struct made undo)
{
	step.undo[step.n_undo++] = encode(&undo);
	return step;
}

struct blob encode(const struct made *step)
{
	struct blob blob = { 0 };
	byte(&blob, step->actor);
	byte(&blob, step->n_allow);
	for (int i = 0; i < step->n_allow; i++)
		NUMBER(&blob, int32_t, step->allow[i]);
	byte(&blob, step->n_keep);
	for (int i = 0; i < step->n_keep; i++) {
		byte(&blob, step->keep[i].source);
		NUMBER(&blob, uint16_t, step->keep[i].offset);
		byte(&blob, step->keep[i].width);
		byte(&blob, step->keep[i].slot);
	}
	byte(&blob, (int)strlen(step->name));
	more(&blob, step->name, strlen(step->name));
	byte(&blob, step->n_args);
	for (int i = 0; i < step->n_args; i++)
		more(&blob, step->args[i].data, step->args[i].length);
	byte(&blob, step->n_undo);
	for (int i = 0; i < step->n_undo; i++)
		more(&blob, step->undo[i].data, step->undo[i].length);
	return blob;
}

struct made clone_step(uint64_t flags)
{
	/* struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, … */
	uint64_t args[11] = { flags | 0x1000 /* CLONE_PIDFD */, 0, 0, 0, SIGCHLD };
	return HOSTS("clone3", WITH_ADDRESS(args, sizeof args, 8, OUT(4)), INT(sizeof args));
}

void add(struct plan *plan, struct made step)
{
	CHECK(plan->count < 128);
	plan->steps[plan->count++] = step;
}

struct blob frame(uint8_t type, const void *body, size_t length)
{
	struct blob blob = { 0 };
	NUMBER(&blob, uint32_t, length + 1);
	byte(&blob, type);
	more(&blob, body, length);
	return blob;
}

struct blob batch_frame(uint32_t batch, const struct plan *plan)
{
	struct blob blob = { 0 };
	NUMBER(&blob, uint32_t, batch);
	NUMBER(&blob, uint16_t, plan->count);
	for (int i = 0; i < plan->count; i++) {
		struct blob step = encode(&plan->steps[i]);
		more(&blob, step.data, step.length);
	}
	return frame(BATCH, blob.data, blob.length);
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
