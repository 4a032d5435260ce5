/* Unit tests of the step: what is a step, what it needs, how its arguments are laid out and held against the table. No system call is made. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../step.h"
#include "client.h"

static struct slots slots;
static struct buffer arena;

static bool is_step(struct blob bytes, struct outline *outline)
{
	/* An exact copy, so that a sanitizer knows its end. */
	uint8_t *copy = malloc(bytes.length ? bytes.length : 1);
	memcpy(copy, bytes.data, bytes.length);
	struct cursor cursor = { copy, copy + bytes.length, false };
	return step_outline(&cursor, outline) && cursor.at == cursor.end;
}

static struct step taken(struct made made)
{
	struct outline outline;
	struct step step;
	CHECK(is_step(encode(&made), &outline));
	CHECK(step_take(&outline, &step, &slots, &arena));
	CHECK(arena.length <= outline.memory);
	return step;
}

static const char *text_of(const struct value *value)
{
	return (const char *)(uintptr_t)value->number;
}

static void every_cut_is_refused(void)
{
	int64_t zero[8] = { 0 };
	static const char *const strings[] = { "one", "", NULL };
	struct made made = undone_by(keeping(allowing(HOSTS("mount", STR("a"), TEXT("/proc/", 127, "/x"), STRV(strings), OUT(100),
							    WITH_ADDRESS(zero, 56, 16, WITH_VALUE(zero, 16, 0, 4, 3))),
						      ENOENT),
					     5),
				     HOSTS("getpid"));
	struct blob whole = encode(&made);
	struct outline outline;
	CHECK(is_step(whole, &outline));
	CHECK_EQUAL(outline.n_outs, 1);
	CHECK_EQUAL(outline.n_undo, 1);
	CHECK_EQUAL(outline.answer, 33 + 4 + 100);
	for (size_t length = 0; length < whole.length; length++)
		CHECK(!is_step((struct blob){ whole.data, length }, &outline));
}

static void refused(const char *what, struct made made)
{
	struct outline outline;
	if (is_step(encode(&made), &outline))
		failed(__FILE__, __LINE__, "this is no step", what);
}

static void what_is_no_step(void)
{
	int64_t zero[8] = { 0 };
	struct made step = HOSTS("getpid");
	step.actor = 2;
	refused("a third actor", step);
	refused("slot 128", HOSTS("close", SLOT(128)));
	refused("an out-buffer of more than 1 MiB", HOSTS("read", INT(0), OUT((1 << 20) + 1), INT(0)));
	refused("a patch behind the end", HOSTS("write", INT(0), WITH_VALUE(zero, 8, 1, 8, 0), INT(0)));
	refused("a patch far behind the end", HOSTS("write", INT(0), WITH_VALUE(zero, 8, 0xffffffff, 4, 0), INT(0)));
	refused("the address of a number", HOSTS("write", INT(0), WITH_ADDRESS(zero, 8, 0, INT(1)), INT(0)));
	struct blob deep = WITH_ADDRESS(zero, 8, 0, WITH_ADDRESS(zero, 8, 0, WITH_ADDRESS(zero, 8, 0, OUT(1))));
	refused("nesting three deep", HOSTS("write", INT(0), deep, INT(0)));
	refused("a value kept from an out-buffer that is not there", keeping_out(HOSTS("getpid"), 0, 0, 4, 1));
	refused("a value kept from behind an out-buffer's end", keeping_out(HOSTS("pipe2", OUT(8), NONE), 0, 5, 4, 1));
	refused("a value of three bytes", keeping_out(HOSTS("pipe2", OUT(8), NONE), 0, 0, 3, 1));
	refused("a value kept in slot 128", keeping(HOSTS("getpid"), 128));
	struct made undo = undone_by(HOSTS("getpid"), HOSTS("getpid"));
	refused("an undo step that has one itself", undone_by(HOSTS("getpid"), undo));
	refused("an undo step for the container", undone_by(HOSTS("getpid"), CONTAINERS("getpid")));
	struct outline outline;
	struct blob no_nul = encode(&(struct made){ .name = "chdir", .n_args = 1, .args = { STR("/") } });
	no_nul.data[no_nul.length - 3] = 'x';
	CHECK(!is_step(no_nul, &outline));
}

static void arguments_are_laid_out(void)
{
	int64_t zero[4] = { 0 };
	slots.value[3] = -9223372036854775807 - 1;
	slots.set[3] = true;
	struct step step = taken(HOSTS("chdir", TEXT("/proc/", 3, "/cwd")));
	CHECK_EQUAL(step.error, 0);
	CHECK(!strcmp(text_of(&step.arg[0]), "/proc/-9223372036854775808/cwd"));
	slots.value[3] = 0;
	step = taken(HOSTS("chdir", TEXT("", 3, "")));
	CHECK(!strcmp(text_of(&step.arg[0]), "0"));

	static const char *const strings[] = { "one", "", "three", NULL };
	step = taken(HOSTS("execve", STR("/x"), STRV(strings), NONE));
	char **array = (char **)(uintptr_t)step.arg[1].number;
	CHECK(!strcmp(array[0], "one") && !strcmp(array[1], "") && !strcmp(array[2], "three") && !array[3]);

	slots.value[3] = 0x1122334455667788;
	step = taken(HOSTS("write", INT(1), WITH_VALUE(zero, 16, 3, 4, 3), INT(16)));
	CHECK(!memcmp(text_of(&step.arg[1]), "\0\0\0\x88\x77\x66\x55\0", 8));
	step = taken(HOSTS("write", INT(1), WITH_ADDRESS(zero, 16, 8, OUT(5)), INT(16)));
	uint8_t *address;
	memcpy(&address, text_of(&step.arg[1]) + 8, sizeof address);
	CHECK(address == step.out[0].data && step.out[0].length == 5);

	step = taken(HOSTS("close", SLOT(9)));
	CHECK_EQUAL(step.error, EBADSLT);
}

static void values_are_kept(void)
{
	struct step step = taken(keeping_out(keeping_out(keeping(HOSTS("pipe2", OUT(8), NONE), 10), 0, 4, 4, 11), 0, 0, 8, 12));
	int32_t numbers[2] = { 6, -7 };
	memcpy(step.out[0].data, numbers, sizeof numbers);
	step_keep(&step.outline, 99, step.out, &slots);
	CHECK_EQUAL(slots.value[10], 99);
	CHECK_EQUAL(slots.value[11], -7);
	CHECK_EQUAL(slots.value[12], (int64_t)0xfffffff900000006);
}

static void arguments_are_checked(void)
{
	static const struct {
		int error;
		const char *what;
	} wanted[] = { { 0, "a NULL source" },       { EFAULT, "a NULL target" },  { 0, "left out" },
		       { EINVAL, "one too many" },   { 0, "a small number" },      { EFAULT, "a large one" },
		       { 0, "no list of 0" },        { EFAULT, "no list of 2" },   { 0, "a list of 2" },
		       { EFAULT, "a list of 3" },    { EFAULT, "NULL of length 1" }, { EFAULT, "a negative length" } };
	struct made steps[] = {
		HOSTS("mount", NONE, STR("/"), NONE, INT(0), NONE),
		HOSTS("mount", STR("a"), NONE, NONE, INT(0), NONE),
		HOSTS("fcntl", INT(0), INT(1)),
		HOSTS("fcntl", INT(0), INT(1), INT(1), INT(1)),
		HOSTS("ioctl", INT(0), INT(1), INT(0x80102)),
		HOSTS("ioctl", INT(0), INT(1), INT(1ll << 32)),
		HOSTS("setgroups", INT(0), NONE),
		HOSTS("setgroups", INT(2), NONE),
		HOSTS("getgroups", INT(2), OUT(8)),
		HOSTS("getgroups", INT(3), OUT(8)),
		HOSTS("setxattr", STR("a"), STR("b"), NONE, INT(1), INT(0)),
		HOSTS("write", INT(1), STR("abc"), INT(-1)),
	};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int error = taken(steps[i]).error;
		if (error != wanted[i].error)
			failed(__FILE__, __LINE__, wanted[i].what, strerror(error));
	}
	/* This program's own data, as an ioctl's argument. */
	static int here;
	struct step step = taken(HOSTS("ioctl", INT(0), INT(1), INT((int64_t)(uintptr_t)&here)));
	CHECK_EQUAL(step.error, EFAULT);
}

static void each_call_is_found(void)
{
	CHECK(call_find((const uint8_t *)"mount", 5)->kind == PLAIN);
	CHECK(call_find((const uint8_t *)"clone3", 6)->kind == CLONE);
	CHECK(!call_find((const uint8_t *)"moun", 4));
	CHECK(!call_find((const uint8_t *)"mountx", 6));
	CHECK(!call_find((const uint8_t *)"", 0));
	CHECK(!call_find((const uint8_t *)"mount\0", 6));
}

int main(void)
{
	step_prepare();
	every_cut_is_refused();
	what_is_no_step();
	arguments_are_laid_out();
	values_are_kept();
	arguments_are_checked();
	each_call_is_found();
	puts("ok: steps");
	return 0;
}
