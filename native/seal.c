/* Run from a copy of our own file that nobody can write.
 *
 * Whatever runs in a container may reach the file of the program that made it, through /proc/PID/exe: an image whose entrypoint is a link to
 * /proc/self/exe, or whose interpreter is, executes the shim itself, and another process opens that file for writing once it has ended. Root inside
 * is then who decides what the host runs next (CVE-2019-5736). A memfd with seals (memfd_create(2), fcntl(2)) is not the file, and no seal can be taken off. */
#define _GNU_SOURCE
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; older kernels answer EINVAL and make every memfd executable */
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A memfd's name has at most 249 bytes; the rest of a longer path is left out. */
#define LONGEST_NAME 240

static int make(const char *name)
{
	int copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (copy < 0 && errno == EINVAL)
		copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return copy;
}

static bool fill(int copy, int self)
{
	struct stat about;
	if (fstat(self, &about))
		return false;
	for (off_t left = about.st_size; left > 0;) {
		ssize_t n = sendfile(copy, self, NULL, (size_t)left);
		if (n <= 0)
			return false;
		left -= n;
	}
	return fcntl(copy, F_ADD_SEALS, SEALS) == 0;
}

void seal_self(char **argv, char **environment)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (self < 0)
		return;
	if (fcntl(self, F_GET_SEALS) == SEALS) {
		close(self);
		prctl(PR_SET_NAME, "shim"); /* execveat of a descriptor has named us after its number */
		return;
	}
	/* It bears the file's name, by which our processes are known (/proc/PID/exe: "/memfd:NAME (deleted)"). */
	char name[LONGEST_NAME + 1];
	ssize_t length = readlink("/proc/self/exe", name, LONGEST_NAME);
	name[length > 0 ? length : 0] = '\0';
	int copy = make(name);
	if (copy >= 0 && fill(copy, self))
		syscall(SYS_execveat, copy, "", argv, environment, AT_EMPTY_PATH);
	/* Where executable memory files are forbidden (vm.memfd_noexec) or there is no memory for one, the file itself goes on; doctor says so. */
	if (copy >= 0)
		close(copy);
	close(self);
}
