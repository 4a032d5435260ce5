/* The fuzzer's target: everything that reads what somebody else has written (the client's stream, the child's answers, the run that the
 * child is given, netlink's datagrams), with a kernel that calls nothing but looks at every argument as the real one would.
 * Built with libFuzzer (clang) or with driver.c (any compiler). Buffers are malloc'ed to the byte here (exact.c), so that the address
 * sanitizer sees a read or write that is one too far. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* For their static parts: the table, and the functions that read answers. */
#include "../calls.c"
#include "../clone.c"

/* --- what the input is taken for ----------------------------------------------------------------------------------------- */

static const uint8_t *rest; /* what the fake kernel hands out, round and round */
static size_t rest_length, rest_at;
static int datagrams; /* that it still hands out */

static uint8_t next_byte(void)
{
	return rest_length ? rest[rest_at++ % rest_length] : 0;
}

/* --- a kernel that calls nothing ------------------------------------------------------------------------------------------ */

static volatile uint8_t sink;

static void touch(int64_t address, size_t length, bool write)
{
	uint8_t *memory = (uint8_t *)(uintptr_t)address;
	for (size_t i = 0; memory && i < length; i++) {
		sink ^= memory[i];
		if (write)
			memory[i] = (uint8_t)i;
	}
}

static void read_string(int64_t address)
{
	if (address)
		sink ^= (uint8_t)strlen((const char *)(uintptr_t)address);
}

static void read_strings(int64_t address)
{
	for (char **string = (char **)(uintptr_t)address; string && *string; string++)
		sink ^= (uint8_t)strlen(*string);
}

/* Use the arguments as the call's line in the table allows it to. */
static void use(const struct call *call, const int64_t args[6])
{
	int i = 0;
	for (const char *at = call->signature; *at && i < 6; i++) {
		if (*at == '|')
			at++;
		char letter = *at++;
		size_t least = strtoul(at, (char **)(uintptr_t)&at, 10);
		if (letter == 's' || letter == 'S')
			read_string(args[i]);
		else if (letter == 'v' || letter == 'V')
			read_strings(args[i]);
		else if (letter == 'p' || letter == 'P')
			touch(args[i], least, true);
		else if (letter == 'n')
			touch(args[i - 1], (size_t)args[i], true);
		else if (letter == 'N')
			touch(args[i + 1], (size_t)args[i] * 4, true);
	}
}

long kernel_call(long number, const int64_t args[6])
{
	uint8_t mood = next_byte();
	if (number == SYS_recvfrom && rest_length) {
		size_t n = next_byte() * 4u;
		for (size_t i = 0; i < n && i < (size_t)args[2]; i++)
			((uint8_t *)(uintptr_t)args[1])[i] = next_byte();
		return mood < 0xc0 && datagrams-- > 0 ? (long)n : -EAGAIN;
	}
	if (number == SYS_clone3)
		return -EPERM; /* nobody is born here: 0 would be the child, a number would be somebody else */
	if (number == SYS_getdents64)
		return mood & 1 ? -EPERM : 0;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (calls[i].number == number)
			use(&calls[i], args);
	return mood & 0x80 ? -(mood & 0x7f) : mood; /* EBUSY, EINTR, ENOENT … and successes */
}

/* --- what stands for the parts that are not looked at here -------------------------------------------------------------------- */

volatile sig_atomic_t hung_up;

/* wire.c is compiled to send by these: nobody reads the answers, which are many. */
ssize_t fuzz_send(int fd, const void *bytes, size_t length, int flags)
{
	(void)fd;
	(void)flags;
	touch((int64_t)(uintptr_t)bytes, length, false);
	return (ssize_t)length;
}

ssize_t fuzz_sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t sum = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		sum += fuzz_send(fd, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len, flags);
	return sum;
}

void watch_begin(int client)
{
	(void)client;
}

void watch_end(void)
{
}

int monitor_open(struct shim *shim, const uint8_t *body, size_t length)
{
	(void)shim;
	touch((int64_t)(uintptr_t)body, length, false);
	return EINVAL;
}

int monitor_run(struct shim *shim)
{
	(void)shim;
	return 0;
}

void monitor_discard(struct shim *shim)
{
	(void)shim;
}

void monitor_linger(struct shim *shim)
{
	(void)shim;
}

/* --- targets ------------------------------------------------------------------------------------------------------------------ */

/* A client's stream, from HELLO to its end. */
static void as_stream(const uint8_t *data, size_t length)
{
	int pair[2], room = 1 << 20;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	if (length && write(pair[0], data, length) != (ssize_t)length)
		abort();
	shutdown(pair[0], SHUT_WR);
	serve(pair[1]);
	close(pair[0]);
}

static struct exchange *shared;

/* What a child has written, held against the steps that it was sent: u8 batch, u8 index, u16 length of the steps, steps, answers. */
static void as_answers(const uint8_t *data, size_t length)
{
	struct host host = { .channel = -1, .shim = { .client = -1, .pidfd = -1 } };
	uint16_t n;
	if (length < 4)
		return;
	memcpy(&n, data + 2, sizeof n);
	n = n > length - 4 ? (uint16_t)(length - 4) : n;
	uint8_t *steps = malloc(n + 1u);
	memcpy(steps, data + 4, n);
	size_t answers = length - 4 - n;
	host.exchange = shared;
	memcpy(shared->answers, data + 4 + n, answers);
	struct run run = { .batch = data[0], .index = data[1], .quiet = data[0] & 1 };
	struct cursor cursor = { steps, steps + n, false }, whole = cursor;
	struct outline outline;
	uint16_t end = run.index;
	while (whole.at < whole.end && step_outline(&whole, &outline)) /* those of a run were outlined before it was sent */
		end++;
	uint32_t passed = 0;
	bool sound = undo_reserve(&host, length * 2);
	for (int i = 0; i < 3 && sound; i++) {
		atomic_store(&shared->answered, next_byte() == 7 ? UINT32_MAX : (uint32_t)(i < 1 ? answers / 2 : answers));
		sound = pass_answers(&host, &run, &cursor, &passed, end);
	}
	buffer_release(&host.answer);
	buffer_release(&host.armed);
	free(steps);
}

/* A run as the child finds it in the shared memory, which something has overwritten. */
static void as_run(const uint8_t *data, size_t length)
{
	struct child child = { .exchange = shared, .channel = 5 };
	memcpy(shared->steps, data, length);
	shared->length = next_byte() == 9 ? UINT32_MAX : (uint32_t)length;
	shared->count = next_byte();
	for (int i = 0; i < SLOTS; i++) {
		shared->slots.set[i] = i % 3 != 0;
		shared->slots.value[i] = next_byte();
	}
	child_run(&child);
	memset(shared->steps, 0, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	if (!shared)
		shared = exchange_open();
	if (length < 2 || length > 1 << 16 || !shared)
		return 0;
	rest = data;
	rest_length = length;
	rest_at = length / 3;
	datagrams = 16;
	switch (data[0] & 3) {
	case 0:
	case 1:
		as_stream(data + 1, length - 1);
		break;
	case 2:
		as_answers(data + 1, length - 1);
		break;
	case 3:
		as_run(data + 1, length - 1);
		break;
	}
	return 0;
}
