package catalina

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Need is something the tests or the demo want on the machine: there when Path exists
// or Command is in the PATH, otherwise brought by a Debian package.
type Need struct{ Command, Path, Package string }

// DemoNeeds are what the demo wants, TestNeeds what `make test` wants.
var (
	DemoNeeds = []Need{
		{Command: "java", Package: "default-jre-headless"},
		{Path: debianHome + "/bin/bootstrap.jar", Package: "tomcat10"},
	}
	TestNeeds = append([]Need{
		{Command: "mvn", Package: "maven"},
		{Command: "curl", Package: "curl"},
		{Command: "ip", Package: "iproute2"},
	}, DemoNeeds...)
)

func (n Need) met() bool {
	if n.Path != "" {
		_, err := os.Stat(n.Path)
		return err == nil
	}
	_, err := exec.LookPath(n.Command)
	return err == nil
}

// Install brings what is missing with apt-get, which takes root on Debian; anywhere
// else a missing thing is an error that names the packages. Progress goes to w. No
// service is started by the installation.
func Install(ctx context.Context, w io.Writer, needs []Need) error {
	var missing []string
	for _, n := range needs {
		if !n.met() {
			missing = append(missing, n.Package)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, " ")
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		return fmt.Errorf("install %s: this is no Debian", list)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("install %s: not root (apt-get install %s)", list, list)
	}
	fmt.Fprintf(w, "installing %s\n", list)
	restore, err := forbidServices(policyFile)
	if err != nil {
		return err
	}
	install := append([]string{"install", "-y", "-q", "--no-install-recommends"}, missing...)
	err = apt(ctx, install)
	if err != nil { // a fresh image has no package lists
		if err = apt(ctx, []string{"update", "-q"}); err == nil {
			err = apt(ctx, install)
		}
	}
	return errors.Join(err, restore())
}

// policyFile is asked by Debian's invoke-rc.d before it starts a service; exit status
// 101 means "forbidden". tomcat10 would otherwise take port 8080 at once.
const policyFile = "/usr/sbin/policy-rc.d"

// forbidServices puts the policy in place unless the machine has one of its own, and
// returns what takes exactly that away again.
func forbidServices(path string) (restore func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, os.ErrExist) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("forbid service starts: %v", err)
	}
	_, err = f.WriteString("#!/bin/sh\nexit 101\n")
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
		return nil, fmt.Errorf("forbid service starts: %v", err)
	}
	return func() error { return os.Remove(path) }, nil
}

func apt(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	output, err := cmd.CombinedOutput()
	if err != nil {
		lines := bytes.Split(bytes.TrimSpace(output), []byte("\n"))
		return fmt.Errorf("apt-get %s: %v\n%s", args[0], err, bytes.Join(lines[max(0, len(lines)-8):], []byte("\n")))
	}
	return nil
}
