# Tests of what needs no core: the monitor, its log, JSON. In native/: make -f test/monitor.mk [check|asan|bench]
# (MATCH="part of a name" runs some of them.)
OUT ?= build-check
CC ?= cc
FLAGS := -std=c11 -fno-pie -no-pie -Wall -Wextra -Werror -I.
PARTS := monitor.c monitor_open.c stream.c input.c peer.c frames.c listener.c exitfile.c log.c json.c queue.c place.c timestamp.c wire.c bytes.c
HEADERS := $(wildcard *.h test/*.h)

check: $(OUT)/unit $(OUT)/monitor
	@$(OUT)/unit $(MATCH)
	@$(OUT)/monitor $(MATCH)

asan:
	@$(MAKE) --no-print-directory -f test/monitor.mk check OUT=build-check/asan EXTRA="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"

bench: $(OUT)/bench
	@$(OUT)/bench

$(OUT)/monitor: test/monitor_test.c test/harness.c $(PARTS) $(HEADERS)
	@mkdir -p $(OUT)
	@$(CC) $(FLAGS) $(or $(EXTRA),-O2) -o $@ test/monitor_test.c test/harness.c $(PARTS)

$(OUT)/unit: test/unit_test.c test/harness.c $(PARTS) $(HEADERS)
	@mkdir -p $(OUT)
	@$(CC) $(FLAGS) $(or $(EXTRA),-O2) -o $@ test/unit_test.c test/harness.c $(PARTS)

$(OUT)/bench: test/monitor_bench.c test/harness.c $(PARTS) $(HEADERS)
	@mkdir -p $(OUT)
	@$(CC) $(FLAGS) -O2 -static -o $@ test/monitor_bench.c test/harness.c $(PARTS)

.PHONY: check asan bench
