//go:build ignore

/*
 * The edge guard: drops what a rule denies, what comes too fast, and what cannot belong
 * to the group it is sent to, before the kernel spends anything on it.
 *
 * It judges only packets to what Catherd serves; everything else passes after one look at
 * a bitmap of ports. Whatever is about to be dropped passes all the same when its source
 * is in the allow list, so no rule and no flood can lock those out.
 */
#include "../include/packet.h"

license("Apache-2.0");

/* Indices of the counters; from FIRST_RULE on there is one for every deny rule. */
enum {
	CONNECTIONS,         /* new connections that passed */
	CONNECTIONS_LIMITED, /* new connections beyond their source's rate */
	ALLOWED,             /* packets that passed only because of the allow list */
	FRAGMENTS,           /* fragments that hide a TCP header */
	GROUP,               /* datagrams of a group that passed */
	GROUP_SHAPE,         /* what no member can have sent */
	GROUP_LIMITED,       /* datagrams beyond their source's rate */
	GROUP_FLOOD,         /* datagrams beyond the rate of all sources together */
	FIRST_RULE = 16,
};

struct count {
	__u64 packets, bytes;
};

struct prefix {
	__u32 bits;
	struct address address;
};

/* A served address: the port has to be the same, the address in the prefix. Port 0 stands
 * for packets whose port is not known. */
struct served {
	__u32 bits;
	__u32 port;
	struct address address;
};

struct source {
	struct address address;
	__u32 kind;
};
#define KIND_CONNECTION 0
#define KIND_GROUP 1

struct group_key {
	struct address address;
	__u32 port;
};

#define SHAPE_ANY 0
#define SHAPE_MEMBER 1 /* Tomcat's McastService: a member package or frames */
#define SHAPE_BEACON 2 /* Tomcat's HeartbeatListener: "v=1&ready=..." */

struct group {
	__u32 shape;
	__u32 unused;
	__u64 gap, burst;         /* per source, ns; gap 0: no limit */
	__u64 all_gap, all_burst; /* of all together */
	__u64 all_due;
};

struct {
	number(type, MAP_LPM_TRIE);
	number(map_flags, MAP_NO_PREALLOC);
	number(max_entries, 65536);
	type_of(key, struct prefix);
	type_of(value, __u32);
} catherd_allow SEC(".maps"), catherd_deny SEC(".maps");

struct {
	number(type, MAP_LPM_TRIE);
	number(map_flags, MAP_NO_PREALLOC);
	number(max_entries, 131072);
	type_of(key, struct served);
	type_of(value, __u32);
} catherd_serve SEC(".maps");

struct {
	number(type, MAP_HASH);
	number(max_entries, 16);
	type_of(key, struct group_key);
	type_of(value, struct group);
} catherd_groups SEC(".maps");

/* When the next packet of a source is due, ns. */
struct {
	number(type, MAP_LRU_HASH);
	number(max_entries, 65536);
	type_of(key, struct source);
	type_of(value, __u64);
} catherd_due SEC(".maps");

struct {
	number(type, MAP_PERCPU_ARRAY);
	number(max_entries, FIRST_RULE);
	type_of(key, __u32);
	type_of(value, struct count);
} catherd_counts SEC(".maps");

setting(__u32, dry_run);   /* count what would be dropped, and let it pass */
setting(__u32, have_deny); /* there is at least one deny rule */
setting(__u32, have_allow);
setting(__u32, have_groups);
setting(__u64, gap); /* of new connections of one source, ns; 0: no limit */
setting(__u64, burst);
/* What of an address counts as its source. */
volatile const __u32 mask4[4] = {};
volatile const __u32 mask6[4] = {};
/* One bit for every TCP port that is served. */
volatile const __u64 ports[1024] = {};

static inline_always void count(__u32 index, __u32 bytes)
{
	struct count *c = map_lookup(&catherd_counts, &index);

	if (c) {
		c->packets++;
		c->bytes += bytes;
	}
}

/*
 * take says whether one more is within the rate: the generic cell rate algorithm (ITU-T
 * I.371), a token bucket in one word that needs no lock. due is when the next would come
 * if all came evenly; it may run ahead of now by the burst.
 */
static inline_always int take(__u64 *due, __u64 now, __u64 gap, __u64 burst)
{
	for (int i = 0; i < 4; i++) {
		__u64 old = *(volatile __u64 *)due;
		__u64 base = old > now ? old : now;

		if (base - now > burst)
			return 0;
		if (__sync_val_compare_and_swap(due, old, base + gap) == old)
			return 1;
	}
	return 1; /* four other processors were quicker; in doubt it passes */
}

static inline_always int within(struct packet *p, __u32 kind, __u64 gap, __u64 burst)
{
	struct source s = {.kind = kind};
	__u64 now = now_ns();
	__u64 first = now + gap;
	__u64 *due;

#pragma unroll
	for (int i = 0; i < 4; i++)
		s.address.word[i] = p->from.word[i] & (p->ipv4 ? mask4[i] : mask6[i]);
	due = map_lookup(&catherd_due, &s);
	if (due)
		return take(due, now, gap, burst);
	map_update(&catherd_due, &s, &first, MAP_ANY);
	return 1;
}

static inline_always int is_served(struct packet *p, __u32 port)
{
	struct served key = {.bits = 32 + 128, .port = port, .address = p->to};

	return map_lookup(&catherd_serve, &key) != 0;
}

static inline_always int is_allowed(struct packet *p)
{
	struct prefix key = {.bits = 128, .address = p->from};

	return have_allow && map_lookup(&catherd_allow, &key);
}

/* denied returns the index of the counter of the rule that denies the source, or 0. */
static inline_always __u32 denied(struct packet *p)
{
	struct prefix key = {.bits = 128, .address = p->from};
	__u32 *rule;

	if (!have_deny)
		return 0;
	rule = map_lookup(&catherd_deny, &key);
	return rule ? *rule : 0;
}

/* drop ends a packet's way unless its source is allowed. */
static inline_always int drop(struct packet *p, __u32 why, __u32 bytes)
{
	if (is_allowed(p)) {
		count(ALLOWED, bytes);
		return 0;
	}
	count(why, bytes);
	return !dry_run;
}

/* A packet whose port cannot be known: a later fragment, or too many extensions. */
static inline_always int judge_blind(struct packet *p, __u32 bytes)
{
	__u32 why = p->odd ? FRAGMENTS : denied(p);

	if (!why || !is_served(p, 0))
		return 0;
	return drop(p, why, bytes);
}

static inline_always int judge_tcp(struct packet *p, void *end, __u32 bytes)
{
	struct tcp *t = p->transport;
	__u32 port, why;

	if ((void *)t + TCP_HEADER > end) {
		p->odd = p->first;
		return judge_blind(p, bytes);
	}
	port = net16(t->to);
	if (likely(!(ports[port >> 6] >> (port & 63) & 1)))
		return 0;
	why = denied(p);
	if (!why) {
		if ((t->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN || !is_served(p, port))
			return 0;
		if (!gap || within(p, KIND_CONNECTION, gap, burst)) {
			count(CONNECTIONS, bytes);
			return 0;
		}
		why = CONNECTIONS_LIMITED;
	} else if (!is_served(p, port)) {
		return 0;
	}
	return drop(p, why, bytes);
}

/* be32 reads four bytes in network order from anywhere. */
static inline_always __u32 be32(__u8 *b)
{
	return (__u32)b[0] << 24 | (__u32)b[1] << 16 | (__u32)b[2] << 8 | b[3];
}

#define WORD(a, b, c, d) ((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/*
 * can_be_member says whether a payload can be what members of a Tomcat cluster send to
 * their group: "TRIBES-B" 01 00, the length of the body, the body of at least 49 bytes and
 * an end of 10 bytes (MemberImpl), or "FLT2002", the length, the data and an end of 7 bytes
 * (XByteBuffer), where the data holds a member package. What follows is ignored by Tomcat.
 */
static inline_always int can_be_member(__u8 *b, void *end, __u32 size)
{
	__u32 length;

	if (size < 24 + 49 || (void *)(b + 14) > end)
		return 0;
	if (be32(b) == WORD('T', 'R', 'I', 'B')) {
		length = be32(b + 10);
		return be32(b + 4) == WORD('E', 'S', '-', 'B') && b[8] == 1 && b[9] == 0 &&
		       length >= 49 && length <= size - 24;
	}
	length = be32(b + 7);
	return be32(b) == WORD('F', 'L', 'T', '2') && b[4] == '0' && b[5] == '0' && b[6] == '2' &&
	       length >= 24 + 49 && length <= size - 18;
}

static inline_always int judge_udp(struct packet *p, void *end, __u32 bytes)
{
	struct udp *u = p->transport;
	struct group_key key = {.address = p->to};
	struct group *g;
	__u8 *payload;
	__u32 size;

	if ((void *)(u + 1) > end)
		return 0;
	key.port = net16(u->to);
	g = map_lookup(&catherd_groups, &key);
	if (!g)
		return 0;
	size = net16(u->length);
	size = size < sizeof(*u) ? 0 : size - sizeof(*u);
	payload = (void *)(u + 1);
	if (g->shape == SHAPE_MEMBER && !can_be_member(payload, end, size))
		return drop(p, GROUP_SHAPE, bytes);
	if (g->shape == SHAPE_BEACON &&
	    (size < 2 || (void *)(payload + 2) > end || payload[0] != 'v' || payload[1] != '='))
		return drop(p, GROUP_SHAPE, bytes);
	if (g->gap && !within(p, KIND_GROUP, g->gap, g->burst))
		return drop(p, GROUP_LIMITED, bytes);
	if (g->all_gap && !take(&g->all_due, now_ns(), g->all_gap, g->all_burst))
		return drop(p, GROUP_FLOOD, bytes);
	count(GROUP, bytes);
	return 0;
}

static inline_always int judge(void *at, void *end, __u16 type, __u32 bytes)
{
	struct packet p = {};

	if (!walk(at, end, type, &p))
		return 0;
	if (!p.transport)
		return judge_blind(&p, bytes);
	if (p.protocol == PROTO_TCP)
		return judge_tcp(&p, end, bytes);
	if (have_groups && p.protocol == PROTO_UDP) {
		__u8 *to = (__u8 *)&p.to;

		/* 224.0.0.0/4 and ff00::/8 */
		if (p.ipv4 ? to[12] >> 4 == 14 : to[0] == 255)
			return judge_udp(&p, end, bytes);
	}
	return 0;
}

#define XDP_DROP 1
#define XDP_PASS 2

SEC("xdp")
int catherd_xdp(struct xdp_md *ctx)
{
	void *at = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	return judge(at, end, 0, end - at) ? XDP_DROP : XDP_PASS;
}

#define TCX_NEXT -1
#define TCX_DROP 2
#define PACKET_LOOPBACK 5 /* a copy of what this host sent to a group */
#define LOOK 128          /* bytes that are enough for every decision */

SEC("tc")
int catherd_tcx(struct __sk_buff *ctx)
{
	void *at = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 want = ctx->len < LOOK ? ctx->len : LOOK;

	/* The linear part of a packet may be shorter than its headers. */
	if (unlikely(at + want > end)) {
		if (pull_data(ctx, want))
			return TCX_NEXT;
		at = (void *)(long)ctx->data;
		end = (void *)(long)ctx->data_end;
	}
	/* Such a copy never got a header of Ethernet. */
	return judge(at, end, ctx->pkt_type == PACKET_LOOPBACK ? ctx->protocol : 0, ctx->len) ? TCX_DROP : TCX_NEXT;
}
