package main

import (
	"context"
	"os"
	"strings"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/config"
)

// dial prepares a client of the running process; the connection is made by the
// first question.
func dial(e *env) (*admin.Client, error) {
	socket := e.socket
	if socket == "" {
		socket = e.getenv("CATHERD_SOCKET")
	}
	if socket == "" && e.config != "" {
		cfg, problems := config.LoadFile(e.config)
		if cfg == nil {
			_ = problems.Format(e.stderr, e.color())
			return nil, misused("-c %q names no socket: correct the file, or use --socket", e.config)
		}
		if socket = cfg.Admin.Socket; socket == none {
			return nil, misused("%s has admin.socket: none, so nothing can be asked", e.config)
		}
	}
	if socket == "" {
		socket = defaultSocket
		// The installed one comes first; without it, the user's own.
		if own := userSocket(e.getenv); own != "" && !exists(defaultSocket) && exists(own) {
			socket = own
		}
	}
	return admin.NewClient(socket), nil
}

// ask is dial with the first question of most verbs: what runs.
func ask(ctx context.Context, e *env) (*admin.Client, *admin.Status, error) {
	c, err := dial(e)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.Status(ctx)
	if err != nil {
		return nil, nil, err
	}
	return c, s, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// find finds the member that a word means: pool/member, or a member's name
// when only one pool has it.
func find(s *admin.Status, word string) (pool, member string, err error) {
	if p, m, ok := strings.Cut(word, "/"); ok {
		if s.Member(p, m) == nil {
			return "", "", unknownMember(s, word)
		}
		return p, m, nil
	}
	var pools []string
	for i := range s.Pools {
		if p := s.Pools[i].Name; s.Member(p, word) != nil {
			pools = append(pools, p+"/"+word)
			pool = p
		}
	}
	switch len(pools) {
	case 1:
		return pool, word, nil
	case 0:
		return "", "", unknownMember(s, word)
	default:
		return "", "", misused("member %q is in several pools: say which: %s", word, strings.Join(pools, ", "))
	}
}

func unknownMember(s *admin.Status, word string) error {
	var names []string
	for _, p := range s.Pools {
		for _, m := range p.Members {
			names = append(names, p.Name+"/"+m.Name)
		}
	}
	return failed("there is no member %q: members are %s", word, strings.Join(names, ", "))
}
