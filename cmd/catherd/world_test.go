package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bench/freeport"
	"github.com/catherd/catherd/bench/tomcat"
	"github.com/catherd/catherd/controlplane/admin"
)

type worldKey struct{}

// world is what a script has around the program: two pretend Tomcats that share
// their sessions, free addresses, and a browser.
type world struct {
	free     []string
	sessions *tomcat.Sessions
	running  map[string]*tomcat.Server
	browser  *http.Client
	group    string
	hearts   map[string]*heart
}

func newWorld() (*world, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	w := &world{hearts: map[string]*heart{}, sessions: tomcat.NewSessions(), running: map[string]*tomcat.Server{}, browser: &http.Client{
		Jar: jar, Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if w.free, err = freeAddresses(5); err != nil {
		return nil, err
	}
	w.group, err = ownGroup()
	return w, err
}

// freeAddresses finds addresses that nobody listens on. Their host is one of
// 127.0.0.0/8 that nobody else uses, so that no test meets another's server.
func freeAddresses(n int) ([]string, error) {
	return freeport.Addresses(fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250)), n)
}

func (w *world) close() {
	for _, h := range w.hearts {
		h.stop()
	}
	for _, s := range w.running {
		s.Close()
	}
}

func (w *world) start(route, address string) error {
	s, err := tomcat.Start(tomcat.Options{Route: route, AJP: address, Sessions: w.sessions})
	if err == nil {
		w.running[route] = s
	}
	return err
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// scriptCommands are the words of the scripts besides those of testscript.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	// tomcats starts tomcat1 at $T1 and tomcat2 at $T2, or only the named one.
	"tomcats": func(ts *testscript.TestScript, _ bool, args []string) {
		w := worldOf(ts)
		for i, route := range []string{"tomcat1", "tomcat2"} {
			if len(args) == 0 || args[0] == route {
				ts.Check(w.start(route, w.free[3+i]))
			}
		}
	},
	// kill-tomcat NAME is kill -9.
	"kill-tomcat": func(ts *testscript.TestScript, _ bool, args []string) {
		worldOf(ts).running[args[0]].Close()
	},
	// heart NAME RECEIVER lets a node be heard in $GROUP from now on.
	"heart": func(ts *testscript.TestScript, _ bool, args []string) {
		w := worldOf(ts)
		h, err := newHeart(w.group, args[1])
		ts.Check(err)
		w.hearts[args[0]] = h
	},
	// leave NAME is a planned stop of it: one datagram, and silence.
	"leave": func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(worldOf(ts).hearts[args[0]].leave())
	},
	// get URL [NAME=VALUE cookie] prints the status and the body; "! get" wants no answer.
	"get": func(ts *testscript.TestScript, neg bool, args []string) {
		req, err := http.NewRequest(http.MethodGet, args[0], nil)
		ts.Check(err)
		if len(args) > 1 {
			req.Header.Set("Cookie", args[1])
		}
		resp, err := worldOf(ts).browser.Do(req)
		if neg {
			if err == nil {
				resp.Body.Close()
				ts.Fatalf("%s answered %s", args[0], resp.Status)
			}
			return
		}
		ts.Check(err)
		defer resp.Body.Close()
		fmt.Fprintln(ts.Stdout(), resp.Status)
		_, err = io.Copy(ts.Stdout(), resp.Body)
		ts.Check(err)
	},
	// served URL waits until it is answered with 200: a status may know of a
	// member a moment before the table in use does.
	"served": func(ts *testscript.TestScript, _ bool, args []string) {
		last := ""
		for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			resp, err := worldOf(ts).browser.Get(args[0])
			if err != nil {
				last = err.Error()
				continue
			}
			resp.Body.Close()
			if last = resp.Status; resp.StatusCode == http.StatusOK {
				return
			}
		}
		ts.Fatalf("%s: last was %s", args[0], last)
	},
	// await WORD waits until the status at $SOCKET contains the word; without
	// one, until there is a status with every member probed.
	"await": func(ts *testscript.TestScript, _ bool, args []string) {
		last := ""
		for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			s, text, err := statusAt(ts.Getenv("SOCKET"))
			if err != nil {
				last = err.Error()
				continue
			}
			if last = text; len(args) == 0 && !checking(s) || len(args) > 0 && strings.Contains(text, args[0]) {
				return
			}
		}
		ts.Fatalf("waited for %q; last was %s", args, last)
	},
	// signal NAME sends a signal to the one program in the background.
	"signal": func(ts *testscript.TestScript, _ bool, args []string) {
		s, ok := map[string]os.Signal{"TERM": unix.SIGTERM, "INT": unix.SIGINT, "HUP": unix.SIGHUP, "USR1": unix.SIGUSR1}[args[0]]
		if n := len(ts.BackgroundCmds()); !ok || n != 1 {
			ts.Fatalf("signal %s: known %t, %d programs in the background", args[0], ok, n)
		}
		ts.Check(ts.BackgroundCmds()[0].Process.Signal(s))
	},
	// until FILE TEXT waits until the file has the text.
	"until": func(ts *testscript.TestScript, _ bool, args []string) {
		for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(data), args[1]) {
				return
			}
		}
		ts.Fatalf("%s has no %q:\n%s", args[0], args[1], ts.ReadFile(args[0]))
	},
	// code N ARGS... runs the program and wants that exit code.
	"code": func(ts *testscript.TestScript, _ bool, args []string) {
		err := ts.Exec("catherd", args[1:]...)
		got := "0"
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "exit status ")
		}
		if got != args[0] {
			ts.Fatalf("catherd %s: exit code %s, want %s", strings.Join(args[1:], " "), got, args[0])
		}
	},
	// replace FILE OLD NEW changes a file.
	"replace": func(ts *testscript.TestScript, _ bool, args []string) {
		text := ts.ReadFile(args[0])
		if !strings.Contains(text, args[1]) {
			ts.Fatalf("%s has no %q", args[0], args[1])
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o644))
	},
}

// statusAt asks a socket for the status.
func statusAt(socket string) (*admin.Status, string, error) {
	e := &env{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }, socket: socket}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, s, err := ask(ctx, e)
	if err != nil {
		return nil, "", err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	return s, string(text), err
}
