package catalina

import (
	"context"
	"errors"
	"sync"
)

// StartPair starts two clustered Tomcats, tomcat1 and tomcat2, that differ in nothing
// else. Ports and Dir of o are ignored: each gets its own. Without o.Multicast the pair
// has a group of its own, so that pairs can run side by side. The caller closes both.
// When it returns they know each other: a session made now is copied to the other.
func StartPair(ctx context.Context, o Options) ([2]*Tomcat, error) {
	var pair [2]*Tomcat
	o.Cluster = true
	o.HTTP, o.AJP, o.Shutdown, o.Receiver, o.Dir = 0, 0, 0, 0, ""
	if o.Multicast == (Multicast{}) {
		group, err := FreeGroup()
		if err != nil {
			return pair, err
		}
		o.Multicast = group
	}
	for i, name := range []string{"tomcat1", "tomcat2"} {
		o.Name = name
		t, err := New(o)
		if err != nil {
			closeAll(pair[:i])
			return [2]*Tomcat{}, err
		}
		pair[i] = t
	}
	if err := StartAll(ctx, pair[:]...); err != nil {
		closeAll(pair[:])
		return [2]*Tomcat{}, err
	}
	return pair, nil
}

// StartAll starts several Tomcats at once. A Tomcat listens for members for two seconds
// before it deploys, so those that start together know each other when it returns.
// After an error some may run; the caller closes them.
func StartAll(ctx context.Context, tomcats ...*Tomcat) error {
	errs := make([]error, len(tomcats))
	var starting sync.WaitGroup
	for i, t := range tomcats {
		starting.Go(func() { errs[i] = t.Start(ctx) })
	}
	starting.Wait()
	return errors.Join(errs...)
}

func closeAll(tomcats []*Tomcat) {
	for _, t := range tomcats {
		t.Close()
	}
}
