/* A log in a directory of its own, and reading it. */
#define _GNU_SOURCE
#include "harness.h"
#include "log-file.h"

#include <errno.h>
#include <string.h>

static char dir[] = "/tmp/drydock-log-XXXXXX";

const char *path_of(const char *name)
{
	static char paths[4][64];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

void remove_logs(void)
{
	static const char *const names[] = { "log", "log.1", "log.2", "log.3", "log.4", "log.5", "log.6", "log.7", "log.8", "log.9" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_of(names[i]));
	rmdir(dir);
}

void open_log(struct log *log, uint64_t max_size, unsigned max_files)
{
	CHECK(mkdtemp(dir) != NULL);
	atexit(remove_logs);
	const char *path = path_of("log");
	CHECK(log_open(log, (const uint8_t *)path, strlen(path), max_size, max_files) == 0);
}

/* The next entry of a log, without its time, which must look like one. Returns where it goes on; NULL at the end. */
char *next_entry(char *at, char **text, size_t *length, int *stream)
{
	if (*at == '\0')
		return NULL;
	char *end = strchr(at, '\n');
	CHECK(end != NULL && strncmp(at, "{\"log\":\"", 8) == 0, "\"%.80s\"", at);
	*end = '\0';
	*text = at + 8;
	char *tail = at;
	for (char *found = at; (found = strstr(found, "\",\"stream\":\"std")) != NULL; found++)
		tail = found; /* the last one: the text may have it too, but then with backslashes */
	CHECK(tail != at);
	*length = (size_t)(tail - *text);
	*stream = strncmp(tail + 15, "out", 3) == 0 ? 1 : 2;
	char *when = tail + 15 + 3;
	static const char form[] = "\",\"time\":\"9999-99-99T99:99:99";
	for (size_t i = 0; i < sizeof form - 1; i++, when++)
		CHECK(form[i] == '9' ? *when >= '0' && *when <= '9' : *when == form[i], "\"%s\"", tail);
	if (*when == '.')
		when += 1 + strspn(when + 1, "0123456789");
	CHECK(strcmp(when, "Z\"}") == 0 && when[-1] != '.' && (strchr(tail, '.') == NULL || when[-1] != '0'), "\"%s\"", tail);
	return end + 1;
}
