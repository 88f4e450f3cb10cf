package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// guide prints the addresses and what to try.
func guide(out io.Writer, f *farm, p *front, program string) {
	cli := program
	flag := ""
	if p.socket != "" {
		flag = " --socket " + p.socket
	}
	fmt.Fprintf(out, `
Catherd serves   %s/app/counter.jsp
its own status   http://%s/api/v1/status
configuration    %s
log              %s
`, p.url, p.admin, p.config, p.log)
	for _, n := range f.nodes {
		fmt.Fprintf(out, "%-17s%s (AJP), http://%s/app/counter.jsp\n", n.name(), n.ajp(), n.http())
	}
	fmt.Fprintf(out, `
Try, in another terminal:

  # one browser: the counter rises, the node stays
  curl -b /tmp/jar -c /tmp/jar %[1]s/app/counter.jsp

  # kill the node it named, then ask again: the other one goes on counting
`, p.url)
	for _, n := range f.nodes {
		fmt.Fprintf(out, "  %-40s # %s\n", n.howToKill(), n.name())
	}
	fmt.Fprintf(out, `
  # look, and take a node out without hurting anybody
  %[1]s status%[2]s
  %[1]s drain%[2]s tomcat1 --for 5m --reason "trying it out"
  %[1]s ready%[2]s tomcat1

Ctrl-C stops everything.
`, cli, flag)
}

// comeBack is after how long a dead node is started again.
const comeBack = 15 * time.Second

// watch waits for Ctrl-C, reports nodes that die, and starts them again.
func watch(ctx context.Context, out io.Writer, f *farm, p *front) error {
	dead := make(map[node]bool)
	timer := time.NewTimer(comeBack)
	timer.Stop()
	defer timer.Stop()
	// A node known to be dead must not be reported again: its channel stays closed.
	gone := func(i int) <-chan struct{} {
		if dead[f.nodes[i]] {
			return nil
		}
		return f.nodes[i].gone()
	}
	report := func(n node) {
		dead[n] = true
		fmt.Fprintf(out, "%s is gone; it will be started again in %v\n", n.name(), comeBack)
		timer.Reset(comeBack)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.run.Done():
			return fmt.Errorf("catherd ended: %v", p.run.Err())
		case <-gone(0):
			report(f.nodes[0])
		case <-gone(1):
			report(f.nodes[1])
		case <-timer.C:
			for n := range dead {
				if err := n.start(ctx); err != nil {
					return stopped(ctx, err)
				}
				delete(dead, n)
				fmt.Fprintf(out, "%s is back: %s\n", n.name(), n.howToKill())
			}
		}
	}
}
