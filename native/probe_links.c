/* The network interfaces, by a dump of rtnetlink(7): /proc/net has neither their flags nor their hardware addresses. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static void link_message(const struct nlmsghdr *header)
{
	const struct ifinfomsg *info = NLMSG_DATA(header);
	int left = (int)IFLA_PAYLOAD(header);
	out_begin(NULL, '{');
	out_integer("index", info->ifi_index);
	out_integer("flags", info->ifi_flags);
	for (const struct rtattr *attribute = IFLA_RTA(info); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		const uint8_t *data = RTA_DATA(attribute);
		if (attribute->rta_type == IFLA_IFNAME) {
			out_bytes("name", data, strnlen((const char *)data, RTA_PAYLOAD(attribute)));
		} else if (attribute->rta_type == IFLA_MTU && RTA_PAYLOAD(attribute) >= sizeof(uint32_t)) {
			uint32_t mtu;
			memcpy(&mtu, data, sizeof mtu);
			out_integer("mtu", mtu);
		} else if (attribute->rta_type == IFLA_ADDRESS && RTA_PAYLOAD(attribute) == 6) {
			out_format("mac", "%02x:%02x:%02x:%02x:%02x:%02x", data[0], data[1], data[2], data[3], data[4], data[5]);
		}
	}
	out_end();
}

static void address_message(const struct nlmsghdr *header)
{
	const struct ifaddrmsg *info = NLMSG_DATA(header);
	int left = (int)IFA_PAYLOAD(header);
	char text[INET6_ADDRSTRLEN];
	const void *address = NULL;
	for (const struct rtattr *attribute = IFA_RTA(info); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		/* IFA_LOCAL is one's own end of a point-to-point link, where IFA_ADDRESS is the other one's. */
		if (attribute->rta_type == IFA_LOCAL || (attribute->rta_type == IFA_ADDRESS && address == NULL))
			address = RTA_DATA(attribute);
	if (address == NULL || inet_ntop(info->ifa_family, address, text, sizeof text) == NULL)
		return;
	out_begin(NULL, '{');
	out_integer("index", (int64_t)info->ifa_index);
	out_format("address", "%s/%u", text, info->ifa_prefixlen);
	out_end();
}

static void dump(const char *key, uint16_t type, void (*each)(const struct nlmsghdr *))
{
	struct {
		struct nlmsghdr header;
		struct rtgenmsg body;
	} request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof request.body), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .rtgen_family = AF_UNSPEC },
	};
	static _Alignas(NLMSG_ALIGNTO) uint8_t answer[64 << 10];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0 || send(fd, &request, request.header.nlmsg_len, 0) < 0) {
		out_failed(key, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	out_begin(key, '[');
	for (bool more = true; more;) {
		ssize_t n = recv(fd, answer, sizeof answer, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (const struct nlmsghdr *header = (const void *)answer; NLMSG_OK(header, (size_t)n); header = NLMSG_NEXT(header, n)) {
			if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
				more = false;
			else
				each(header);
		}
	}
	out_end();
	close(fd);
}

void probe_links(void)
{
	dump("interfaces", RTM_GETLINK, link_message);
	dump("addresses", RTM_GETADDR, address_message);
}
