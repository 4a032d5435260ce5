/* A container's log in Docker's json-file form: a line of JSON for each line of output, rotated by size. */
#ifndef DRYDOCK_LOG_H
#define DRYDOCK_LOG_H

#include "place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log {
	int fd; /* -1: no log */
	struct place place;
	uint64_t size;     /* bytes in the file as far as rotation counts them, without what is still batched */
	uint64_t max_size; /* bytes; 0: never rotate */
	unsigned max_files; /* the current one included; 0: as many as there are */
	size_t described;  /* bytes of what log_describe was given */
	uint64_t errors;   /* entries that were lost and rotations that failed */
};

/* Open (append to) the log at this path. Returns 0 or an errno. */
int log_open(struct log *log, const uint8_t *path, size_t n, uint64_t max_size, unsigned max_files);
/* Whatever JSON this is stands in each entry, as `attrs`, between the stream and the time (moby, jsonlog.go). Returns 0 or an errno. */
int log_describe(struct log *log, const uint8_t *json, size_t n);
/* Output of a stream (1 stdout, 2 stderr). Whole lines go to the batch, the rest waits for its end. */
void log_append(struct log *log, int stream, const uint8_t *bytes, size_t n);
/* The stream has ended: a last line without a newline is an entry too. */
void log_end_stream(struct log *log, int stream);
/* Write the batch. Call it before every sleep: a reader of the log sees what has been said so far. */
void log_flush(struct log *log);
void log_close(struct log *log);
/* Give the buffers' pages back; only after log_flush. */
void log_trim(void);

#endif
