package main

import (
	"context"
	"os"
	"slices"
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
	return pick(s, word, func(p, m string) bool { return s.Member(p, m) != nil })
}

// findAsked is find, and finds a member as well that is not there while an
// operator's word waits for it.
func findAsked(s *admin.Status, word string) (pool, member string, err error) {
	return pick(s, word, func(p, m string) bool {
		return s.Member(p, m) != nil || slices.ContainsFunc(absent(s), func(a asked) bool { return a == asked{p, m} })
	})
}

// pick finds the one of those that are known.
func pick(s *admin.Status, word string, known func(pool, member string) bool) (pool, member string, err error) {
	if p, m, ok := strings.Cut(word, "/"); ok {
		if !known(p, m) {
			return "", "", unknownMember(s, word)
		}
		return p, m, nil
	}
	var pools []string
	for i := range s.Pools {
		if p := s.Pools[i].Name; known(p, word) {
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

// asked is a member that an operator's word is about.
type asked struct{ pool, member string }

// absent lists the members that are not there while an operator's word waits
// for them: found ones that have gone.
func absent(s *admin.Status) (out []asked) {
	for _, o := range s.Overrides {
		a := asked{o.Pool, o.Member}
		if s.Member(o.Pool, o.Member) == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func unknownMember(s *admin.Status, word string) error {
	var names []string
	for _, p := range s.Pools {
		for _, m := range p.Members {
			names = append(names, p.Name+"/"+m.Name)
		}
	}
	if len(names) == 0 {
		return failed("there is no member %q: there are none at all", word)
	}
	return failed("there is no member %q: members are %s", word, strings.Join(names, ", "))
}
