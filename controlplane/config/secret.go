package config

import (
	"errors"
	"io/fs"
	"strings"
)

// maxSecret bounds the content of a secret file: an AJP attribute is a string
// with a 16-bit length inside a packet of at least 8 KiB, a token is shorter.
const maxSecret = 1024

// secret finds the AJP secret of a pool: from the file, from the named file,
// or from the environment.
func (d *decoder) secret(p *Pool, base string) {
	inline, file := base+".secret", base+".secret_file"
	ajp := p.Discover.speaksAJP()
	for _, m := range p.Members {
		ajp = ajp || m.URL.Scheme == "ajp"
	}
	switch {
	case p.Secret != "" && p.SecretFile != "":
		d.errorAtKey(inline, "pool "+p.Name+" has both secret and secret_file", "keep secret_file")
	case p.SecretFile != "":
		p.Secret = d.secretFrom(p.SecretFile, file, "the AJP secret")
		d.derive(inline, file)
	case d.set(inline):
		if p.Secret != "" {
			d.inlineSecret(inline)
		}
	case d.getenv(SecretVariable) != "" && ajp:
		p.Secret = d.getenv(SecretVariable)
		d.marks[inline] = Origin{Env: SecretVariable}
		if _, what, _ := checkText(p.Secret); what != "" {
			d.errorAtKey(base, "the environment variable "+SecretVariable+" cannot be a secret: "+what, "set it to one line of plain text")
		}
	}
	if (len(p.Members) > 0 || p.Discover.On) && !ajp && !d.bad[base] {
		what := "pool " + p.Name + " has an AJP secret and no AJP member"
		if p.SecretFile != "" {
			d.warnAtKey(file, what, "remove it")
		} else if p.Secret != "" {
			d.warnAtKey(inline, what, "remove it")
		}
	}
}

// secretFrom reads a file that holds one secret; one line end is cut off.
func (d *decoder) secretFrom(name, path, what string) string {
	if d.opts.ReadFile == nil || d.bad[path] {
		return ""
	}
	data, err := d.opts.ReadFile(name)
	if err != nil {
		cure := "create it with: install -m 640 -g catherd /dev/stdin " + name
		if !errors.Is(err, fs.ErrNotExist) {
			cure = "it must be a plain file that the user catherd may read"
		}
		d.errorAt(path, lead(path)+what+" cannot be read: "+reason(err), cure)
		return ""
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		d.errorAt(path, lead(path)+"the file is empty", "write "+what+" into it, on one line")
		return ""
	}
	if len(text) > maxSecret || !printable(text) {
		d.errorAt(path, lead(path)+"the file holds more than one line of plain text", "write "+what+" into it, on one line of up to 1024 bytes")
		return ""
	}
	if open, ok := d.mode(name, 0o004); ok && open {
		d.warnAt(path, lead(path)+"every user of this machine can read the file", "chmod o-rwx "+name)
	}
	return text
}

// inlineSecret warns of a secret in a configuration that everybody can read.
func (d *decoder) inlineSecret(path string) {
	if d.src.args != nil || d.marks[path].Env != "" {
		return
	}
	if open, ok := d.mode(d.src.name, 0o004); ok && open {
		d.warnAtKey(path, "every user of this machine can read this file and the secret in it", "move the secret into a file of its own and name it with secret_file, or chmod o-rwx "+d.src.name)
	}
}

// mode reports whether a file has one of the permission bits.
func (d *decoder) mode(name string, bits fs.FileMode) (has, known bool) {
	if d.opts.Stat == nil {
		return false, false
	}
	info, err := d.opts.Stat(name)
	if err != nil {
		return false, false
	}
	return info.Mode().Perm()&bits != 0, true
}

// adminToken reads the bearer token of the admin side.
func (d *decoder) adminToken(c *Config) {
	if c.Admin.TokenFile != "" {
		c.Admin.Token = d.secretFrom(c.Admin.TokenFile, "admin.token_file", "the token")
	}
}
