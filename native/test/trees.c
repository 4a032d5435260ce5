/* remove_tree, on trees that this program makes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "shim.h"

static void make_file(int directory, const char *name)
{
	int file = openat(directory, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(file >= 0);
	close(file);
}

/* A directory, and a descriptor of it. */
static int make_inside(int directory, const char *name)
{
	CHECK(!mkdirat(directory, name, 0755));
	int inner = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(inner >= 0);
	return inner;
}

/* As an undo step, which is what it is for; and the directory that it undoes is made by the step. */
static struct client start_with(const char *path)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	struct rlimit few = { 64, 64 };
	add(&plan, HOSTS("prlimit64", INT(0), INT(RLIMIT_NOFILE), BYTES(&few, sizeof few), NONE));
	add(&plan, undone_by(HOSTS("mkdirat", AT_CWD, STR(path), INT(0755)), HOSTS("remove_tree", STR(path))));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	return client;
}

static struct said undo(struct client *client)
{
	tell(client, frame(ROLLBACK, "", 0));
	struct said undone = hear(client);
	CHECK_EQUAL(undone.type, UNDONE);
	end(client);
	return undone;
}

void trees_are_removed(void)
{
	CHECK(!mkdir(in("kept"), 0755));
	int kept = open(in("kept"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(kept, "file");
	struct client client = start_with(in("tree"));
	int tree = open(in("tree"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(tree, "...");
	make_file(tree, "unreadable");
	CHECK(!fchmodat(tree, "unreadable", 0, 0));
	CHECK(!symlinkat(in("kept"), tree, "out") && !symlinkat("nowhere", tree, "dangling"));
	CHECK(!linkat(kept, "file", tree, "hard", 0));
	CHECK(!mkfifoat(tree, "fifo", 0600));
	if (!geteuid() && mknodat(tree, "null", S_IFCHR | 0600, makedev(1, 3)))
		CHECK_EQUAL(errno, EPERM); /* root of a user namespace makes no devices */
	int inner = make_inside(tree, "inner");
	make_file(inner, "file");
	/* As overlayfs leaves its work directory; and one that may be read and not written, which stops an owner too. */
	CHECK(!mkdirat(inner, "work", 0755) && !mkdirat(inner, "work/work", 0755) && !mkdirat(inner, "work/work/x", 0755));
	CHECK(!fchmodat(inner, "work/work", 0, 0));
	int fixed = make_inside(tree, "fixed");
	make_file(fixed, "file");
	CHECK(!fchmod(fixed, 0555));
	close(fixed);
	close(inner);
	close(tree);
	CHECK_EQUAL(undo(&client).status, STATUS_OK);
	CHECK(!exists(in("tree")) && exists(in("kept/file")));
	CHECK(!unlinkat(kept, "file", 0) && !rmdir(in("kept")));
	close(kept);
}

/* More entries than one listing holds, and deeper than there are descriptors or than a path may be long. */
void large_trees_are_removed(void)
{
	struct client client = start_with(in("tree"));
	int tree = open(in("tree"), O_RDONLY | O_DIRECTORY | O_CLOEXEC), wide = make_inside(tree, "wide");
	for (int i = 0; i < 10000; i++) {
		char name[32];
		snprintf(name, sizeof name, "file-%d", i);
		if (i % 10)
			make_file(wide, name);
		else
			CHECK(!mkdirat(wide, name, 0));
	}
	close(wide);
	for (int branch = 0; branch < 2; branch++) {
		int at = make_inside(tree, branch ? "deep" : ".lifted-0000000");
		for (int i = 0; i < 3000; i++) {
			make_file(at, "file");
			int next = make_inside(at, "a directory's name");
			if (!branch)
				CHECK(!fchmod(at, 0500));
			close(at);
			at = next;
		}
		close(at);
	}
	close(tree);
	CHECK_EQUAL(undo(&client).status, STATUS_OK);
	CHECK(!exists(in("tree")));
}

/* A mount is left with what holds it, also one of the same file system, which has the same device number. */
void mounts_are_left(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[32];
	add(&plan, undone_by(HOSTS("mkdirat", AT_CWD, STR(in("mounts")), INT(0755)), HOSTS("remove_tree", STR(in("mounts")))));
	add(&plan, keeping(HOSTS("getpid"), 1));
	add(&plan, clone_step(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)));
	add(&plan, CONTAINERS("mount", NONE, STR("/"), NONE, INT(MS_REC | MS_PRIVATE), NONE));
	static const char *const made[] = { "mounts/source",        "mounts/tree",   "mounts/tree/a",
					    "mounts/tree/a/volume", "mounts/tree/b", "mounts/source/kept" };
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		add(&plan, CONTAINERS("mkdirat", AT_CWD, STR(in(made[i])), INT(0755)));
	add(&plan, CONTAINERS("mount", STR(in("mounts/source")), STR(in("mounts/tree/a/volume")), NONE, INT(MS_BIND), NONE));
	int refused = plan.count;
	add(&plan, allowing(CONTAINERS("remove_tree", STR(in("mounts/tree"))), EBUSY));
	add(&plan, CONTAINERS("faccessat", AT_CWD, STR(in("mounts/source/kept")), INT(0)));
	add(&plan, allowing(CONTAINERS("faccessat", AT_CWD, STR(in("mounts/tree/b")), INT(0)), ENOENT));
	add(&plan, allowing(CONTAINERS("remove_tree", STR(in("mounts/tree/a/volume"))), EBUSY));
	add(&plan, CONTAINERS("faccessat", AT_CWD, STR(in("mounts/source/kept")), INT(0)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[refused].error, EBUSY);
	CHECK_EQUAL(got[refused + 2].error, ENOENT);
	CHECK_EQUAL(got[refused + 3].error, EBUSY);
	CHECK_EQUAL(undo(&client).status, STATUS_OK); /* the child has gone, and the mount with it */
	CHECK(!exists(in("mounts")));
}

void what_is_no_tree(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[16];
	CHECK(!mkdir(in("d"), 0755) && !symlink(in("d"), in("link")));
	make_file(AT_FDCWD, in("file"));
	static const struct { const char *path; int error; } wrong[] = {
		{ "file", ENOTDIR }, { "link", ENOTDIR }, { "link/", ENOTDIR }, { "absent", ENOENT }, { "d/.", EINVAL }, { "d/..", EINVAL },
	};
	int count = sizeof wrong / sizeof *wrong;
	for (int i = 0; i < count; i++)
		add(&plan, allowing(HOSTS("remove_tree", STR(in(wrong[i].path))), wrong[i].error));
	add(&plan, allowing(HOSTS("remove_tree", STR("")), ENOENT));
	add(&plan, allowing(HOSTS("remove_tree", STR("/")), EINVAL));
	add(&plan, HOSTS("remove_tree", STR(in("d//"))));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	for (int i = 0; i < count; i++)
		CHECK_EQUAL(got[i].error, wrong[i].error);
	hang_up(&client);
	CHECK(!exists(in("d")) && !unlink(in("link")) && !unlink(in("file")));
}
