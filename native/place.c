#define _GNU_SOURCE
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int place_open(struct place *place, const uint8_t *path, size_t n)
{
	char dir[PATH_MAX];
	place->dir = -1;
	if (n >= sizeof dir)
		return ENAMETOOLONG;
	if (n == 0 || memchr(path, '\0', n) != NULL || path[n - 1] == '/')
		return EINVAL;
	const uint8_t *slash = memrchr(path, '/', n);
	size_t before = slash == NULL ? 0 : (size_t)(slash - path) + 1; /* the slash included: "/name" lies in "/" */
	size_t length = n - before;
	if (length > NAME_MAX)
		return ENAMETOOLONG;
	if (before == 0) {
		strcpy(dir, ".");
	} else {
		memcpy(dir, path, before);
		dir[before] = '\0';
	}
	/* Not O_PATH: the exit file's directory is synced through this descriptor. */
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	place->dir = fd;
	memcpy(place->name, path + before, length);
	place->name[length] = '\0';
	return 0;
}

void place_close(struct place *place)
{
	if (place->dir >= 0)
		close(place->dir);
	place->dir = -1;
}
