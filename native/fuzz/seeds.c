/* Inputs for the fuzzer to begin with: `seeds DIRECTORY`. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "../step.h"
#include "../test/client.h"

static void write_seed(const char *directory, const char *name, int target, struct blob bytes)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s-%d", directory, name, target);
	FILE *file = fopen(path, "we");
	CHECK(file && fputc(target, file) == target && fwrite(bytes.data, 1, bytes.length, file) == bytes.length && !fclose(file));
}

static struct blob joined(struct blob a, struct blob b)
{
	uint8_t *data = malloc(a.length + b.length + 1);
	if (a.length)
		memcpy(data, a.data, a.length);
	memcpy(data + a.length, b.data, b.length);
	return (struct blob){ data, a.length + b.length };
}

static const char *const strings[] = { "one", "two", NULL };

static void add_some(struct plan *plan)
{
	int64_t zero[8] = { 0 };
	struct iovec vector = { NULL, 8 };
	struct { int32_t length; int16_t type, flags; uint32_t sequence, port; } message = { 16, 18, 0x305, 1, 0 };
	add(plan, keeping(undone_by(HOSTS("mkdirat", AT_CWD, STR("/x"), INT(0755)), HOSTS("rmdir_tree", STR("/x"))), 1));
	add(plan, undone_by(HOSTS("remove_tree", STR("x")), HOSTS("remove_tree", STR("/x/y/"))));
	add(plan, clone_step(0x7c020000));
	add(plan, allowing(HOSTS("openat", AT_CWD, TEXT("/proc/", 127, "/uid_map"), INT(1), INT(0)), ENOENT));
	add(plan, HOSTS("write", SLOT(1), WITH_VALUE(zero, 16, 4, 8, 1), INT(16)));
	add(plan, keeping_out(HOSTS("pipe2", OUT(8), INT(0)), 0, 4, 4, 2));
	add(plan, HOSTS("netlink", INT(3), BYTES(&message, sizeof message), OUT(256)));
	add(plan, HOSTS("recvmsg", INT(3), WITH_ADDRESS(zero, 56, 16, WITH_ADDRESS(&vector, sizeof vector, 0, OUT(8))), INT(0)));
	add(plan, HOSTS("ioctl", INT(3), INT(0x5413), OUT(8)));
	add(plan, HOSTS("prctl", INT(22), INT(2), BYTES(zero, 16)));
	add(plan, HOSTS("setxattr", STR("/x"), STR("user.y"), STR("z"), INT(1), INT(0)));
	add(plan, HOSTS("nanosleep", BYTES(zero, 16), NONE));
	add(plan, HOSTS("execve", STR("/bin/true"), STRV(strings), STRV(strings)));
}

static void add_more(struct plan *plan)
{
	add(plan, CONTAINERS("mount", STR("proc"), STR("/proc"), STR("proc"), INT(0), NONE));
	add(plan, undone_by(CONTAINERS("uname", OUT(390)), HOSTS("getpid")));
	add(plan, CONTAINERS("setgroups", INT(2), BYTES("12345678", 8)));
	add(plan, allowing(CONTAINERS("execve", STR("/bin/true"), STRV(strings), STRV(strings)), ENOENT));
}

/* An answer to a step, as the child writes it. */
static struct blob answer(uint16_t index, uint32_t out)
{
	static uint8_t data[1024];
	struct buffer buffer = { data, 0, sizeof data };
	struct step step = { .outline = { .n_outs = out ? 1 : 0, .answer = 33 + (out ? 4 + out : 0) } };
	static uint8_t content[512];
	step.out[0] = (struct out){ content, out };
	struct outcome outcome = { .status = STATUS_OK, .ret = 5 };
	CHECK(result_append(&buffer, RESULT, 7, index, &outcome, &step));
	return (struct blob){ data, buffer.length };
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	struct plan hosts = { .count = 0 }, containers = { .count = 0 }, both = { .count = 0 };
	add_some(&hosts);
	add_more(&containers);
	add_some(&both);
	add_more(&both);
	int32_t number = SIGTERM;
	struct blob end = frame(ROLLBACK, "", 0), signal_frame = frame(SIGNAL, &number, sizeof number);
	write_seed(argv[1], "host", 0, joined(batch_frame(1, &hosts), end));
	write_seed(argv[1], "both", 0, joined(batch_frame(1, &both), end));
	struct blob quiet = batch_frame(1, &both);
	quiet.data[4] = QUIET;
	write_seed(argv[1], "quiet", 0, joined(quiet, end));
	write_seed(argv[1], "signal", 0, joined(signal_frame, end));
	write_seed(argv[1], "monitor", 0, joined(frame(MONITOR, "\3\1\2\3abcdefgh", 12), end));
	for (int i = 0; i < both.count; i++) {
		struct plan one = { .count = 0 };
		char name[32];
		snprintf(name, sizeof name, "step%d", i);
		add(&one, both.steps[i]);
		write_seed(argv[1], name, 0, joined(batch_frame(1, &one), end));
		struct blob step = encode(&both.steps[i]);
		write_seed(argv[1], name, 3, step);
	}
	/* Runs of one to four steps, and what a child that behaves answers. */
	struct blob steps = { 0 }, answers = { 0 };
	for (int i = 0; i < containers.count; i++) {
		struct blob head = { (uint8_t[]){ 7, 0, 0, 0 }, 4 };
		char name[32];
		steps = joined(steps, encode(&containers.steps[i]));
		answers = joined(answers, answer((uint16_t)i, i == 1 ? 390 : 0));
		head.data[2] = (uint8_t)steps.length;
		head.data[3] = (uint8_t)(steps.length >> 8);
		snprintf(name, sizeof name, "run%d", i);
		write_seed(argv[1], name, 3, steps);
		write_seed(argv[1], name, 2, joined(joined(head, steps), answers));
	}
	return 0;
}
