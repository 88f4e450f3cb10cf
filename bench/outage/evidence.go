package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/catherd/catherd/bench/catalina"
)

// logWait is longer than Catherd holds access lines back (200 ms).
const logWait = time.Second

// words are the lines of the front's access log that name one of the requests; there are
// none of fronts that write none. A request that is still with a frozen member has no
// line yet, so some may be missing.
func (f *front) words(ctx context.Context, ids []string) (found []string) {
	if f.name != catherd || len(ids) == 0 {
		return nil
	}
	err := catalina.Poll(ctx, logWait, func() (err error) {
		found, err = grep(f.file("access.log"), ids)
		if err == nil && len(found) < len(ids) {
			err = fmt.Errorf("%d of %d requests are in the access log", len(found), len(ids))
		}
		return err
	})
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}

// grep returns the lines of a file that contain one of the words.
func grep(name string, words []string) (found []string, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	for in.Scan() {
		for _, word := range words {
			if strings.Contains(in.Text(), word) {
				found = append(found, in.Text())
				break
			}
		}
	}
	return found, in.Err()
}

// event is a line of Catherd's log about a member.
type event struct {
	at                   time.Time
	what, member, reason string
}

// events reads what Catherd has logged about its members; nothing of other fronts.
func (f *front) events() (events []event, err error) {
	if f.name != catherd {
		return nil, nil
	}
	file, err := os.Open(f.file("output"))
	if err != nil {
		return nil, fmt.Errorf("read catherd's log: %v", err)
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	for in.Scan() {
		var line struct {
			Time                time.Time
			Msg, Member, Reason string
		}
		// A line that is no JSON (a panic) is nothing about a member.
		if json.Unmarshal(in.Bytes(), &line) == nil && line.Member != "" {
			events = append(events, event{line.Time, line.Msg, line.Member, line.Reason})
		}
	}
	return events, in.Err()
}
