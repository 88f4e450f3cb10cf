// Prepare brings a machine to where the end-to-end tests can run: Debian packages that
// are missing (as root), and every Tomcat release in the cache. `make test` calls it; it
// does nothing, quickly, when all is there.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/catherd/catherd/bench/catalina"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prepare(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "prepare: %v\n", err)
		os.Exit(1)
	}
}

func prepare(ctx context.Context) error {
	if err := catalina.Install(ctx, os.Stderr, catalina.TestNeeds); err != nil {
		return err
	}
	for _, version := range append([]string{catalina.Debian}, catalina.Versions...) {
		if _, err := catalina.Fetch(version); err != nil {
			return err
		}
	}
	return nil
}
