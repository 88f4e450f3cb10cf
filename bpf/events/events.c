//go:build ignore

/*
 * What happens to connections to members, told as it happens. Three tracepoints, all of
 * them off the path of data: a change of a socket's state, a reset that came in, a segment
 * that is sent again. Sockets to others are left after one look into a table.
 *
 * Nothing here can slow a connection down for long or stop it: a full ring loses the event
 * and counts it.
 */
#include "../include/socket.h"

/* This file and the headers that it includes may be used under the Apache License 2.0, the
 * MIT License or the GNU General Public License 2, as you like. */
license("Dual MIT/GPL");

enum {
	RESET = 1,   /* the member sent a reset */
	REFUSED,     /* a connect was answered by a reset or by "no such port" */
	UNREACHABLE, /* a connect ended by another message of the network, or by time */
	SYN_AGAIN,   /* a connect was not answered in time and is sent again */
	TIMEOUT,     /* data was not acknowledged in time and is sent again */
	CLOSED,      /* the member sent its end first */
	LOST,        /* an established connection ended by time, or by the network */
};

struct event {
	__u64 at; /* ns, CLOCK_MONOTONIC */
	struct address member;
	__u16 port;       /* the member's */
	__u16 local_port; /* ours */
	__u16 error;      /* errno of the socket, or 0 */
	__u8 kind;
	__u8 times; /* how often in a row, for SYN_AGAIN and TIMEOUT */
};

struct member {
	struct address address;
	__u16 port;
	__u16 unused;
};

struct {
	number(type, MAP_HASH);
	number(max_entries, 4096);
	type_of(key, struct member);
	type_of(value, __u32);
} catherd_peers SEC(".maps");

struct {
	number(type, MAP_RINGBUF);
	number(max_entries, 256 * 1024);
} catherd_events SEC(".maps");

setting(__u32, namespace); /* inode of the network namespace that counts */
__u64 lost;                /* events that found the ring full */

/* peer fills in whom a socket is connected to and says whether that is a member. */
static inline_always int peer(const struct sock *sk, struct member *m)
{
	unsigned short family = sk->__sk_common.skc_family;

	if (family == FAMILY_INET) {
		m->address.word[0] = 0;
		m->address.word[1] = 0;
		m->address.word[2] = net32(0xffff);
		m->address.word[3] = sk->__sk_common.skc_daddr;
	} else if (family == FAMILY_INET6) {
		m->address.word[0] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[0];
		m->address.word[1] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[1];
		m->address.word[2] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[2];
		m->address.word[3] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[3];
	} else {
		return 0;
	}
	m->port = net16(sk->__sk_common.skc_dport);
	return map_lookup(&catherd_peers, m) && sk->__sk_common.skc_net.net->ns.inum == namespace;
}

static inline_always void tell(struct tcp_sock *tcp, struct member *m, __u8 kind, __u16 error, __u8 times)
{
	struct event *e = ring_reserve(&catherd_events, sizeof(*e), 0);

	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	e->at = now_ns();
	e->member = m->address;
	e->port = m->port;
	e->local_port = net16(tcp->inet_conn.icsk_inet.inet_sport);
	e->error = error;
	e->kind = kind;
	e->times = times;
	ring_submit(e, 0);
}

SEC("tp_btf/inet_sock_set_state")
int catherd_state(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int from = (int)ctx[1], to = (int)ctx[2];
	int ended = to == STATE_CLOSE_WAIT && from == STATE_ESTABLISHED;
	struct member m = {};
	struct tcp_sock *tcp;
	int error;

	if (!ended && to != STATE_CLOSE)
		return 0;
	error = sk->sk_err;
	/* Our own closing leaves no error behind, an end from outside does. */
	if ((!ended && !error) || !peer(sk, &m))
		return 0;
	tcp = to_tcp_sock(sk);
	if (!tcp)
		return 0;
	if (ended)
		tell(tcp, &m, CLOSED, 0, 0);
	else if (from == STATE_SYN_SENT)
		tell(tcp, &m, error == ERR_CONNREFUSED ? REFUSED : UNREACHABLE, error, 0);
	else if (error != ERR_CONNRESET && error != ERR_PIPE) /* those have been told as resets */
		tell(tcp, &m, LOST, error, 0);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int catherd_reset(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct member m = {};
	struct tcp_sock *tcp;

	/* In this state it is a refusal, told when the socket closes. */
	if (sk->__sk_common.skc_state == STATE_SYN_SENT || !peer(sk, &m))
		return 0;
	tcp = to_tcp_sock(sk);
	if (tcp)
		tell(tcp, &m, RESET, 0, 0);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int catherd_again(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct member m = {};
	struct tcp_sock *tcp;
	__u8 times;

	if (!peer(sk, &m))
		return 0;
	tcp = to_tcp_sock(sk);
	if (!tcp)
		return 0;
	times = tcp->inet_conn.icsk_retransmits;
	if (sk->__sk_common.skc_state == STATE_SYN_SENT)
		tell(tcp, &m, SYN_AGAIN, 0, times);
	else if (times) /* else lost segments are repaired without waiting: no sign of death */
		tell(tcp, &m, TIMEOUT, 0, times);
	return 0;
}
