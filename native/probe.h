/* The probe's parts: probe.c asks system calls about the process, probe_inherited.c about what an execve does not change, probe_files.c
 * reads what the kernel shows as files, probe_places.c looks at places that a container may be kept from, probe_paths.c at paths that were
 * asked for, probe_dev.c at /dev, probe_links.c asks netlink, probe_try.c tries what may be forbidden, probe_out.c makes JSON of it. */
#ifndef DRYDOCK_PROBE_H
#define DRYDOCK_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One JSON value after the other goes to stdout; commas come by themselves. Inside of an object `key` goes first, elsewhere it is NULL. */
void out_begin(const char *key, char bracket); /* '{' or '[' */
void out_end(void);
void out_string(const char *key, const char *text);
void out_bytes(const char *key, const void *bytes, size_t n); /* any bytes: what is not UTF-8 becomes U+FFFD */
void out_integer(const char *key, int64_t value);
void out_boolean(const char *key, bool value);
void out_null(const char *key);
void out_format(const char *key, const char *format, ...) __attribute__((format(printf, 2, 3))); /* as a string */
/* What could not be found out: null, and the errno's name in "errors". */
void out_failed(const char *key, int error);
/* Print "errors", end the object, write. Returns false when stdout did not take it. */
bool out_finish(void);

/* "EPERM"; for a number without a name "errno 999". */
const char *errno_name(int error);

/* Read a whole file of /proc (at most `size`-1 bytes, NUL-terminated). Returns the length or -errno. */
long read_text(const char *path, char *text, size_t size);
/* A file's lines as an array; null when it cannot be read. */
void probe_lines(const char *key, const char *path);
/* The target of a symbolic link; NULL when it cannot be read. */
const char *probe_link_target(const char *dir, const char *name);

/* For scandir: in the order in which people count, without . and .. */
struct dirent;
int probe_by_name(const struct dirent **a, const struct dirent **b);
int probe_no_dots(const struct dirent *entry);

/* "file", "dir", "link", "char", "block", "fifo" or "socket". */
const char *probe_type(unsigned mode);

void probe_arguments(void);
void probe_status(void);
void probe_files(void);
void probe_descriptors(void);
void probe_inherited(void);
void probe_places(void);
void probe_devices(void);
void probe_links(void);
void probe_paths(int count, char **paths);
void probe_try(void);

#endif
