/* The fuzzer without libFuzzer, for machines that have no clang: every file of the directories given, as it is, cut off at every
 * length, and then changed at random (always the same changes) for so many seconds: `driver SECONDS DIRECTORY…`. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

struct input {
	uint8_t *data;
	size_t length;
};

#define MOST 4096
static struct input inputs[MOST];
static int count;

static void load(const char *directory)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;
	char path[4096];
	while (stream && (entry = readdir(stream)) && count < MOST) {
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (!file)
			continue;
		uint8_t *data = malloc(1 << 16);
		size_t length = fread(data, 1, 1 << 16, file);
		fclose(file);
		inputs[count++] = (struct input){ data, length };
	}
	if (stream)
		closedir(stream);
}

static uint64_t state = 88172645463325252u;

static uint32_t chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (uint32_t)(state % below) : 0;
}

/* An exact copy each time, so that the sanitizer knows its end. */
static void run(const uint8_t *data, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	memcpy(copy, data, length);
	LLVMFuzzerTestOneInput(copy, length);
	free(copy);
}

static void change(const struct input *input)
{
	static uint8_t data[1 << 17];
	size_t length = input->length;
	memcpy(data, input->data, length);
	for (uint32_t times = 1 + chance(4); times > 0 && length > 0; times--) {
		uint32_t at = chance((uint32_t)length);
		static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff };
		switch (chance(5)) {
		case 0:
			data[at] ^= (uint8_t)(1u << chance(8));
			break;
		case 1:
			data[at] = odd[chance(sizeof odd)];
			break;
		case 2:
			data[at] = (uint8_t)chance(256);
			break;
		case 3: /* something missing */
			memmove(data + at, data + at + 1, length - at - 1);
			length--;
			break;
		default: { /* a piece of another one */
			const struct input *other = &inputs[chance((uint32_t)count)];
			uint32_t from = chance((uint32_t)other->length), n = chance(64);
			n = n > other->length - from ? (uint32_t)(other->length - from) : n;
			n = n > length - at ? (uint32_t)(length - at) : n;
			memcpy(data + at, other->data + from, n);
		}
		}
	}
	run(data, length);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: driver SECONDS DIRECTORY...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		load(argv[i]);
	if (!count) {
		fprintf(stderr, "driver: no inputs\n");
		return 1;
	}
	for (int i = 0; i < count; i++)
		for (size_t length = 0; length <= inputs[i].length; length++)
			run(inputs[i].data, length);
	time_t end = time(NULL) + atoi(argv[1]);
	unsigned long runs = 0;
	while (time(NULL) < end)
		for (int i = 0; i < 256; i++, runs++)
			change(&inputs[chance((uint32_t)count)]);
	printf("  %d inputs, %lu changed ones\n", count, runs);
	return 0;
}
