#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#define SLOT_IN 3
#define SLOT_OUT 4
#define SLOT_ERR 5

static char test_dir[64]; /* of this test; removed after it */

const char *in_dir(const struct run *run, const char *name)
{
	static char paths[8][512];
	static int next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s%s%s", *name == '/' ? "" : run->dir, *name == '/' ? "" : "/", name);
	return path;
}

/* --- the shim's side ------------------------------------------------------------------------------------------------------------- */

static size_t put_path(uint8_t *at, const struct run *run, const char *name)
{
	uint16_t length = 0;
	if (name != NULL) {
		const char *path = in_dir(run, name);
		length = (uint16_t)strlen(path);
		memcpy(at + 2, path, length);
	}
	memcpy(at, &length, 2);
	return 2u + length;
}

static size_t monitor_frame(uint8_t *body, const struct run *run, const struct setup *setup)
{
	size_t length = 10;
	body[0] = setup->flags;
	body[1] = (setup->flags & TTY_FLAG) != 0 ? 0xff : SLOT_IN;
	body[2] = SLOT_OUT;
	body[3] = (setup->flags & TTY_FLAG) != 0 ? 0xff : SLOT_ERR;
	memcpy(body + 4, &setup->max_size, 4);
	memcpy(body + 8, &setup->max_files, 2);
	const char *const paths[] = { setup->log, setup->exit, setup->socket, setup->oom };
	for (int i = 0; i < 4; i++)
		length += put_path(body + length, run, paths[i]);
	return length;
}

static void keep(struct shim *shim, int slot, int fd)
{
	shim->slot[slot] = fd;
	shim->slot_set[slot] = true;
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fork_container(struct shim *shim, const struct setup *setup)
{
	int in[2], out[2], err[2], master = -1, slave = -1;
	bool tty = (setup->flags & TTY_FLAG) != 0;
	CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
	CHECK(!tty || openpty(&master, &slave, NULL, NULL, NULL) == 0);
	shim->clone_ns = now_ns();
	shim->child = fork();
	CHECK(shim->child >= 0);
	if (shim->child == 0) {
		for (int i = 0; i < 3; i++)
			dup2(tty ? slave : i == 0 ? in[0] : i == 1 ? out[1] : err[1], i);
		close_range(3, ~0u, 0);
		if (tty) {
			setsid();
			ioctl(0, TIOCSCTTY, 0);
		}
		setup->program(setup->argument);
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	if (tty) {
		close(slave);
		close(in[1]);
		close(out[0]);
		close(err[0]);
		keep(shim, SLOT_OUT, master);
	} else {
		keep(shim, SLOT_IN, in[1]);
		keep(shim, SLOT_OUT, out[0]);
		keep(shim, SLOT_ERR, err[0]);
	}
	shim->pidfd = (int)syscall(SYS_pidfd_open, shim->child, 0);
	shim->exec_ns = now_ns();
	shim->execed = true;
}

static _Noreturn void be_shim(const struct run *run, const struct setup *setup, int client, int go, int ready)
{
	static struct shim shim;
	uint8_t body[4096];
	char byte;
	shim = (struct shim){ .client = client, .pidfd = -1, .batch = setup->batch };
	if (setup->prepare != NULL)
		setup->prepare();
	if (!setup->no_monitor) {
		int error = monitor_open(&shim, body, monitor_frame(body, run, setup));
		errno = error;
		CHECK(error == 0, "monitor_open: %s", strerror(error));
	}
	CHECK(write(ready, "r", 1) == 1);
	close(ready);
	CHECK(read(go, &byte, 1) == 1);
	close(go);
	fork_container(&shim, setup);
	monitor_run(&shim);
	if (shim.client >= 0)
		send_frame(shim.client, ENDED, NULL, 0);
	monitor_linger(&shim);
	exit(0);
}

void launch(struct run *run, const struct setup *setup)
{
	int client[2], go[2], ready[2];
	char byte;
	if (*test_dir == '\0') {
		strcpy(test_dir, "/tmp/drydock-monitor-XXXXXX");
		CHECK(mkdtemp(test_dir) != NULL);
	}
	strcpy(run->dir, test_dir);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client) == 0 && pipe2(go, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0);
	run->shim = fork();
	CHECK(run->shim >= 0);
	if (run->shim == 0) {
		close(client[0]);
		close(go[1]);
		close(ready[0]);
		be_shim(run, setup, client[1], go[0], ready[1]);
	}
	close(client[1]);
	close(go[0]);
	close(ready[1]);
	run->client = client[0];
	run->go = go[1];
	CHECK(read(ready[0], &byte, 1) == 1, "the shim has failed");
	close(ready[0]);
}

void begin_container(struct run *run)
{
	CHECK(write(run->go, "g", 1) == 1);
	close(run->go);
}

void join(struct run *run)
{
	int status;
	if (run->client >= 0)
		close(run->client);
	CHECK(waitpid(run->shim, &status, 0) == run->shim);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the shim's wait status is %#x", (unsigned)status);
}

/* --- the client's side ----------------------------------------------------------------------------------------------------------- */

void put_all(int fd, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	while (n > 0) {
		ssize_t done = write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		CHECK(done > 0);
		at += done;
		n -= (size_t)done;
	}
}

void put_frame(int fd, uint8_t type, const void *body, size_t length)
{
	CHECK(send_frame(fd, type, body, length));
}

static size_t get_all(int fd, uint8_t *into, size_t n)
{
	size_t done = 0;
	while (done < n) {
		ssize_t part = read(fd, into + done, n - done);
		if (part < 0 && errno == EINTR)
			continue;
		CHECK(part >= 0);
		if (part == 0)
			break;
		done += (size_t)part;
	}
	return done;
}

bool get_frame(int fd, struct frame *frame)
{
	static uint8_t *body;
	static size_t room;
	uint8_t head[5];
	uint32_t length;
	size_t got = get_all(fd, head, sizeof head);
	if (got == 0)
		return false;
	CHECK(got == sizeof head, "a frame's head ends after %zu bytes", got);
	memcpy(&length, head, 4);
	CHECK(length >= 1 && length <= LONGEST_FRAME, "length %u", length);
	if (length > room) {
		body = realloc(body, length);
		room = length;
	}
	frame->type = head[4];
	frame->length = length - 1;
	frame->body = body;
	CHECK(get_all(fd, body, length - 1) == length - 1);
	return true;
}

struct frame expect_frame(int fd, uint8_t type)
{
	struct frame frame;
	CHECK(get_frame(fd, &frame), "the stream ended instead of a frame %#x", type);
	CHECK(frame.type == type, "frame %#x (\"%.*s\") instead of %#x", frame.type, frame.type == ERROR_TEXT ? (int)frame.length - 1 : 0,
	      (char *)frame.body + 1, type);
	return frame;
}

int expect_exit(int fd)
{
	struct frame frame;
	do
		CHECK(get_frame(fd, &frame), "the stream ended before EXIT");
	while (frame.type != EXIT_STATUS);
	CHECK(frame.length == EXIT_BODY);
	int32_t status;
	memcpy(&status, frame.body, 4);
	return status;
}

int expect_exit_and_end(int fd)
{
	struct frame frame;
	int status = expect_exit(fd);
	expect_frame(fd, ENDED);
	CHECK(!get_frame(fd, &frame));
	return status;
}

int connect_to_monitor(const struct run *run)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, in_dir(run, "sock"));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

int attach(const struct run *run, uint8_t flags)
{
	int fd = connect_to_monitor(run);
	put_frame(fd, ATTACH, &flags, 1);
	return fd;
}

int control(const struct run *run)
{
	int fd = connect_to_monitor(run);
	put_frame(fd, CONTROL, NULL, 0);
	struct frame hello = expect_frame(fd, HELLO);
	uint32_t says[2];
	CHECK(hello.length == sizeof says);
	memcpy(says, hello.body, sizeof says);
	CHECK(says[0] == PROTOCOL_VERSION && says[1] == (uint32_t)run->shim);
	return fd;
}

char *slurp(const char *path, size_t *length)
{
	static char *text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (fd < 0)
		return NULL;
	CHECK(fstat(fd, &status) == 0);
	text = realloc(text, (size_t)status.st_size + 1);
	*length = get_all(fd, (uint8_t *)text, (size_t)status.st_size);
	text[*length] = '\0';
	close(fd);
	return text;
}

static uint64_t noise_word(int seed, uint64_t index)
{
	uint64_t x = (index + 1) * 0x9e3779b97f4a7c15u + (uint64_t)seed * 0xd1342543de82ef95u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	return x ^ (x >> 27);
}

uint8_t noise(int seed, uint64_t offset)
{
	return (uint8_t)(noise_word(seed, offset / 8) >> (offset % 8 * 8));
}

void make_noise(int seed, uint64_t offset, uint8_t *into, size_t n)
{
	for (size_t i = 0; i < n;) {
		if ((offset + i) % 8 == 0 && n - i >= 8) {
			uint64_t word = noise_word(seed, (offset + i) / 8);
			memcpy(into + i, &word, 8);
			i += 8;
		} else {
			into[i] = noise(seed, offset + i);
			i++;
		}
	}
}

void check_noise(int seed, uint64_t offset, const uint8_t *bytes, size_t n)
{
	static uint8_t expected[1 << 16];
	while (n > 0) {
		size_t part = n < sizeof expected ? n : sizeof expected;
		make_noise(seed, offset, expected, part);
		CHECK(memcmp(expected, bytes, part) == 0, "stream %d differs within %zu bytes of offset %llu", seed, part, (unsigned long long)offset);
		bytes += part;
		offset += part;
		n -= part;
	}
}

void demux(struct demux *demux, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		if (demux->left == 0) {
			demux->header[demux->header_length++] = *bytes++;
			n--;
			if (demux->header_length < 8)
				continue;
			uint32_t length;
			memcpy(&length, demux->header + 4, 4);
			CHECK((demux->header[0] == 1 || demux->header[0] == 2) && !demux->header[1] && !demux->header[2] && !demux->header[3],
			      "header %02x %02x %02x %02x", demux->header[0], demux->header[1], demux->header[2], demux->header[3]);
			demux->left = __builtin_bswap32(length);
			demux->header_length = 0;
			continue;
		}
		size_t part = n < demux->left ? n : demux->left;
		int stream = demux->header[0];
		check_noise(stream, demux->seen[stream], bytes, part);
		demux->seen[stream] += part;
		demux->left -= (uint32_t)part;
		bytes += part;
		n -= part;
	}
}

bool demux_some(struct demux *state, int fd, uint64_t most)
{
	static uint8_t bytes[1 << 18];
	while (most > 0) {
		ssize_t n = read(fd, bytes, most < sizeof bytes ? most : sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		CHECK(n >= 0);
		if (n == 0)
			return false;
		demux(state, bytes, (size_t)n);
		most -= (uint64_t)n;
	}
	return true;
}

void demux_all(struct demux *state, int fd)
{
	while (demux_some(state, fd, UINT64_MAX))
		;
	CHECK(state->left == 0 && state->header_length == 0, "the stream ends in the middle of a frame");
}

void *shared(size_t n)
{
	void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

static char state_of(pid_t pid)
{
	char path[64], text[512], state;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	close(fd);
	text[n] = '\0';
	return sscanf(text, "%*d (%*[^)]) %c", &state) == 1 ? state : '?';
}

bool sleeps(pid_t pid)
{
	return state_of(pid) == 'S';
}

bool is_dead(pid_t pid)
{
	return state_of(pid) == 'Z' || state_of(pid) == '?';
}

void wait_until_stuck(const struct run *run, pid_t container, const volatile uint64_t *counter)
{
	uint64_t last = ~0ull;
	for (int quiet = 0; quiet < 50; usleep(2000)) {
		bool same = *counter == last && sleeps(run->shim) && sleeps(container);
		quiet = same ? quiet + 1 : 0;
		last = *counter;
	}
}

/* --- running ----------------------------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static bool run_one(const struct test *test)
{
	strcpy(test_dir, "/tmp/drydock-monitor-XXXXXX");
	CHECK(mkdtemp(test_dir) != NULL);
	chmod(test_dir, 0755);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		alarm(120); /* not a measure of speed: a test that hangs ends */
		test->run();
		exit(0);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	kill(-pid, SIGKILL); /* whatever a failed test has left; in its own process group */
	nftw(test_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("%s %s%s\n", ok ? "ok  " : "FAIL", test->name, WIFSIGNALED(status) ? WTERMSIG(status) == SIGALRM ? " (hangs)" : " (killed)" : "");
	fflush(stdout);
	return ok;
}

int run_tests(const struct test *tests, size_t count, int argc, char **argv)
{
	size_t failed = 0, ran = 0;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < count; i++) {
		bool wanted = argc < 2;
		for (int j = 1; j < argc; j++)
			wanted |= strstr(tests[i].name, argv[j]) != NULL;
		if (wanted) {
			ran++;
			failed += !run_one(&tests[i]);
		}
	}
	printf("%zu tests, %zu failed\n", ran, failed);
	return failed > 0 || ran == 0;
}
