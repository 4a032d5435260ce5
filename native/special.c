/* Steps that are a function here and not one system call. Every call that they make is raw, as in the child nothing else may be. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "kernel.h"
#include "step.h"

#define CALL(number, ...) kernel_call(number, (int64_t[6]){ __VA_ARGS__ })
#define POINTER(to) (int64_t)(uintptr_t)(to)

/* --- netlink(fd, message, answer) ----------------------------------------------------------------------------------------- */

struct exchange_of_messages {
	uint32_t last;     /* sequence number of the last message of the request */
	bool first_answer; /* it asked neither for an acknowledgement nor for a dump: its first answer is all there is */
	bool over;
	int error;
	struct out *answer; /* where answers are collected; NULL: nowhere */
	uint32_t filled;
	uint64_t wanted;    /* as `filled`, had there been room */
};

/* The request may be several messages in one buffer (a batch: one call for a link, its address and its route). */
static int read_request(const uint8_t *request, uint32_t size, struct exchange_of_messages *talk)
{
	struct nlmsghdr header;
	for (uint32_t at = 0; at < size; at += NLMSG_ALIGN(header.nlmsg_len)) {
		if (size - at < sizeof header)
			return EINVAL;
		memcpy(&header, request + at, sizeof header);
		if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - at)
			return EINVAL;
		if (NLMSG_ALIGN(header.nlmsg_len) >= size - at)
			break;
	}
	bool dump = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	talk->last = header.nlmsg_seq;
	talk->first_answer = !dump && !(header.nlmsg_flags & NLM_F_ACK);
	return 0;
}

/* One message of an answer: an end, a refusal, or something to collect. */
static void read_message(struct exchange_of_messages *talk, const struct nlmsghdr *header, const uint8_t *bytes, uint32_t length)
{
	bool end = header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE;
	int32_t error = 0;
	if (end && length >= sizeof *header + sizeof error)
		memcpy(&error, bytes + sizeof *header, sizeof error);
	if (error < 0 && error >= -4095)
		talk->error = -error;
	if (error < 0 || (header->nlmsg_seq == talk->last && (end || talk->first_answer)))
		talk->over = true;
	if (end)
		return;
	uint32_t size = NLMSG_ALIGN(length);
	talk->wanted += size;
	if (talk->answer && talk->wanted <= talk->answer->length) {
		memcpy(talk->answer->data + talk->filled, bytes, length);
		talk->filled += size;
	}
}

/* rtnetlink fills at most 32 KiB into one datagram of a dump; an acknowledgement is its header and the message that it is for. */
#define DATAGRAM 32768

/* The frame of this function is deep: separate, so that the calls without it do not touch those pages. */
__attribute__((noinline)) static long listen_to(int64_t fd, struct exchange_of_messages *talk)
{
	_Alignas(struct nlmsghdr) uint8_t datagram[DATAGRAM];
	while (!talk->over) {
		struct sockaddr_nl from = { 0 };
		uint32_t from_size = sizeof from;
		long n = CALL(SYS_recvfrom, fd, POINTER(datagram), sizeof datagram, 0, POINTER(&from), POINTER(&from_size));
		if (n < 0)
			return n;
		if (from.nl_pid != 0)
			continue; /* netlink(7): the kernel's port is 0; anybody else may say what he likes */
		uint32_t left = (uint32_t)n <= sizeof datagram ? (uint32_t)n : sizeof datagram;
		for (uint32_t at = 0; left - at >= sizeof(struct nlmsghdr) && !talk->over;) {
			struct nlmsghdr header;
			memcpy(&header, datagram + at, sizeof header);
			/* A refusal quotes the whole message that it is for; of a long one the end is cut off here. */
			if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_len > left - at)
				header.nlmsg_len = left - at;
			if (header.nlmsg_len < sizeof header || header.nlmsg_len > left - at)
				break;
			read_message(talk, &header, datagram + at, header.nlmsg_len);
			at += NLMSG_ALIGN(header.nlmsg_len) < left - at ? NLMSG_ALIGN(header.nlmsg_len) : left - at;
		}
	}
	return talk->error ? -talk->error : (long)talk->wanted;
}

/*
 * Send the request; read until its last message is acknowledged (NLM_F_ACK) or its dump is done; a refusal of any of its messages is
 * the step's errno. What came before is collected in `answer`, whole messages one behind the other; the return value is the size
 * of it all, which is more than was collected when there was not enough room (as snprintf(3) counts).
 */
long call_netlink(struct step *step)
{
	int64_t fd = step->arg[0].number;
	const struct value *request = &step->arg[1];
	struct exchange_of_messages talk = { 0 };
	if (request->size < sizeof(struct nlmsghdr) || read_request((const uint8_t *)(uintptr_t)request->number, request->size, &talk))
		return -EINVAL;
	for (int i = 0; i < step->outline.n_outs; i++)
		if (step->arg[2].number && POINTER(step->out[i].data) == step->arg[2].number)
			talk.answer = &step->out[i];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	long sent = CALL(SYS_sendto, fd, request->number, request->size, 0, POINTER(&kernel), sizeof kernel);
	if (sent < 0)
		return sent;
	/* An answer that nobody has waited for (of a step that was interrupted) has another sequence number: use each number once. */
	return listen_to(fd, &talk);
}

/* --- bpf(cmd, attr, size) -------------------------------------------------------------------------------------------------- */

/* As often as libbpf tries. */
#define LOADS 5

/* The verifier of BPF_PROG_LOAD gives way to a signal, such as the one that says that the client has sent more, by EAGAIN: then once more. */
long call_bpf(struct step *step)
{
	long made = -EAGAIN;
	for (int i = 0; i < LOADS && made == -EAGAIN; i++)
		made = CALL(SYS_bpf, step->arg[0].number, step->arg[1].number, step->arg[2].number);
	return made;
}
