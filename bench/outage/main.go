package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	catherd  string
	tomcat   string
	schedule string
	front    string
	discover bool
	alone    bool
	rounds   int
	rate     int           // requests a second
	sessions int           // browsers; 0: chosen by schedule and rate
	settle   time.Duration // from the return of a member to the next disturbance
	freezes  []time.Duration
	logs     string // folder that keeps the logs; "" for none
}

func main() {
	var s settings
	flag.StringVar(&s.catherd, "catherd", "bin/catherd", "the Catherd `program`")
	flag.StringVar(&s.tomcat, "tomcat", "10.1.34", "`release` of the Tomcats")
	flag.StringVar(&s.schedule, "schedule", "stop", "what happens to the members: "+strings.Join(schedules, ", "))
	flag.StringVar(&s.front, "front", "catherd", "the balancer: "+strings.Join(frontNames(), ", "))
	flag.BoolVar(&s.discover, "discover", false, "Catherd is told the multicast group and no member")
	flag.BoolVar(&s.alone, "alone", false, "the Tomcats form no cluster: what the front alone makes users wait")
	flag.IntVar(&s.rounds, "rounds", 20, "how often")
	flag.IntVar(&s.rate, "rate", 500, "requests a second")
	flag.IntVar(&s.sessions, "sessions", 0, "browsers with a session each; 0: 2000 for rolling, else by the rate")
	flag.DurationVar(&s.settle, "settle", 0, "from the return of a member to what happens next; 0: 3s, for rolling until all have asked")
	flag.StringVar(&s.logs, "logs", "", "`folder` that keeps the logs of balancer and Tomcats")
	flag.Parse()
	s.freezes = []time.Duration{2 * time.Second, 8 * time.Second, 30 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	broken, err := run(ctx, os.Stdout, s)
	if err != nil {
		fmt.Fprintf(os.Stderr, "outage: %v\n", err)
	}
	if err != nil || broken > 0 {
		os.Exit(1)
	}
}

// check completes the settings and refuses what makes no sense.
func (s *settings) check() error {
	if !known(schedules, s.schedule) {
		return fmt.Errorf("schedule %q: known are %s", s.schedule, strings.Join(schedules, ", "))
	}
	if !known(frontNames(), s.front) {
		return fmt.Errorf("front %q: known are %s", s.front, strings.Join(frontNames(), ", "))
	}
	if s.rounds < 1 || s.rounds > 1000 || s.rate < 1 || s.rate > 5000 || s.sessions < 0 || s.sessions > 20_000 {
		return fmt.Errorf("%d rounds, %d requests/s, %d sessions: up to 1000, 5000 and 20000 are run", s.rounds, s.rate, s.sessions)
	}
	if s.discover && s.front != catherd {
		return fmt.Errorf("-discover: only for -front %s", catherd)
	}
	if s.discover && s.alone {
		return fmt.Errorf("-discover with -alone: without a cluster nobody is heard")
	}
	if s.sessions == 0 {
		s.sessions = max(200, s.rate)
		if s.schedule == "rolling" {
			s.sessions = 2000
		}
	}
	if s.settle == 0 {
		s.settle = 3 * time.Second
		if s.schedule == "rolling" {
			s.settle = max(s.settle, s.turn()*6/5)
		}
	}
	return nil
}

// turn is how long it takes until every browser has asked once. A rolling restart waits
// for that between two members: a session that nobody has asked for lies on the node that
// took it over, while its cookie still names the one that came back. If its node stops in
// the moment in which it is asked for, Tomcat begins a new one, whatever stands in front.
func (s *settings) turn() time.Duration {
	return time.Duration(float64(s.sessions) / (float64(s.rate) * sessionShare) * float64(time.Second))
}

func known(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}
