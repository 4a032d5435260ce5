/* JSON strings: the escaping that Docker's json-file log uses, which is also valid JSON for any bytes. */
#ifndef DRYDOCK_JSON_H
#define DRYDOCK_JSON_H

#include <stddef.h>
#include <stdint.h>

/* The most bytes that json_escape writes for n bytes of input (the 16: it copies in blocks and may write past its result). */
#define JSON_ESCAPED_MAX(n) (6 * (n) + 16)

/* Escape n bytes of `in` into `out` (room for JSON_ESCAPED_MAX(n)), without the quotes. Returns how many bytes were written. */
size_t json_escape(uint8_t *out, const uint8_t *in, size_t n);

/* How many of the n bytes remain when a UTF-8 sequence that the end cuts off is left out (at most three bytes fewer). */
size_t json_whole_characters(const uint8_t *in, size_t n);

#endif
