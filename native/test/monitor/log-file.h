/* A log in a directory of its own, and reading it. */
#ifndef DRYDOCK_TEST_LOG_FILE_H
#define DRYDOCK_TEST_LOG_FILE_H

#include "../../log.h"

/* Of the log's files; in one of a few static buffers. */
const char *path_of(const char *name);
void open_log(struct log *log, uint64_t max_size, unsigned max_files);
/* The directory with what is in it. */
void remove_logs(void);
/* The next entry of a log, without its time, which must look like one. Returns where it goes on; NULL at the end. */
char *next_entry(char *at, char **text, size_t *length, int *stream);

#endif
