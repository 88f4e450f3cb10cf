/*
 * The few fields of the kernel's sockets that programs read. The layout here is not the
 * kernel's: the loader finds every field by its name in the kernel's BTF and writes its
 * place into the program.
 */
#ifndef CATHERD_SOCKET_H
#define CATHERD_SOCKET_H

#include "kernel.h"

#define found_by_name __attribute__((preserve_access_index))

struct ns_common {
	__u32 inum;
} found_by_name;

struct net {
	struct ns_common ns;
} found_by_name;

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u32 u6_addr32[4];
	} in6_u;
} found_by_name;

struct sock_common {
	__u32 skc_daddr;
	__u16 skc_dport; /* network order */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
} found_by_name;

struct sock {
	struct sock_common __sk_common;
	int sk_err;
} found_by_name;

struct inet_sock {
	struct sock sk;
	__u16 inet_sport; /* the local port, network order; stays when the port is given back */
} found_by_name;

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	__u8 icsk_retransmits; /* time-outs in a row */
} found_by_name;

struct tcp_sock {
	struct inet_connection_sock inet_conn;
} found_by_name;

/* include/net/tcp_states.h */
#define STATE_ESTABLISHED 1
#define STATE_SYN_SENT 2
#define STATE_CLOSE 7
#define STATE_CLOSE_WAIT 8

/* asm-generic/errno.h */
#define ERR_CONNREFUSED 111
#define ERR_CONNRESET 104
#define ERR_PIPE 32

#endif
