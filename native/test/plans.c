/* Plans, and values that travel in them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shim.h"

/* As many of a container's phases as one needs no files for; with a user namespace when `user`. */
static void whole_plan(bool user)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[128];
	char map[64];
	snprintf(map, sizeof map, "0 %d 1\n", (int)geteuid());

	add(&plan, make_directory(in("root")));
	add(&plan, keeping_out(clone_step(CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | (user ? CLONE_NEWUSER : 0)), 0, 0, 4, 7));
	if (user) {
		add(&plan, keeping(HOSTS("openat", AT_CWD, TEXT("/proc/", SLOT_CHILD, "/setgroups"), INT(O_WRONLY | O_CLOEXEC), INT(0)), 1));
		add(&plan, HOSTS("write", SLOT(1), STR("deny"), INT(4)));
		add(&plan, keeping(HOSTS("openat", AT_CWD, TEXT("/proc/", SLOT_CHILD, "/gid_map"), INT(O_WRONLY | O_CLOEXEC), INT(0)), 1));
		snprintf(map, sizeof map, "0 %d 1\n", (int)getegid());
		add(&plan, HOSTS("write", SLOT(1), STR(map), INT((int64_t)strlen(map))));
		add(&plan, keeping(HOSTS("openat", AT_CWD, TEXT("/proc/", SLOT_CHILD, "/uid_map"), INT(O_WRONLY | O_CLOEXEC), INT(0)), 1));
		snprintf(map, sizeof map, "0 %d 1\n", (int)geteuid());
		add(&plan, HOSTS("write", SLOT(1), STR(map), INT((int64_t)strlen(map))));
		add(&plan, CONTAINERS("setresgid", INT(0), INT(0), INT(0)));
		add(&plan, CONTAINERS("setresuid", INT(0), INT(0), INT(0)));
	}
	add(&plan, CONTAINERS("mount", NONE, STR("/"), NONE, INT(MS_REC | MS_PRIVATE), NONE));
	add(&plan, CONTAINERS("mount", STR("tmpfs"), STR(in("root")), STR("tmpfs"), INT(MS_NOSUID), STR("size=1m,mode=755")));
	add(&plan, CONTAINERS("mkdirat", AT_CWD, STR(in("root/proc")), INT(0755)));
	add(&plan, CONTAINERS("mkdirat", AT_CWD, STR(in("root/here")), INT(0755)));
	add(&plan, CONTAINERS("mkdirat", AT_CWD, STR(in("root/bin")), INT(0755)));
	add(&plan, keeping(CONTAINERS("openat", AT_CWD, STR(in("root/bin/shim")), INT(O_CREAT | O_WRONLY | O_CLOEXEC), INT(0755)), 3));
	add(&plan, CONTAINERS("close", SLOT(3)));
	add(&plan, CONTAINERS("mount", STR(program), STR(in("root/bin/shim")), NONE, INT(MS_BIND), NONE));
	add(&plan, CONTAINERS("mount", STR("proc"), STR(in("root/proc")), STR("proc"), INT(MS_NOSUID | MS_NODEV | MS_NOEXEC), NONE));
	add(&plan, CONTAINERS("chdir", STR(in("root"))));
	add(&plan, CONTAINERS("pivot_root", STR("."), STR(".")));
	add(&plan, CONTAINERS("umount2", STR("."), INT(MNT_DETACH)));
	add(&plan, CONTAINERS("chdir", STR("/")));
	add(&plan, CONTAINERS("sethostname", STR("hull"), INT(4)));
	int name_at = plan.count;
	add(&plan, CONTAINERS("uname", OUT(390)));
	int link_at = plan.count;
	add(&plan, CONTAINERS("readlinkat", AT_CWD, STR("/proc/self"), OUT(64), INT(64)));
	int list_at = plan.count;
	add(&plan, keeping(CONTAINERS("openat", AT_CWD, STR("/"), INT(O_RDONLY | O_DIRECTORY | O_CLOEXEC), INT(0)), 4));
	add(&plan, CONTAINERS("getdents64", SLOT(4), OUT(512), INT(512)));
	add(&plan, CONTAINERS("setsid"));
	add(&plan, CONTAINERS("prctl", INT(PR_CAPBSET_DROP), INT(21 /* CAP_SYS_ADMIN */), NONE, NONE, NONE));
	add(&plan, CONTAINERS("prctl", INT(PR_SET_NO_NEW_PRIVS), INT(1), NONE, NONE, NONE));
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct { uint16_t n; uint8_t pad[6]; uint64_t at; } program = { 1, { 0 }, 0 };
	add(&plan, CONTAINERS("seccomp", INT(SECCOMP_SET_MODE_FILTER), NONE, WITH_ADDRESS(&program, sizeof program, 8, BYTES(all, sizeof all))));
	add(&plan, CONTAINERS("close_range", INT(3), INT(0xffffffff), INT(4 /* CLOSE_RANGE_CLOEXEC */)));
	int search_at = plan.count;
	add(&plan, allowing(execve_step("/sbin/shim", true_argv), ENOENT));
	static const char *const version[] = { "shim", "--version", NULL };
	add(&plan, allowing(execve_step("/bin/shim", version), ENOENT));
	add(&plan, allowing(execve_step("/usr/bin/shim", version), ENOENT));

	int verdict = run_plan(&client, &plan, got);
	for (int i = 0; i <= search_at + 1; i++)
		if (got[i].status == STATUS_FAILED)
			failed(__FILE__, __LINE__, plan.steps[i].name, strerror(got[i].error));
	CHECK_EQUAL(verdict, 0);
	CHECK(!memcmp(got[name_at].out[0].data + 65, "hull", 5));
	CHECK(!memcmp(got[link_at].out[0].data, "1", 2)); /* PID 1 of its namespace */
	CHECK(memmem(got[list_at + 1].out[0].data, 512, "here", 5) && !memmem(got[list_at + 1].out[0].data, 512, "etc", 4));
	CHECK_EQUAL(got[search_at].status, STATUS_ALLOWED);
	CHECK_EQUAL(got[search_at].error, ENOENT);
	CHECK_EQUAL(got[search_at + 1].status, STATUS_OK);
	CHECK_EQUAL(got[search_at + 2].status, STATUS_NOT_RUN);
	struct said last = hear_until(&client, EXIT_STATUS, NULL, 0);
	CHECK_EQUAL(exit_status(&last), 0);
	CHECK_EQUAL(hear(&client).type, UNDONE);
	end(&client);
	CHECK(!exists(in("root")));
}

void plan_as_it_is(void)
{
	whole_plan(false);
}

void plan_with_user_namespace(void)
{
	whole_plan(true);
}

void values_travel(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[16];
	int64_t zero = 0;
	add(&plan, keeping_out(keeping_out(HOSTS("pipe2", OUT(8), INT(O_CLOEXEC)), 0, 0, 4, 1), 0, 4, 4, 2));
	add(&plan, clone_step(0));
	/* The child's pid as a text, written by the child, read by the host: slots are the same on both sides. */
	add(&plan, keeping(CONTAINERS("getpid"), 3));
	add(&plan, keeping(CONTAINERS("write", SLOT(2), WITH_VALUE(&zero, 8, 0, 8, 3), INT(8)), 4));
	add(&plan, keeping_out(HOSTS("read", SLOT(1), OUT(8), INT(8)), 0, 0, 8, 5));
	add(&plan, HOSTS("pidfd_open", SLOT(5), INT(0)));
	add(&plan, HOSTS("faccessat", AT_CWD, TEXT("/proc/", 3, "/status"), INT(0)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	int64_t told;
	memcpy(&told, got[4].out[0].data, 8);
	CHECK_EQUAL(told, got[1].ret);
	CHECK_EQUAL(got[2].ret, got[1].ret);
	hang_up(&client);
}

void netlink_answers(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} dump = { { sizeof dump, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { 0 } },
	  refused = { { sizeof refused, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 2, 0 }, { .ifi_index = 999999 } };
	add(&plan, keeping(HOSTS("socket", INT(AF_NETLINK), INT(SOCK_RAW | SOCK_CLOEXEC), INT(NETLINK_ROUTE)), 1));
	add(&plan, HOSTS("netlink", SLOT(1), BYTES(&dump, sizeof dump), OUT(65536)));
	add(&plan, HOSTS("netlink", SLOT(1), BYTES(&dump, sizeof dump)));
	add(&plan, allowing(HOSTS("netlink", SLOT(1), BYTES(&refused, sizeof refused)), geteuid() ? EPERM : ENODEV));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK(got[1].ret > 100 && got[1].ret == got[2].ret);
	struct nlmsghdr first;
	memcpy(&first, got[1].out[0].data, sizeof first);
	CHECK_EQUAL(first.nlmsg_type, RTM_NEWLINK);
	hang_up(&client);
}

/* The kernel quotes the whole message in its refusal, which then does not fit where answers are read. */
void netlink_refuses_what_is_long(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[2];
	static struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr unknown;
		uint8_t content[48 << 10];
	} refused = { .info = { .ifi_index = 999999 }, .unknown = { sizeof refused.unknown + sizeof refused.content, 0x3fff } };
	refused.header = (struct nlmsghdr){ sizeof refused, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 };
	add(&plan, keeping(HOSTS("socket", INT(AF_NETLINK), INT(SOCK_RAW | SOCK_CLOEXEC), INT(NETLINK_ROUTE)), 1));
	add(&plan, allowing(HOSTS("netlink", SLOT(1), BYTES(&refused, sizeof refused)), geteuid() ? EPERM : ENODEV));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[1].status, STATUS_ALLOWED);
	hang_up(&client);
}

#ifdef __x86_64__
#define CALL_NUMBER(registers) (registers).orig_rax
#define CALL_RESULT(registers) (registers).rax
#else
#define CALL_NUMBER(registers) (registers).regs[8]
#define CALL_RESULT(registers) (registers).regs[0]
#endif

/* Let the shim's next close(2) be made, and say that it was interrupted: as a file system in user space does whose server is. */
static void interrupt_next_close(pid_t shim)
{
	struct user_regs_struct registers;
	struct iovec all = { &registers, sizeof registers };
	for (int stops = 0; stops < 2;) { /* at its beginning and at its end */
		CHECK_EQUAL(ptrace(PTRACE_SYSCALL, shim, 0, 0), 0);
		CHECK_EQUAL(waitpid(shim, NULL, __WALL), shim);
		CHECK_EQUAL(ptrace(PTRACE_GETREGSET, shim, 1 /* NT_PRSTATUS */, &all), 0);
		stops += CALL_NUMBER(registers) == SYS_close;
	}
	CHECK_EQUAL(CALL_RESULT(registers), 0);
	CALL_RESULT(registers) = (unsigned long long)-EINTR;
	CHECK_EQUAL(ptrace(PTRACE_SETREGSET, shim, 1, &all), 0);
	CHECK_EQUAL(ptrace(PTRACE_DETACH, shim, 0, 0), 0);
}

/* close(2), "Dealing with error returns": the number is free after EINTR, and could be another's when it is closed again. */
void interrupted_close(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[3] = { 0 };
	add(&plan, keeping(HOSTS("openat", AT_CWD, STR("/dev/null"), INT(O_RDONLY | O_CLOEXEC), INT(0)), 1));
	add(&plan, HOSTS("close", SLOT(1)));
	add(&plan, keeping(HOSTS("openat", AT_CWD, STR("/dev/null"), INT(O_RDONLY | O_CLOEXEC), INT(0)), 2));
	CHECK_EQUAL(ptrace(PTRACE_SEIZE, client.pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	CHECK_EQUAL(ptrace(PTRACE_INTERRUPT, client.pid, 0, 0), 0);
	CHECK_EQUAL(waitpid(client.pid, NULL, __WALL), client.pid);
	tell(&client, batch_frame(1, &plan));
	interrupt_next_close(client.pid);
	CHECK_EQUAL(hear_until(&client, DONE, got, 3).body.data[4], 0);
	CHECK_EQUAL(got[1].status, STATUS_OK);
	CHECK_EQUAL(got[2].ret, got[0].ret);
	hang_up(&client);
}

void large_batches(void)
{
	struct client client = start_shim();
	static uint8_t data[8 << 20];
	struct plan plan = { .count = 0 };
	struct said got[20];
	add(&plan, clone_step(0));
	add(&plan, keeping(CONTAINERS("memfd_create", STR("large"), INT(1)), 1));
	add(&plan, CONTAINERS("write", SLOT(1), BYTES(data, sizeof data), INT(sizeof data)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[2].ret, sizeof data);
	/* More answers than one run may have. */
	plan.count = 0;
	for (int i = 0; i < 12; i++)
		add(&plan, CONTAINERS("pread64", SLOT(1), OUT(1 << 20), INT(1 << 20), INT(0)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	for (int i = 0; i < 12; i++)
		CHECK_EQUAL(got[i].ret, 1 << 20);
	/* … and none of it is kept: it goes when the answer has gone out. */
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", (int)client.pid);
	if (!sanitized)
		wait_until_below(path, "RssAnon:", 200);
	hang_up(&client);
}

static int quietly(const struct client *client, const struct plan *plan, struct said got[])
{
	struct blob all = batch_frame(9, plan);
	all.data[4] = QUIET;
	memset(got, 0, sizeof *got * (size_t)plan->count);
	tell(client, all);
	return hear_until(client, DONE, got, plan->count).body.data[4];
}

/* Both actors' results that say nothing are left out, and what they keep and arm is there all the same. */
void quiet_ones(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[16];
	add(&plan, make_directory(in("quiet")));
	add(&plan, keeping_out(HOSTS("pipe2", OUT(8), INT(O_NONBLOCK)), 0, 4, 4, 3)); /* 1: has an out-buffer */
	add(&plan, HOSTS("write", SLOT(3), STR("all"), INT(3)));
	add(&plan, HOSTS("write", SLOT(3), STR("all"), INT(2))); /* 3: a part of it only */
	add(&plan, clone_step(0));                               /* 4: its pid, and an out-buffer */
	add(&plan, keeping(CONTAINERS("dup", SLOT(3)), 4));
	add(&plan, CONTAINERS("write", SLOT(4), STR("all"), INT(3)));
	add(&plan, allowing(CONTAINERS("chdir", STR("/nowhere")), ENOENT)); /* 7 */
	add(&plan, CONTAINERS("write", SLOT(4), STR("all"), INT(1)));       /* 8 */
	add(&plan, container_step("getppid", 0, NULL));                                /* 9: a number that nobody keeps */
	add(&plan, undone_by(CONTAINERS("close", SLOT(4)), HOSTS("rmdir_tree", STR(in("quiet/none")))));
	add(&plan, CONTAINERS("close", SLOT(4)));                           /* 11: fails */
	add(&plan, CONTAINERS("close", SLOT(3)));                           /* 12: not run */
	CHECK_EQUAL(quietly(&client, &plan, got), 1);
	const char *heard = ".!.!!..!!!.!!";
	for (int i = 0; i < plan.count; i++)
		CHECK_EQUAL(got[i].type == RESULT, heard[i] == '!');
	CHECK_EQUAL(got[3].ret, 2);
	CHECK_EQUAL(got[7].status, STATUS_ALLOWED);
	CHECK_EQUAL(got[8].ret, 1);
	CHECK_EQUAL(got[11].error, EBADF);
	CHECK_EQUAL(got[12].status, STATUS_NOT_RUN);
	tell(&client, frame(ROLLBACK, "", 0));
	struct said undone = hear_until(&client, UNDONE, NULL, 0);
	CHECK_EQUAL(undone.error, ENOENT); /* what the quiet step in the child has armed */
	end(&client);
	CHECK(!exists(in("quiet")));
}
