/* Functions on a directory and all that is below it, in raw calls: rmdir_tree, thaw_tree, remove_tree. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kernel.h"
#include "step.h"

#define CALL(number, ...) kernel_call(number, (int64_t[6]){ __VA_ARGS__ })
#define POINTER(to) (int64_t)(uintptr_t)(to)
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Each level below is a descriptor and the memory of a listing. */
#define DEEPEST 32
#define ENTRIES 2048

/* A directory that is being read. */
struct listing {
	int64_t directory;
	long at, filled;
	long error;
	_Alignas(struct dirent) char entries[ENTRIES];
};

static void list(struct listing *listing, int64_t directory)
{
	listing->directory = directory;
	listing->at = listing->filled = listing->error = 0;
}

/* The next entry but `.` and `..`; NULL at the end or at an error. */
static const struct dirent *next(struct listing *listing)
{
	for (;;) {
		if (listing->at >= listing->filled) {
			listing->at = 0;
			listing->filled = CALL(SYS_getdents64, listing->directory, POINTER(listing->entries), sizeof listing->entries);
			if (listing->filled <= 0) {
				listing->error = listing->filled;
				listing->filled = 0;
				return NULL;
			}
		}
		const struct dirent *entry = (const struct dirent *)(const void *)(listing->entries + listing->at);
		const char *name = entry->d_name;
		listing->at += entry->d_reclen ? entry->d_reclen : listing->filled;
		if (name[0] != '.' || (name[1] && (name[1] != '.' || name[2])))
			return entry;
	}
}

/* --- rmdir_tree(path) --------------------------------------------------------------------------------------------------------- */

/* The directory's identity, to stay on one file system. */
static long device_of(int64_t directory, uint64_t *device)
{
	struct stat found;
	long error = CALL(SYS_fstat, directory, POINTER(&found));
	*device = found.st_dev;
	return error;
}

/* Remove the directories below this one: not files (a directory that holds some stays), not through links, not across file systems.
 * The first error is returned, after all else was tried. */
static long rmdir_below(int64_t directory, uint64_t device, int depth)
{
	if (depth > DEEPEST)
		return -ELOOP;
	struct listing listing;
	const struct dirent *entry;
	long result = 0;
	list(&listing, directory);
	while ((entry = next(&listing))) {
		if (entry->d_type != DT_DIR)
			continue;
		long inner = CALL(SYS_openat, directory, POINTER(entry->d_name), DIRECTORY);
		uint64_t inner_device = 0;
		long error = inner < 0 ? inner : device_of(inner, &inner_device);
		if (!error)
			error = inner_device == device ? rmdir_below(inner, device, depth + 1) : -EXDEV;
		if (inner >= 0)
			CALL(SYS_close, inner);
		if (!error)
			error = CALL(SYS_unlinkat, directory, POINTER(entry->d_name), AT_REMOVEDIR);
		if (error && error != -ENOENT && !result)
			result = error;
	}
	return listing.error ? listing.error : result;
}

/*
 * Remove a directory and the directories in it, bottom up, by rmdir alone. For cgroups: their directories are full of files that
 * nobody can delete and that go with them; what a plan inside a bottle has made below the bottle's own goes with it.
 */
long call_rmdir_tree(struct step *step)
{
	int64_t path = step->arg[0].number;
	long error = CALL(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
	if (error != -EBUSY && error != -ENOTEMPTY)
		return error; /* mostly there is nothing in it, and that was all */
	long directory = CALL(SYS_openat, AT_FDCWD, path, DIRECTORY);
	if (directory < 0)
		return directory;
	uint64_t device;
	error = device_of(directory, &device);
	if (!error)
		error = rmdir_below(directory, device, 0);
	CALL(SYS_close, directory);
	return error ? error : CALL(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

/* --- thaw_tree(path) ---------------------------------------------------------------------------------------------------------- */

/* Write THAWED into the freezer.state of this cgroup and of all below it. */
static void thaw_below(int64_t directory, uint64_t device, int depth)
{
	static const char word[] = "THAWED";
	long state = CALL(SYS_openat, directory, POINTER("freezer.state"), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (state >= 0) {
		CALL(SYS_write, state, POINTER(word), sizeof word - 1);
		CALL(SYS_close, state);
	}
	struct listing listing;
	const struct dirent *entry;
	list(&listing, directory);
	while (depth < DEEPEST && (entry = next(&listing))) {
		if (entry->d_type != DT_DIR)
			continue;
		long inner = CALL(SYS_openat, directory, POINTER(entry->d_name), DIRECTORY);
		uint64_t inner_device = 0;
		if (inner >= 0 && !device_of(inner, &inner_device) && inner_device == device)
			thaw_below(inner, device, depth + 1);
		if (inner >= 0)
			CALL(SYS_close, inner);
	}
}

/*
 * Thaw a cgroup of the v1 freezer and all below it. As an undo step it is made twice: at once when the child is killed, since a
 * frozen process of version 1 takes no signal and whoever waits for it waits for ever; and in its turn among the others.
 */
long call_thaw_tree(struct step *step)
{
	long directory = CALL(SYS_openat, AT_FDCWD, step->arg[0].number, DIRECTORY);
	if (directory < 0)
		return directory;
	uint64_t device;
	long error = device_of(directory, &device);
	if (!error)
		thaw_below(directory, device, 0);
	CALL(SYS_close, directory);
	return error;
}

/* --- remove_tree(path) -------------------------------------------------------------------------------------------------------- */

struct removal {
	int64_t top;
	uint32_t lifted; /* the number in the name of the next directory that is lifted to the top */
};

/*
 * Open a directory to empty it. RESOLVE_NO_XDEV (openat2(2), Linux 5.6) is the kernel's own word on mounts: a bind mount of the same
 * file system has the same device number, so that comparing those would walk into a volume. Where something is mounted the answer is
 * EBUSY, as rmdir(2) has it.
 */
static long open_inside(int64_t directory, const char *name)
{
	struct open_how how = { .flags = DIRECTORY, .resolve = RESOLVE_NO_XDEV };
	struct open_how handle = { .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };
	long inner = CALL(SYS_openat2, directory, POINTER(name), POINTER(&how), sizeof how);
	if (inner == -EACCES) {
		/* An owner without the capabilities of root must give himself the right (overlayfs makes its work/work with mode 0). By a
		 * handle, since chmod(2) would follow a link that has taken the directory's place. */
		long found = CALL(SYS_openat2, directory, POINTER(name), POINTER(&handle), sizeof handle);
		char path[32] = "/proc/self/fd/";
		char *at = path + 14;
		for (long unit = 1000000000; found >= 0 && unit; unit /= 10)
			if (found >= unit || unit == 1)
				*at++ = (char)('0' + found / unit % 10);
		if (found >= 0) {
			CALL(SYS_fchmodat, AT_FDCWD, POINTER(path), S_IRWXU);
			CALL(SYS_close, found);
			inner = CALL(SYS_openat2, directory, POINTER(name), POINTER(&how), sizeof how);
		}
	}
	if (inner < 0)
		return inner == -EXDEV ? -EBUSY : inner;
	struct stat found;
	if (!CALL(SYS_fstat, inner, POINTER(&found)) && (found.st_mode & S_IRWXU) != S_IRWXU)
		CALL(SYS_fchmod, inner, S_IRWXU); /* to remove what is in it; where that needs no right a refusal does not matter */
	return inner;
}

/* Move a directory from too deep below to the top, where there is room to go down again: a tree of any depth is removed with as many
 * descriptors as one of DEEPEST. */
static long lift(struct removal *removal, int64_t directory, const char *name)
{
	long error = -EEXIST;
	while (error == -EEXIST) {
		char lifted[16] = ".lifted-";
		uint32_t number = removal->lifted++;
		for (int i = 0; i < 7; i++, number >>= 4)
			lifted[8 + i] = "0123456789abcdef"[number & 15];
		error = CALL(SYS_renameat2, directory, POINTER(name), removal->top, POINTER(lifted), 1 /* RENAME_NOREPLACE */);
	}
	return error;
}

static long remove_below(struct removal *removal, int64_t directory, int depth);

static long remove_entry(struct removal *removal, int64_t directory, const struct dirent *entry, int depth)
{
	int64_t name = POINTER(entry->d_name);
	long error = entry->d_type == DT_DIR ? -EISDIR : CALL(SYS_unlinkat, directory, name, 0);
	if (error != -EISDIR)
		return error;
	error = CALL(SYS_unlinkat, directory, name, AT_REMOVEDIR); /* many are empty */
	if (error != -ENOTEMPTY && error != -EEXIST)
		return error;
	long inner = open_inside(directory, entry->d_name);
	if (inner < 0)
		return inner;
	bool deep = depth == DEEPEST;
	error = deep ? lift(removal, directory, entry->d_name) : remove_below(removal, inner, depth + 1);
	CALL(SYS_close, inner);
	return error || deep ? error : CALL(SYS_unlinkat, directory, name, AT_REMOVEDIR);
}

/* Empty a directory. The first error is returned, after all else was tried. */
static long remove_below(struct removal *removal, int64_t directory, int depth)
{
	for (;;) {
		struct listing listing;
		const struct dirent *entry;
		long result = 0;
		bool removed = false;
		list(&listing, directory);
		while ((entry = next(&listing))) {
			long error = remove_entry(removal, directory, entry, depth);
			removed |= !error;
			if (error && error != -ENOENT && !result)
				result = error;
		}
		/* readdir(3) leaves open whether entries are missed while others are removed or added: again, until there are none. */
		if (listing.error || result || !removed)
			return listing.error ? listing.error : result;
		CALL(SYS_lseek, directory, 0, SEEK_SET);
	}
}

/* The directory that a path names, as its parent's descriptor and its name: what stands at the name must be looked at without going
 * through a link or a mount, and only the last part of a path can be. `copy` has PATH_MAX bytes. */
static long open_parent(const struct value *path, char *copy, const char **name)
{
	uint32_t length = path->size;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(copy, (const void *)(uintptr_t)path->number, length + 1);
	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = 0;
	char *slash = strrchr(copy, '/');
	*name = slash ? slash + 1 : copy;
	if (!**name || !strcmp(*name, ".") || !strcmp(*name, ".."))
		return length ? -EINVAL : -ENOENT;
	const char *parent = !slash ? "." : slash == copy ? "/" : copy;
	if (slash)
		*slash = 0;
	return CALL(SYS_openat, AT_FDCWD, POINTER(parent), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/*
 * Remove a directory with all that is in it: files, links themselves, devices, never what a link leads to or what is mounted.
 * Everything goes by descriptors of directories, so that renaming one meanwhile leads nowhere else, and paths may be longer than
 * PATH_MAX.
 */
long call_remove_tree(struct step *step)
{
	char copy[PATH_MAX];
	const char *name;
	long parent = open_parent(&step->arg[0], copy, &name);
	if (parent < 0)
		return parent;
	struct removal removal = { .top = open_inside(parent, name) };
	long error = removal.top;
	if (removal.top >= 0) {
		error = remove_below(&removal, removal.top, 0);
		CALL(SYS_close, removal.top);
		if (!error)
			error = CALL(SYS_unlinkat, parent, POINTER(name), AT_REMOVEDIR);
	}
	CALL(SYS_close, parent);
	return error;
}
