/*
 * Packets as they stand on the wire, and the walk from the first byte to the header of
 * the transport. Everything is bounded: two VLAN tags, eight extension headers.
 */
#ifndef CATHERD_PACKET_H
#define CATHERD_PACKET_H

#include "kernel.h"

#define ETHER_IP net16(0x0800)
#define ETHER_IP6 net16(0x86dd)
#define ETHER_VLAN net16(0x8100)  /* IEEE 802.1Q */
#define ETHER_QINQ net16(0x88a8)  /* IEEE 802.1ad */

#define PROTO_HOP_OPTIONS 0
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_AUTH 51
#define PROTO_DEST_OPTIONS 60

struct ethernet {
	__u8 to[6], from[6];
	__u16 type;
};

struct vlan {
	__u16 tag, type;
};

/* RFC 791, section 3.1 */
struct ip4 {
	__u8 version_words;
	__u8 service;
	__u16 length;
	__u16 id;
	__u16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 checksum;
	__u32 from, to;
};

/* RFC 8200, section 3 */
struct ip6 {
	__u32 version;
	__u16 length; /* of what follows this header */
	__u8 next;
	__u8 hops;
	struct address from, to;
};

/* RFC 8200, sections 4.3 to 4.6: both begin like this. */
struct ip6_option {
	__u8 next;
	__u8 length; /* in eight bytes, the first not counted */
	__u16 offset; /* of a fragment, in eight bytes, times eight; bit 0: more follow */
	__u32 id;
};

/* RFC 9293, section 3.1, up to the flags */
struct tcp {
	__u16 from, to;
	__u32 sequence, acknowledged;
	__u8 words;
	__u8 flags;
};
#define TCP_HEADER 20
#define TCP_SYN 0x02
#define TCP_ACK 0x10

struct udp {
	__u16 from, to;
	__u16 length; /* of header and payload */
	__u16 checksum;
};

struct packet {
	struct address from, to;
	void *transport; /* the transport's header; 0 when there is none to be read */
	__u8 protocol;
	__u8 first; /* the first of several fragments */
	__u8 odd;   /* a fragment that can only serve to hide a TCP header (RFC 1858, 3128) */
	__u8 ipv4;
};

static inline_always void mapped(struct address *a, __u32 ip)
{
	a->word[0] = 0;
	a->word[1] = 0;
	a->word[2] = net32(0xffff);
	a->word[3] = ip;
}

/* walk_ip4 and walk_ip6 return 0 when the packet is nothing for us. */
static inline_always int walk_ip4(void *at, void *end, struct packet *p)
{
	struct ip4 *ip = at;
	__u32 size;
	__u16 fragment;

	if ((void *)(ip + 1) > end)
		return 0;
	size = (ip->version_words & 15) * 4;
	if (size < sizeof(*ip))
		return 0;
	mapped(&p->from, ip->from);
	mapped(&p->to, ip->to);
	p->ipv4 = 1;
	p->protocol = ip->protocol;
	fragment = net16(ip->fragment);
	if (fragment & 0x1fff) {
		/* The second eight bytes of a TCP header never come alone. */
		p->odd = ip->protocol == PROTO_TCP && (fragment & 0x1fff) == 1;
		return 1;
	}
	p->first = (fragment & 0x2000) != 0;
	p->transport = at + size;
	return 1;
}

static inline_always int walk_ip6(void *at, void *end, struct packet *p)
{
	struct ip6 *ip = at;
	__u8 next;

	if ((void *)(ip + 1) > end)
		return 0;
	p->from = ip->from;
	p->to = ip->to;
	next = ip->next;
	at += sizeof(*ip);
#pragma unroll
	for (int i = 0; i < 8; i++) {
		struct ip6_option *o = at;
		__u32 size;

		if (next != PROTO_HOP_OPTIONS && next != PROTO_ROUTING && next != PROTO_FRAGMENT &&
		    next != PROTO_AUTH && next != PROTO_DEST_OPTIONS) {
			p->protocol = next;
			p->transport = at;
			return 1;
		}
		if ((void *)(o + 1) > end)
			return 1;
		size = (o->length + 1) * 8;
		if (next == PROTO_AUTH)
			size = (o->length + 2) * 4; /* RFC 4302, section 2.2 */
		if (next == PROTO_FRAGMENT) {
			__u16 offset = net16(o->offset);

			size = sizeof(*o);
			p->protocol = o->next;
			if (offset & 0xfff8) {
				p->odd = o->next == PROTO_TCP && (offset >> 3) == 1;
				return 1;
			}
			p->first = offset & 1;
		}
		next = o->next;
		at += size;
	}
	return 1;
}

/*
 * walk reads a packet from its first byte. With a type it begins with the network's
 * header, as what a device sends back to its own host does, else with that of Ethernet.
 */
static inline_always int walk(void *at, void *end, __u16 type, struct packet *p)
{
	if (!type) {
		struct ethernet *e = at;

		if ((void *)(e + 1) > end)
			return 0;
		type = e->type;
		at += sizeof(*e);
	}
#pragma unroll
	for (int i = 0; i < 2; i++) {
		struct vlan *v = at;

		if (type != ETHER_VLAN && type != ETHER_QINQ)
			break;
		if ((void *)(v + 1) > end)
			return 0;
		type = v->type;
		at += sizeof(*v);
	}
	if (type == ETHER_IP)
		return walk_ip4(at, end, p);
	if (type == ETHER_IP6)
		return walk_ip6(at, end, p);
	return 0;
}

#endif
