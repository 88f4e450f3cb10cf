package catalina

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopPatience is how long a Tomcat may take to leave after the shutdown word.
const stopPatience = 20 * time.Second

// Tomcat is one server. Its methods are for one goroutine, except Log and Ledger.
type Tomcat struct {
	Options
	home      string
	temporary bool
	run       *Process // nil: never started, or ended by us
}

// AJPAddr is host:port of the AJP connector.
func (t *Tomcat) AJPAddr() string { return net.JoinHostPort(t.Address, strconv.Itoa(t.AJP)) }

// HTTPAddr is host:port of the HTTP connector.
func (t *Tomcat) HTTPAddr() string { return net.JoinHostPort(t.Address, strconv.Itoa(t.HTTP)) }

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// URL is the address of a page of the application over plain HTTP: URL("counter.jsp").
func (t *Tomcat) URL(page string) string { return "http://" + t.HTTPAddr() + "/app/" + page }

// PID of the JVM, 0 when it does not run.
func (t *Tomcat) PID() int {
	if t.run == nil {
		return 0
	}
	return t.run.PID
}

// Gone is closed when the JVM that was started last has ended, whoever ended it. Nil
// when none runs.
func (t *Tomcat) Gone() <-chan struct{} {
	if t.run == nil {
		return nil
	}
	return t.run.done
}

// Log is everything the JVM has written, of all its runs.
func (t *Tomcat) Log() string {
	b, err := os.ReadFile(t.logFile())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (t *Tomcat) logFile() string { return filepath.Join(t.Dir, "logs", "catalina.out") }

func (t *Tomcat) ledgerFile() string { return filepath.Join(t.Dir, "ledger") }

// Ledger lists the X-Request-Id of every POST the application has begun to process, in
// order, over all runs: it survives Kill.
func (t *Tomcat) Ledger() ([]string, error) {
	b, err := os.ReadFile(t.ledgerFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ledger: %v", err)
	}
	return strings.Fields(string(b)), nil
}

// Stop asks the server to leave through its shutdown port and waits; one that has not
// left after 20 seconds is killed and that is returned as an error.
func (t *Tomcat) Stop() error {
	p := t.run
	if p == nil {
		return nil
	}
	c, err := net.DialTimeout("tcp", address(t.Shutdown), 5*time.Second)
	if err == nil {
		_, err = c.Write([]byte("SHUTDOWN"))
		c.Close()
	}
	if err != nil {
		t.Kill()
		return fmt.Errorf("stop %s: %v; killed", t.Name, err)
	}
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-p.done:
		t.run = nil
		return nil
	case <-timer.C:
		t.Kill()
		return fmt.Errorf("stop %s: still there after %v; killed", t.Name, stopPatience)
	}
}

// Kill is kill -9: the kernel closes the connections, nobody says goodbye to the
// cluster. It returns when the process is gone.
func (t *Tomcat) Kill() {
	if t.run != nil {
		t.run.Signal(syscall.SIGKILL)
		<-t.run.done
		t.run = nil
	}
}

// Pause freezes the JVM (SIGSTOP): connections stay, new ones are accepted by the
// kernel, nothing is answered. Resume ends it. It returns when every thread has
// stopped: one that runs when the signal is sent goes on until it is looked at.
func (t *Tomcat) Pause() error {
	if err := t.send(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := Poll(context.Background(), pausePatience, func() error { return stopped(t.run.PID) }); err != nil {
		return fmt.Errorf("pause %s: %v", t.Name, err)
	}
	return nil
}

// pausePatience is how long the threads may take to stop.
const pausePatience = 10 * time.Second

// stopped says which thread of a process still runs, proc(5) stat: the state
// follows the name, which is in parentheses and may hold anything.
func stopped(pid int) error {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(stats) == 0 {
		return fmt.Errorf("look at threads of process %d: there are none", pid)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		if _, state, ok := strings.Cut(string(text), ") "); !ok || !strings.HasPrefix(state, "T") {
			return fmt.Errorf("thread %s has not stopped", filepath.Base(filepath.Dir(path)))
		}
	}
	return nil
}

// Resume lets a paused JVM go on (SIGCONT).
func (t *Tomcat) Resume() error { return t.send(syscall.SIGCONT) }

func (t *Tomcat) send(s syscall.Signal) error {
	if t.run == nil {
		return fmt.Errorf("signal %s to %s: not running", s, t.Name)
	}
	if err := t.run.Signal(s); err != nil {
		return fmt.Errorf("signal %s to %s: %v", s, t.Name, err)
	}
	return nil
}

// Close kills the server if it runs and removes a temporary CATALINA_BASE.
func (t *Tomcat) Close() {
	t.Kill()
	if t.temporary {
		os.RemoveAll(t.Dir)
	}
}
