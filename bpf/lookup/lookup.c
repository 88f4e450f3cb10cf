//go:build ignore

/*
 * Listening wide: new connections to any address of some prefixes and any port of some
 * ranges go to listeners that are bound somewhere else. Who is not in the table is looked
 * up by the kernel as ever.
 */
#include "../include/kernel.h"

license("Apache-2.0");

#define RANGES 16   /* of one prefix */
#define LISTENERS 16 /* that can stand in for each other */
#define PASS 1
#define PROTO_TCP 6

struct prefix {
	__u32 bits;
	struct address address;
};

struct range {
	__u16 first, last; /* host order */
	__u16 set;         /* of listeners */
	__u16 unused;
};

struct ranges {
	__u32 count;
	struct range range[RANGES];
};

struct {
	number(type, MAP_LPM_TRIE);
	number(map_flags, MAP_NO_PREALLOC);
	number(max_entries, 65536);
	type_of(key, struct prefix);
	type_of(value, struct ranges);
} catherd_wide SEC(".maps");

/* Set n has the places from n * LISTENERS on. */
struct {
	number(type, MAP_SOCKMAP);
	number(max_entries, 64 * LISTENERS);
	type_of(key, __u32);
	type_of(value, __u64);
} catherd_lstn SEC(".maps");

enum { GIVEN, NOBODY, COUNTERS };

struct {
	number(type, MAP_PERCPU_ARRAY);
	number(max_entries, COUNTERS);
	type_of(key, __u32);
	type_of(value, __u64);
} catherd_given SEC(".maps");

static inline_always void count(__u32 what)
{
	__u64 *n = map_lookup(&catherd_given, &what);

	if (n)
		++*n;
}

SEC("sk_lookup")
int catherd_lookup(struct bpf_sk_lookup *ctx)
{
	struct prefix key = {.bits = 128};
	struct ranges *found;
	__u32 port = ctx->local_port, set = ~0u, ip4;

	if (ctx->protocol != PROTO_TCP)
		return PASS;
	/* All are read before one is chosen: the verifier refuses a load from a place in the
	 * context that was computed, which is what the compiler makes of a choice first. */
	ip4 = ctx->local_ip4;
	key.address.word[0] = ctx->local_ip6[0];
	key.address.word[1] = ctx->local_ip6[1];
	key.address.word[2] = ctx->local_ip6[2];
	key.address.word[3] = ctx->local_ip6[3];
	keep(ip4);
	if (ctx->family == FAMILY_INET) {
		key.address.word[0] = 0;
		key.address.word[1] = 0;
		key.address.word[2] = net32(0xffff);
		key.address.word[3] = ip4;
	}
	found = map_lookup(&catherd_wide, &key);
	if (!found)
		return PASS;
	for (__u32 i = 0; i < RANGES; i++) {
		if (i >= found->count)
			break;
		if (port >= found->range[i].first && port <= found->range[i].last) {
			set = found->range[i].set;
			break;
		}
	}
	if (set == ~0u)
		return PASS;

	/* A listener that was closed has left its place. One is enough: the kernel, or the
	 * steering, chooses among the group that it belongs to. */
	for (__u32 i = 0; i < LISTENERS; i++) {
		__u32 at = set * LISTENERS + i;
		void *sk = map_lookup(&catherd_lstn, &at);
		long refused;

		if (!sk)
			continue;
		refused = assign_socket(ctx, sk, 0);
		release_socket(sk);
		if (!refused) {
			count(GIVEN);
			return PASS;
		}
	}
	count(NOBODY);
	return PASS;
}
