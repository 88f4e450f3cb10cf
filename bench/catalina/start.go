package catalina

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// startPatience bounds Start; about 3 s is normal, a busy machine takes 20.
const startPatience = 60 * time.Second

// The exchange every AJP/1.3 container must know (CPING, CPONG; Tomcat's
// org.apache.coyote.ajp.Constants JK_AJP13_CPING_REQUEST and JK_AJP13_CPONG_REPLY).
var (
	cping = []byte{0x12, 0x34, 0x00, 0x01, 0x0a}
	cpong = []byte{0x41, 0x42, 0x00, 0x01, 0x09}
)

// Start runs the JVM and returns when a CPING over AJP and a page over HTTP are
// answered. After an error nothing runs. A killed or stopped Tomcat can be started again.
func (t *Tomcat) Start(ctx context.Context) error {
	select {
	case <-t.Gone(): // somebody else killed it
	default:
		if t.run != nil {
			return fmt.Errorf("start %s: runs already as process %d", t.Name, t.run.PID)
		}
	}
	cmd, err := t.command()
	if err != nil {
		return fmt.Errorf("start %s: %v", t.Name, err)
	}
	log, err := os.OpenFile(t.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %v", t.Name, err)
	}
	defer log.Close() // the child has its own descriptor
	cmd.Stdout, cmd.Stderr = log, log
	if t.run, err = Launch(cmd); err != nil {
		t.run = nil
		return fmt.Errorf("start %s: %v", t.Name, err)
	}
	if err := t.await(ctx); err != nil {
		t.Kill()
		return fmt.Errorf("start %s (tomcat %s): %v; its log ends:\n%s", t.Name, t.Version, err, t.tail())
	}
	return nil
}

// await polls until the server answers, the process ends, or patience does.
func (t *Tomcat) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		if !t.NoAJP {
			last = Ping(ctx, t.AJPAddr())
		}
		if t.NoAJP || last == nil {
			last = t.probeHTTP(ctx)
			if last == nil || errors.As(last, new(*statusError)) {
				return last // a page that is broken stays broken
			}
		}
		select {
		case <-t.run.done:
			return fmt.Errorf("the process ended: %v", t.run.err)
		case <-ctx.Done():
			return fmt.Errorf("%v; last answer: %v", ctx.Err(), last)
		case <-tick.C:
		}
	}
}

// probeHTTP asks for a page, which also makes the container compile its first JSP.
func (t *Tomcat) probeHTTP(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL("status.jsp"), nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &statusError{code: resp.StatusCode}
	}
	return nil
}

// statusError is an answer that was given and is not 200.
type statusError struct{ code int }

func (e *statusError) Error() string { return fmt.Sprintf("GET status.jsp: status %d", e.code) }

// Ping sends one CPING on a connection of its own and expects the CPONG. The context
// bounds it; without a deadline there it waits at most five seconds, because a Tomcat
// that is still deploying accepts and stays silent.
func Ping(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline() // set above
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.Write(cping); err != nil {
		return err
	}
	answer := make([]byte, len(cpong))
	if _, err := io.ReadFull(c, answer); err != nil {
		return fmt.Errorf("ping %s: %v", addr, err)
	}
	if !bytes.Equal(answer, cpong) {
		return fmt.Errorf("ping %s: answer % x is no CPONG", addr, answer)
	}
	return nil
}

// tail is the end of the log without stack frames, for messages.
func (t *Tomcat) tail() string {
	var lines []string
	for line := range strings.Lines(t.Log()) {
		if !strings.HasPrefix(strings.TrimSpace(line), "at ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-40):], "")
}
