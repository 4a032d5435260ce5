/* `shim --constants`: the numbers of this machine's C headers, as JSON. TypeScript reads them, so that no table of numbers is typed by hand
 * and a second architecture needs no second table. Made by the Makefile from those headers: constants.inc (constants.def with each line
 * guarded), syscalls.inc and errnos.inc. */
#define _GNU_SOURCE
#include "headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

struct constant {
	const char *group, *word;
	unsigned long long value;
};

/* Flags of 32 bits whose highest bit is set are negative as ints (MS_NOUSER, O_ flags of some machines) and would come out as 2^64 less
 * something; JSON numbers are exact to 2^53 only. AT_FDCWD (-100) and a few more are really negative: they are printed as they are. */
#define CONSTANT(group, word, name) { #group, #word, (unsigned long long)(name) },
static const struct constant constants[] = {
#include "constants.inc"
};
#undef CONSTANT

struct named {
	const char *name;
	int number;
};

#define NAMED(name, number) { #name, number },
static const struct named syscalls[] = {
#include "syscalls.inc"
};
/* Second names (EWOULDBLOCK, ENOTSUP) come first: a reader that turns numbers into names keeps the last one it sees. */
static const struct named errno_aliases[] = {
#include "errno-aliases.inc"
};
static struct named errnos[] = {
#include "errnos.inc"
};
#undef NAMED

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SIZE(name, type) { #name, (int)sizeof(type) }
static const struct named sizes[] = {
	SIZE(clone_args, struct clone_args),
	SIZE(open_how, struct open_how),
	SIZE(mount_attr, struct mount_attr),
	SIZE(cap_user_header, struct __user_cap_header_struct),
	SIZE(cap_user_data, struct __user_cap_data_struct), /* of one; version 3 takes two */
	SIZE(sock_filter, struct sock_filter),
	SIZE(sock_fprog, struct sock_fprog),
	SIZE(seccomp_data, struct seccomp_data),
	SIZE(bpf_insn, struct bpf_insn),
	SIZE(bpf_attr, union bpf_attr),
	SIZE(rlimit64, struct rlimit64),
	SIZE(rusage, struct rusage),
	SIZE(stat, struct stat),
	SIZE(statx, struct statx),
	SIZE(statfs, struct statfs),
	SIZE(flock, struct flock),
	SIZE(utsname, struct utsname),
	SIZE(siginfo, siginfo_t),
	SIZE(timespec, struct timespec),
	SIZE(timeval, struct timeval),
	SIZE(winsize, struct winsize),
	SIZE(iovec, struct iovec),
	SIZE(msghdr, struct msghdr),
	SIZE(cmsghdr, struct cmsghdr),
	SIZE(ucred, struct ucred),
	SIZE(sockaddr_un, struct sockaddr_un),
	SIZE(sockaddr_in, struct sockaddr_in),
	SIZE(sockaddr_in6, struct sockaddr_in6),
	SIZE(sockaddr_nl, struct sockaddr_nl),
	SIZE(nlmsghdr, struct nlmsghdr),
	SIZE(nlmsgerr, struct nlmsgerr),
	SIZE(rtattr, struct rtattr),
	SIZE(ifinfomsg, struct ifinfomsg),
	SIZE(ifaddrmsg, struct ifaddrmsg),
	SIZE(rtmsg, struct rtmsg),
	SIZE(ndmsg, struct ndmsg),
	SIZE(ifreq, struct ifreq),
	SIZE(long, long),
	SIZE(pointer, void *),
};

static int by_number(const void *a, const void *b)
{
	return ((const struct named *)a)->number - ((const struct named *)b)->number;
}

static void print_named(const char *title, const struct named *named, size_t count)
{
	printf("\"%s\":{", title);
	for (size_t i = 0; i < count; i++)
		printf("%s\"%s\":%d", i ? "," : "", named[i].name, named[i].number);
	printf("},\n");
}

static void print_errnos(const struct named *named, size_t count, const char *between)
{
	for (size_t i = 0; i < count; i++)
		printf("%s\"%s\":{\"number\":%d,\"text\":\"%s\"}", i ? "," : between, named[i].name, named[i].number,
		       strerror(named[i].number));
}

static const char *architecture(void)
{
#if defined(__x86_64__)
	return "x86_64";
#elif defined(__aarch64__)
	return "aarch64";
#else
#error "the shim knows x86-64 and arm64"
#endif
}

int constants_main(void)
{
	printf("{\"arch\":\"%s\",\"protocol\":%d,\n\"groups\":{\n", architecture(), PROTOCOL_VERSION);
	const char *group = "";
	for (size_t i = 0; i < COUNT(constants); i++) {
		const struct constant *constant = &constants[i];
		if (strcmp(group, constant->group))
			printf("%s\"%s\":{", i ? "},\n" : "", constant->group);
		else
			printf(",");
		group = constant->group;
		long long value = (long long)constant->value;
		if (value < 0 && value >= -(1ll << 31) && value < -4096)
			value &= 0xffffffff;
		printf("\"%s\":%lld", constant->word, value);
	}
	printf("}},\n");
	print_named("syscalls", syscalls, COUNT(syscalls));
	print_named("sizes", sizes, COUNT(sizes));
	qsort(errnos, COUNT(errnos), sizeof *errnos, by_number);
	printf("\"errnos\":{");
	print_errnos(errno_aliases, COUNT(errno_aliases), "");
	print_errnos(errnos, COUNT(errnos), COUNT(errno_aliases) ? "," : "");
	printf("}}\n");
	return fflush(stdout) || ferror(stdout);
}
