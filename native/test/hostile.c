/* Steps that are wrong, and messages that are none. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include "shim.h"

/* Steps that are wrong answer an errno, and nothing of them happens. */
void wrong_steps(void)
{
	struct client client = start_shim();
	static const char nul[] = "a\0b";
	static const struct {
		const char *what;
		int error;
	} wanted[] = {
		{ "a call that the table lacks", ENOSYS }, { "too few arguments", EINVAL },      { "a number for a string", EFAULT },
		{ "a length beyond the buffer", EFAULT },  { "a buffer that is too small", EFAULT }, { "a slot that is not set", EBADSLT },
		{ "a string with a NUL byte", EFAULT },    { "an address for a number", EFAULT }, { "execve by the host", EINVAL },
		{ "exit by the host", EINVAL },            { "close of the client", EBUSY },      { "close_range over the client", EBUSY },
		{ "dup3 onto the client", EBUSY },         { "too long a text", ENAMETOOLONG },
	};
	static char longest[5000];
	memset(longest, 'x', sizeof longest - 1);
	struct made steps[] = {
		HOSTS("vfork", NONE),
		HOSTS("mkdirat", AT_CWD, STR(in("no"))),
		HOSTS("mkdirat", AT_CWD, INT(4096), INT(0755)),
		HOSTS("write", INT(1), STR("text"), INT(5)),
		HOSTS("uname", OUT(389)),
		HOSTS("close", SLOT(99)),
		HOSTS("mkdirat", AT_CWD, BYTES(nul, 3), INT(0755)),
		HOSTS("ioctl", INT(0), INT(0x5413), INT(0x7fffffffffff)),
		HOSTS("execve", STR("/bin/true"), STRV(true_argv), STRV(no_strings)),
		HOSTS("exit_group", INT(0)),
		HOSTS("close", INT(9)),
		HOSTS("close_range", INT(3), INT(100), INT(0)),
		HOSTS("dup3", INT(0), INT(9), INT(0)),
		HOSTS("mkdirat", AT_CWD, TEXT(longest, -1, ""), INT(0755)),
	};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct plan plan = { .count = 0 };
		struct said got[1];
		add(&plan, steps[i]);
		CHECK_EQUAL(run_plan(&client, &plan, got), 1);
		if (got[0].status != STATUS_FAILED || got[0].error != wanted[i].error)
			failed(__FILE__, __LINE__, wanted[i].what, strerror(got[0].error));
	}
	hang_up(&client);
}

void hostile_frames(void)
{
	static const struct {
		const char *what;
		uint8_t bytes[16];
		size_t length;
		int code;
	} frames[] = {
		{ "length 0", { 0, 0, 0, 0, 1 }, 5, TOO_LARGE },
		{ "4 GiB", { 0xff, 0xff, 0xff, 0xff, 1 }, 5, TOO_LARGE },
		{ "unknown type", { 1, 0, 0, 0, 0x7f }, 5, UNKNOWN_TYPE },
		{ "ATTACH to a shim", { 1, 0, 0, 0, ATTACH }, 5, UNKNOWN_TYPE },
		{ "empty batch body", { 1, 0, 0, 0, BATCH }, 5, MALFORMED },
		{ "a batch that lacks its steps", { 7, 0, 0, 0, BATCH, 0, 0, 0, 0, 5, 0 }, 11, MALFORMED },
		{ "a batch with more than its steps", { 8, 0, 0, 0, BATCH, 0, 0, 0, 0, 0, 0, 1 }, 12, MALFORMED },
		{ "a step for no child", { 12, 0, 0, 0, BATCH, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0 }, 16, MALFORMED },
		{ "SIGNAL without a number", { 1, 0, 0, 0, SIGNAL }, 5, MALFORMED },
	};
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		struct client client = start_shim();
		struct plan plan = { .count = 0 };
		struct said got[1];
		add(&plan, make_directory(in("hostile")));
		CHECK_EQUAL(run_plan(&client, &plan, got), 0);
		tell(&client, (struct blob){ (uint8_t *)(uintptr_t)frames[i].bytes, frames[i].length });
		struct said said = hear(&client);
		if (said.type != ERROR_TEXT || said.body.data[0] != frames[i].code)
			failed(__FILE__, __LINE__, "not the answer to", frames[i].what);
		CHECK_EQUAL(hear(&client).type, UNDONE);
		end(&client);
		CHECK(!exists(in("hostile")));
	}
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	add(&plan, CONTAINERS("getpid"));
	tell(&client, batch_frame(1, &plan));
	struct said said = hear(&client);
	CHECK_EQUAL(said.type, ERROR_TEXT);
	CHECK_EQUAL(said.body.data[0], NO_CHILD);
	end(&client);
}

/* The stream ends in the middle of a frame. */
void half_a_frame(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[1];
	add(&plan, make_directory(in("half")));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	tell(&client, (struct blob){ (uint8_t[]){ 100, 0, 0, 0, BATCH, 1 }, 6 });
	hang_up(&client);
	CHECK(!exists(in("half")));
}
