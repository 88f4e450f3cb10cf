package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/steering"
)

// options are the flags.
type options struct {
	rate        float64 // clients in a second
	rounds      int
	seconds     float64 // a round
	busy, every time.Duration
	spin        bool
	serve       string // the mode of the steering: this process is the balancer
}

func parse(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("accept", flag.ContinueOnError)
	f.SetOutput(out)
	f.Float64Var(&o.rate, "rate", 1000, "clients in a second")
	f.IntVar(&o.rounds, "rounds", 3, "rounds of each kind")
	f.Float64Var(&o.seconds, "seconds", 5, "length of a round")
	f.DurationVar(&o.busy, "busy", 50*time.Millisecond, "how long a loop is held up at a time")
	f.DurationVar(&o.every, "every", 100*time.Millisecond, "how often that begins")
	f.BoolVar(&o.spin, "spin", false, "have it compute meanwhile, and not sleep")
	f.StringVar(&o.serve, "serve", "", "used by the program itself")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.rate <= 0 || o.rounds <= 0 || o.seconds <= 0 || o.busy < 0 || o.every <= 0 || f.NArg() > 0 {
		return o, fmt.Errorf("numbers must be positive, and there are no arguments but flags")
	}
	return o, nil
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "accept:", err)
		os.Exit(2)
	}
	if o.serve != "" {
		// As cmd/catherd has it: room beside the loops.
		runtime.GOMAXPROCS(loops + 2)
		if err := serve(o, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "accept:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx, o, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "accept:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run does all rounds and says whether the promise is kept.
func run(ctx context.Context, o options, args []string, out io.Writer) (ok bool, err error) {
	kinds := []struct{ name, mode string }{{"hash", steering.Never}, {"least-loaded", steering.Require}}
	rounds := make([][]figures, len(kinds))
	fmt.Fprintf(out, "one of %d loops held up for %s every %s, %.0f clients/s\n%s", loops, o.busy, o.every, o.rate, head)
	for i := range o.rounds {
		for k, kind := range kinds {
			random := rand.New(rand.NewPCG(uint64(i), 0)) // the same clients for both
			f, err := round(ctx, o, append(args, "-serve", kind.mode), random)
			if err != nil {
				return false, fmt.Errorf("%s: %v", kind.name, err)
			}
			f.line(out, kind.name)
			rounds[k] = append(rounds[k], f)
		}
	}
	fmt.Fprint(out, "medians\n")
	hash, steered := medians(rounds[0]), medians(rounds[1])
	hash.line(out, kinds[0].name)
	steered.line(out, kinds[1].name)
	return judge(out, hash, steered), nil
}

// round starts a balancer and has clients come to it.
func round(ctx context.Context, o options, args []string, random *rand.Rand) (figures, error) {
	self, err := os.Executable()
	if err != nil {
		return figures{}, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return figures{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return figures{}, err
	}
	if err := cmd.Start(); err != nil {
		return figures{}, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		f := arrive(ctx, strings.TrimSpace(addr), o.rate, time.Duration(o.seconds*float64(time.Second)), random)
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			return f, err
		}
		return f, ctx.Err()
	}
	_ = in.Close()
	_ = cmd.Wait()
	return figures{}, fmt.Errorf("the balancer did not start")
}
