# Tests of what needs no core: the monitor, its log, JSON. In native/: make -f test/monitor.mk [check|asan|bench]
# (MATCH="words" runs those that have one of them in their name.)
OUT ?= build-check
CC ?= cc
FLAGS := -std=c11 -fno-pie -no-pie -Wall -Wextra -Werror
PARTS := monitor.c monitor_open.c stream.c input.c peer.c deliver.c frames.c listener.c exitfile.c log.c json.c queue.c place.c timestamp.c wire.c bytes.c
SHARED := $(addprefix test/monitor/,harness.c client.c noise.c containers.c)
TESTS := $(filter-out test/monitor/bench.c,$(wildcard test/monitor/*.c))
HEADERS := $(wildcard *.h test/monitor/*.h) test/monitor.mk

check: $(OUT)/monitor
	@$(OUT)/monitor $(MATCH)

asan:
	@$(MAKE) --no-print-directory -f test/monitor.mk check OUT=build-check/asan EXTRA="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"

bench: $(OUT)/bench
	@$(OUT)/bench

$(OUT)/monitor: $(TESTS) $(PARTS) $(HEADERS)
	@mkdir -p $(OUT)
	@$(CC) $(FLAGS) $(or $(EXTRA),-O2) -o $@ $(TESTS) $(PARTS)

$(OUT)/bench: test/monitor/bench.c $(SHARED) $(PARTS) $(HEADERS)
	@mkdir -p $(OUT)
	@$(CC) $(FLAGS) -O2 -static -o $@ test/monitor/bench.c $(SHARED) $(PARTS)

.PHONY: check asan bench
