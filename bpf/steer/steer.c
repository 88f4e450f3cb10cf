//go:build ignore

/*
 * Steering: which listener of an address gets a new connection. The listeners of one
 * address form a group (SO_REUSEPORT); without a program the kernel takes one by a hash,
 * however busy it is, and those of a process that is starting or ending too.
 *
 * Listeners stand in generations, one for each process that serves the address. All new
 * connections go to the generation named in one word, so one write moves them all.
 * Whenever no listener can be named, the kernel's own choice stands.
 */
#include "../include/kernel.h"

license("Apache-2.0");

#define GENERATIONS 16
#define LISTENERS 64 /* of one generation */

enum {
	HASH,         /* by addresses and ports */
	CPU,          /* by the processor that took the packet in */
	LEAST_LOADED, /* the lesser of two that the hash names */
};

/* Read and written as one word. */
struct choice {
	__u16 generation;
	__u16 listeners; /* how many there are; 0: the kernel chooses */
	__u32 policy;
};

/* One for every listener, on a line of the cache of its own. Who accepts writes live,
 * accepted and since, the program chosen. */
struct load {
	__u32 live;     /* open connections */
	__u32 accepted; /* since the beginning */
	__u32 chosen;   /* connections sent here; those not accepted yet wait */
	__u32 unused;
	__u64 since;  /* when the acceptor began what it is doing (CLOCK_MONOTONIC); 0: it waits */
	__u32 unused_too[10];
};

struct {
	number(type, MAP_ARRAY_OF_MAPS);
	number(max_entries, GENERATIONS);
	number(key_size, 4);
	struct {
		number(type, MAP_REUSEPORT_SOCKARRAY);
		number(max_entries, LISTENERS);
		type_of(key, __u32);
		type_of(value, __u64);
	} *values[];
} catherd_gens SEC(".maps");

struct {
	number(type, MAP_ARRAY);
	number(map_flags, MAP_MMAPABLE);
	number(max_entries, GENERATIONS *LISTENERS);
	type_of(key, __u32);
	type_of(value, struct load);
} catherd_loads SEC(".maps");

struct {
	number(type, MAP_ARRAY);
	number(max_entries, 1);
	type_of(key, __u32);
	type_of(value, __u64);
} catherd_choice SEC(".maps");

enum { STEERED, MIGRATED, LEFT, COUNTERS };

struct {
	number(type, MAP_PERCPU_ARRAY);
	number(max_entries, COUNTERS);
	type_of(key, __u32);
	type_of(value, __u64);
} catherd_steered SEC(".maps");

#define PASS 1
/* The most connections that are taken to wait at one listener: of connects that never
 * became connections some are counted until the listener has nothing left to accept. */
#define MOST_WAITING 256
/* An acceptor that does something counts like one connection, and like one more for each
 * 65 us it has been at it: one that is held up soon counts more than any other. */
#define AT_IT_SHIFT 16
#define MOST_AT_IT 256

static inline_always void count(__u32 what)
{
	__u64 *n = map_lookup(&catherd_steered, &what);

	if (n)
		++*n;
}

static inline_always struct load *load_of(__u32 generation, __u32 i)
{
	__u32 index = generation * LISTENERS + i;

	return map_lookup(&catherd_loads, &index);
}

static inline_always __u32 at_it(__u64 since, __u64 now)
{
	__u64 units;

	if (!since)
		return 0;
	if (since > now) /* it began a moment ago, on another processor */
		return 1;
	units = (now - since) >> AT_IT_SHIFT;
	return units > MOST_AT_IT ? MOST_AT_IT : units + 1;
}

static inline_always __u32 busy(__u32 generation, __u32 i, __u64 now)
{
	struct load *l = load_of(generation, i);
	__s32 waiting;

	if (!l)
		return 0;
	waiting = l->chosen - l->accepted;
	if (waiting < 0)
		waiting = 0;
	if (waiting > MOST_WAITING)
		waiting = MOST_WAITING;
	return l->live + waiting + at_it(*(volatile __u64 *)&l->since, now);
}

SEC("sk_reuseport/migrate")
int catherd_steer(struct sk_reuseport_md *ctx)
{
	__u32 zero = 0, generation, n, first, hash = ctx->hash;
	__u64 *word = map_lookup(&catherd_choice, &zero);
	__u64 choice;
	void *listeners;

	if (!word)
		return PASS;
	choice = *(volatile __u64 *)word;
	generation = choice & 0xffff;
	n = choice >> 16 & 0xffff;
	if (!n)
		goto left;
	listeners = map_lookup(&catherd_gens, &generation);
	if (!listeners)
		goto left;

	/* The kernel's hash is used up unevenly by small numbers; spread it first. */
	hash *= 0x9e3779b1;
	first = (__u64)hash * n >> 32;
	if (choice >> 32 == CPU) {
		first = this_cpu() % n;
	} else if (choice >> 32 == LEAST_LOADED && n > 1) {
		__u32 second = (__u64)(hash * 0x85ebca6b) * (n - 1) >> 32;
		__u64 now = now_ns();

		if (second >= first)
			second++; /* never the same twice */
		if (busy(generation, second, now) < busy(generation, first, now))
			first = second;
	}

	/* The place may be empty, of a listener that was just closed: then the next. */
	for (int i = 0; i < 4; i++) {
		__u32 at = first + i >= n ? first + i - n : first + i;
		struct load *l;

		if (at >= LISTENERS)
			break;
		if (select_reuseport(ctx, listeners, &at, 0))
			continue;
		l = load_of(generation, at);
		if (l)
			__sync_fetch_and_add(&l->chosen, 1);
		count(ctx->migrating_sk ? MIGRATED : STEERED);
		return PASS;
	}
left:
	count(LEFT);
	return PASS;
}
