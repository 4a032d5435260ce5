#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "step.h"

/* One datagram of answers; the kernel fills at most 32 KiB into one (netlink(7), rtnetlink dumps). */
#define ANSWER_SIZE 32768

/*
 * netlink(fd, message, answer): send the request, read until it is acknowledged, turn a refusal into its errno.
 * What came before the acknowledgement (a dump, an echoed object) is copied into `answer`, as much as fits.
 */
long call_netlink(struct step *step)
{
	int fd = (int)step->arg[0].number;
	uint8_t *message = (uint8_t *)(uintptr_t)step->arg[1].number;
	uint32_t size = step->arg[1].size;
	struct nlmsghdr header;
	if (size < sizeof header)
		return -EINVAL;
	memcpy(&header, message, sizeof header);
	if (header.nlmsg_len > size || header.nlmsg_len < sizeof header)
		return -EINVAL;

	struct out *answer = step->n_args > 2 && step->arg[2].number ? &step->out[step->n_outs - 1] : NULL;
	uint32_t filled = 0;
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	if (sendto(fd, message, header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		return -errno;

	_Alignas(struct nlmsghdr) static uint8_t datagram[ANSWER_SIZE];
	bool dump = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	for (;;) {
		ssize_t n = recv(fd, datagram, sizeof datagram, 0);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		int left = (int)n;
		for (struct nlmsghdr *at = (struct nlmsghdr *)datagram; NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
			if (at->nlmsg_seq != header.nlmsg_seq)
				continue; /* left over from a request that a signal cut short */
			if (at->nlmsg_type == NLMSG_ERROR || at->nlmsg_type == NLMSG_DONE) {
				int error = 0;
				if (at->nlmsg_len >= NLMSG_LENGTH(sizeof error))
					memcpy(&error, NLMSG_DATA(at), sizeof error);
				return error < 0 ? error : (long)filled;
			}
			if (answer && answer->length - filled >= at->nlmsg_len) {
				memcpy(answer->data + filled, at, at->nlmsg_len);
				filled += at->nlmsg_len;
			}
			if (!dump && !(header.nlmsg_flags & NLM_F_ACK))
				return (long)filled;
		}
	}
}

#define DEEPEST 32

/* rmdir everything below `directory` and nothing else: files stay (and make their directory stay), links are not followed, other
 * file systems are not entered. */
static int empty_directory(int directory, dev_t device, int depth)
{
	if (depth > DEEPEST)
		return ELOOP;
	_Alignas(8) char entries[2048];
	int result = 0;
	for (;;) {
		long n = syscall(SYS_getdents64, directory, entries, sizeof entries);
		if (n < 0)
			return errno;
		if (n == 0)
			return result;
		for (long at = 0; at < n;) {
			struct dirent64 *entry = (struct dirent64 *)(entries + at);
			at += entry->d_reclen;
			const char *name = entry->d_name;
			if (!strcmp(name, ".") || !strcmp(name, "..") || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
				continue;
			int inner = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (inner < 0)
				continue;
			struct stat found;
			int error = 0;
			if (fstat(inner, &found) || found.st_dev != device)
				error = EXDEV;
			else
				error = empty_directory(inner, device, depth + 1);
			close(inner);
			if (!error && unlinkat(directory, name, AT_REMOVEDIR))
				error = errno;
			if (error && error != ENOENT)
				result = error;
		}
	}
}

/*
 * rmdir_tree(path): remove a directory and the directories in it, bottom up, by rmdir alone. For cgroups, whose directories are
 * full of files that cannot be deleted and go with them: what a plan inside a bottle made there goes with the bottle.
 */
long call_rmdir_tree(struct step *step)
{
	const char *path = (const char *)(uintptr_t)step->arg[0].number;
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	struct stat found;
	int error = fstat(directory, &found) ? errno : empty_directory(directory, found.st_dev, 0);
	close(directory);
	if (error)
		return -error;
	return rmdir(path) ? -errno : 0;
}
