/* Random text, and what a log makes of it, by the letter of the specification. */
#ifndef DRYDOCK_TEST_TEXT_H
#define DRYDOCK_TEST_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A number below this; the same ones in every run. */
unsigned any(unsigned below);
/* Text of a random kind: plain, with quotes, UTF-8 of all lengths, or any bytes. At most n bytes; returns how many. */
size_t make_text(uint8_t *into, size_t n);
/* Byte by byte. */
size_t slow_escape(char *out, const uint8_t *in, size_t n);

#endif
