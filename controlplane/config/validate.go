package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strconv"
)

// validate checks what no single value can show.
func (d *decoder) validate(c *Config) {
	d.checkListeners(c)
	d.checkAdmin(c)
	d.checkRoutes(c)
	for i := range c.Pools {
		d.checkPool(c, &c.Pools[i])
	}
	d.checkTribes(c)
	d.checkGuard(c)
	for i, p := range c.TrustForwardedFrom {
		if p.Bits() == 0 {
			path := "trust_forwarded_from[" + strconv.Itoa(i) + "]"
			d.warnAt(path, "trust_forwarded_from: every client may claim any address", "list only the proxies in front of this one")
		}
	}
	d.notes()
}

func (d *decoder) checkListeners(c *Config) {
	if len(c.Listen) == 0 && !d.bad["listen"] {
		d.errorAtKey("listen", "listen is empty", "write listen: 80, or remove the line")
	}
	secure := false
	first := map[string]string{}
	for i, l := range c.Listen {
		path := "listen[" + strconv.Itoa(i) + "]"
		secure = secure || l.TLS.Cert != ""
		if d.bad[path] {
			continue
		}
		if before, twice := first[l.Address]; twice {
			d.errorAt(path+".address", fmt.Sprintf("%s.address: %s is already %s", path, l.Address, before), "remove one of them")
		} else {
			first[l.Address] = path
		}
		if l.TLS.Cert != "" && l.RedirectTo == "https" {
			d.errorAt(path+".redirect_to", path+".redirect_to: this listener speaks https itself", "redirect from the listener without tls")
		}
		d.checkFiles(path+".tls", l.TLS)
	}
	for i, l := range c.Listen {
		if l.RedirectTo != "" && !secure {
			path := "listen[" + strconv.Itoa(i) + "].redirect_to"
			d.warnAt(path, path+": no listener has tls", "add one, unless something in front of this program answers https")
		}
	}
}

// checkFiles looks at the files of TLS, when files are looked at.
func (d *decoder) checkFiles(path string, t TLS) {
	if d.opts.ReadFile == nil || t.Cert == "" || d.bad[path] {
		return
	}
	pem := map[string][]byte{}
	for _, f := range []struct{ key, name string }{{"cert", t.Cert}, {"key", t.Key}, {"client_ca", t.ClientCA}} {
		if f.name == "" {
			continue
		}
		data, err := d.opts.ReadFile(f.name)
		if err != nil {
			d.errorAt(path+"."+f.key, path+"."+f.key+": the file cannot be read: "+reason(err), "check its name, and that the user catherd may read it")
		}
		pem[f.key] = data
	}
	if d.bad[path] {
		return
	}
	// The reasons of the library name neither file nor cure, so they are not repeated.
	if _, err := tls.X509KeyPair(pem["cert"], pem["key"]); err != nil {
		d.errorAt(path+".cert", path+": cert and key are not a pair of PEM files that belong together", "compare them with: openssl x509 -noout -pubkey -in CERT and openssl pkey -pubout -in KEY")
	}
	if t.ClientCA != "" && !x509.NewCertPool().AppendCertsFromPEM(pem["client_ca"]) {
		d.errorAt(path+".client_ca", path+".client_ca: the file holds no certificate", "it must be PEM, as in -----BEGIN CERTIFICATE-----")
	}
	if open, ok := d.mode(t.Key, 0o004); ok && open {
		d.warnAt(path+".key", path+".key: every user of this machine can read the private key", "chmod o-rwx "+t.Key)
	}
}

func (d *decoder) checkAdmin(c *Config) {
	a := c.Admin
	if d.bad["admin"] {
		return
	}
	if a.Listen == "none" {
		if a.Socket == "none" {
			d.warnAt("admin.listen", "admin has neither an address nor a socket, so nobody can look or reload", "remove one of the two lines")
		}
		return
	}
	host, _, _ := splitPort(a.Listen)
	if !loopback(host) && a.TokenFile == "" {
		d.errorAt("admin.listen", "admin.listen is open to the network and has no token", "add token_file, or listen on 127.0.0.1:8404")
	}
	for i, l := range c.Listen {
		if l.Address == a.Listen {
			d.errorAt("admin.listen", fmt.Sprintf("admin.listen: %s is already the address of listen[%d]", a.Listen, i), "choose another port; the usual one is 8404")
		}
	}
}

// loopback reports whether a host is this machine and nothing else.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// notes tells which keys are accepted and not acted on.
func (d *decoder) notes() {
	for _, path := range []string{"kernel.pins", "admin.also_at"} {
		if d.set(path) && !d.bad[path] {
			d.noteAtKey(path, path+": accepted, not acted on by this version", "keep it; nothing depends on it yet")
		}
	}
}
