package catalina

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// obtain puts the release archive of a version at path: from the user's own cache,
// which outlives a checkout, or from the Maven registry.
func obtain(version, path string) error {
	name := "tomcat-" + version + ".tar.gz"
	if user, err := os.UserCacheDir(); err == nil {
		if copyFile(filepath.Join(user, "catherd", "tomcat", name), path) == nil {
			return nil
		}
	}
	tmp, err := os.MkdirTemp(filepath.Dir(path), ".fetch-")
	if err != nil {
		return fmt.Errorf("fetch tomcat %s: %v", version, err)
	}
	defer os.RemoveAll(tmp)
	// A plain batch run of the client: it checks the registry's checksums itself.
	cmd := exec.Command("mvn", "-q", "-B", "dependency:copy",
		"-Dartifact=org.apache.tomcat:tomcat:"+version+":tar.gz", "-DoutputDirectory="+tmp)
	cmd.Dir = tmp // no project file of ours may take part
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fetch tomcat %s with mvn: %v\n%s", version, err, bytes.TrimSpace(output.Bytes()))
	}
	if err := os.Rename(filepath.Join(tmp, name), path); err != nil {
		return fmt.Errorf("fetch tomcat %s: %v", version, err)
	}
	return nil
}

// unpack extracts a release archive beside home and renames the result to home. The
// shipped web applications and the documentation inside are left out: nothing here
// deploys them, and they are most of the files.
func unpack(archive, cache, home string) error {
	tmp, err := os.MkdirTemp(cache, ".unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		_, inside, _ := strings.Cut(filepath.Clean(h.Name), "/")
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(inside, "webapps/") {
			continue
		}
		if !filepath.IsLocal(inside) {
			return fmt.Errorf("entry %q leads outside", h.Name)
		}
		if err := writeFile(filepath.Join(tmp, inside), tr); err != nil {
			return err
		}
	}
	if !complete(tmp) {
		return errors.New("no bin/bootstrap.jar inside")
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, home)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	partial := to + ".partial"
	if err := writeFile(partial, in); err != nil {
		return err
	}
	return os.Rename(partial, to)
}

func writeFile(path string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	w, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}
