/* Frames between the shim and its client: PROTOCOL.md. */
#ifndef DRYDOCK_WIRE_H
#define DRYDOCK_WIRE_H

#include "bytes.h"

enum to_shim { BATCH = 0x01, ROLLBACK, MONITOR, STDIN, RESIZE, SIGNAL, LEAVE, QUIET, ATTACH = 0x10, CONTROL, RELEASE, DELIVER };
enum from_shim { HELLO = 0x81, RESULT, DONE, EXEC_DONE, OUTPUT, EXIT_STATUS, UNDONE, ERROR_TEXT, ENDED };
enum refusal { MALFORMED = 1, TOO_LARGE, UNKNOWN_TYPE, OUT_OF_MEMORY, NO_CHILD, INTERNAL };

#define LONGEST_FRAME (16u << 20)
#define MONITOR_BATCH 0xffffffffu

/* Everything or false. */
bool write_all(int fd, const void *bytes, size_t length);
/* Read exactly so many bytes. 1: done; 0: end of the stream; -1: error. */
int read_all(int fd, void *bytes, size_t length);
/* A frame's body into `body` (its content is replaced), its type into `type`. 1, 0 at the end, -1 error, -2 too large or empty, -3 no
 * memory. Never reads past the frame: what follows may be somebody else's to read. */
int read_frame(int fd, uint8_t *type, struct buffer *body);
bool send_error(int fd, enum refusal code, const char *text);
/* The EXIT frame's body. */
#define EXIT_BODY 37
struct rusage;
void exit_body(uint8_t body[EXIT_BODY], int status, uint64_t ns, const struct rusage *usage, bool oom_killed);

#endif
