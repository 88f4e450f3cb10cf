package catalina

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// Process is a running child and its collector.
type Process struct {
	PID  int
	cmd  *exec.Cmd
	done chan struct{} // closed when the process was collected; then err is set
	err  error
}

// Done is closed when the process has ended and was collected.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended, nil for exit status 0; valid once Done is closed.
func (p *Process) Err() error { return p.err }

// Signal sends a signal to the process itself, not to its group.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Launch starts a command in a process group of its own, so that a Ctrl-C on the
// terminal is the caller's to translate, and sees to it that it dies with us.
// PR_SET_PDEATHSIG fires when the *thread* that forked ends, so a goroutine locked to its
// thread forks and stays to collect; it ends with the child.
func Launch(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.PID = cmd.Process.Pid
	return p, nil
}

// command is what bin/catalina.sh would run, without the shell in between, so that a
// signal reaches the JVM itself.
func (t *Tomcat) command() (*exec.Cmd, error) {
	java, err := findJava()
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(t.home, "bin")
	classpath := filepath.Join(bin, "bootstrap.jar") + ":" + filepath.Join(bin, "tomcat-juli.jar")
	args := []string{
		"-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Djava.net.preferIPv4Stack=true", "-Djava.security.egd=file:/dev/./urandom",
		"-Djava.util.logging.config.file=" + filepath.Join(t.Dir, "conf", "logging.properties"),
		"-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
		"-Dcatalina.home=" + t.home, "-Dcatalina.base=" + t.Dir,
		"-Djava.io.tmpdir=" + filepath.Join(t.Dir, "temp"),
		// The doors catalina.sh opens: replication of session attributes needs them
		// where the container reflects into JDK classes.
		"--add-opens=java.base/java.lang=ALL-UNNAMED",
		"--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
		"--add-opens=java.base/java.io=ALL-UNNAMED",
		"--add-opens=java.base/java.util=ALL-UNNAMED",
		"--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
		"--add-opens=java.rmi/sun.rmi.transport=ALL-UNNAMED",
	}
	args = append(args, t.JVMArgs...)
	args = append(args, "-cp", classpath, "org.apache.catalina.startup.Bootstrap", "start")
	cmd := exec.Command(java, args...)
	cmd.Dir = t.Dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"} // no CLASSPATH or JAVA_OPTS of the caller
	return cmd, nil
}

// findJava prefers $JAVA_HOME to the PATH.
func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java := filepath.Join(home, "bin", "java")
		if _, err := os.Stat(java); err == nil {
			return java, nil
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("find java: %v (install default-jre-headless)", err)
	}
	return java, nil
}
