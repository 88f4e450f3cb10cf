/*
 * What Catherd's programs need of the kernel's interface, and no more: fixed-width
 * types, the contexts that the kernel hands to programs (their layout is part of its
 * stable interface, include/uapi/linux/bpf.h), the helpers by number, and the map
 * declarations that the loader reads from BTF. Structures of the kernel's inside are in
 * socket.h, because their layout differs from kernel to kernel.
 */
#ifndef CATHERD_KERNEL_H
#define CATHERD_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;

#define SEC(name) __attribute__((section(name), used))
#define inline_always inline __attribute__((always_inline))

/* Set by the loader before the program is loaded; the verifier then knows the value and
 * drops the branches that cannot be taken. */
#define setting(type, name) volatile const type name = 0

/* Members of a map's declaration: a number is the length of an array nobody has. */
#define number(name, value) int(*name)[value]
#define type_of(name, type) type *name

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The value is computed here and nowhere later. */
#define keep(x) asm volatile("" : "+r"(x))

/* Both targets are little-endian. */
#define net16(x) __builtin_bswap16(x)
#define net32(x) __builtin_bswap32(x)

/* enum bpf_map_type */
#define MAP_HASH 1
#define MAP_ARRAY 2
#define MAP_PERCPU_ARRAY 6
#define MAP_LRU_HASH 9
#define MAP_LPM_TRIE 11
#define MAP_ARRAY_OF_MAPS 12
#define MAP_SOCKMAP 15
#define MAP_REUSEPORT_SOCKARRAY 20
#define MAP_RINGBUF 27

#define MAP_NO_PREALLOC 1 /* BPF_F_NO_PREALLOC */
#define MAP_MMAPABLE 1024 /* BPF_F_MMAPABLE */

/* flags of map_update */
#define MAP_ANY 0
#define MAP_NOEXIST 1

#define FAMILY_INET 2
#define FAMILY_INET6 10

/* An address of either family: IPv4 as ::ffff:a.b.c.d. */
struct address {
	__u32 word[4];
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

/* The front of the context of tcx programs; what follows is not read. */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol; /* network order */
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
};

struct sk_reuseport_md {
	void *data __attribute__((aligned(8)));
	void *data_end __attribute__((aligned(8)));
	__u32 len;
	__u32 eth_protocol;
	__u32 ip_protocol;
	__u32 bind_inany;
	__u32 hash; /* of both addresses and ports */
	void *sk __attribute__((aligned(8)));
	void *migrating_sk __attribute__((aligned(8))); /* only when a listener has gone */
};

struct bpf_sk_lookup {
	void *sk __attribute__((aligned(8)));
	__u32 family;
	__u32 protocol;
	__u32 remote_ip4; /* network order */
	__u32 remote_ip6[4];
	__u16 remote_port; /* network order */
	__u16 : 16;
	__u32 local_ip4;
	__u32 local_ip6[4];
	__u32 local_port; /* host order */
	__u32 ingress_ifindex;
};

/* Helpers, by their number in enum bpf_func_id. */
static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static __u64 (*now_ns)(void) = (void *)5; /* CLOCK_MONOTONIC */
static __u32 (*this_cpu)(void) = (void *)8;
static long (*pull_data)(struct __sk_buff *skb, __u32 len) = (void *)39;
static long (*select_reuseport)(struct sk_reuseport_md *ctx, void *map, void *key, __u64 flags) = (void *)82;
static long (*release_socket)(void *sk) = (void *)86;
static long (*assign_socket)(struct bpf_sk_lookup *ctx, void *sk, __u64 flags) = (void *)124;
static void *(*ring_reserve)(void *ring, __u64 size, __u64 flags) = (void *)131;
static void (*ring_submit)(void *record, __u64 flags) = (void *)132;
struct tcp_sock;
static struct tcp_sock *(*to_tcp_sock)(void *sk) = (void *)137;

/* What the kernel is told. Reading its inside (tracepoints) it permits only to what is
 * under the GPL as well. */
#define license(name) char license_of_programs[] SEC("license") = name

#endif
