package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/doctor"
)

// patient is one connector to be examined.
type patient struct {
	pool, member, label string
	subject             doctor.Subject
}

// patientFact is one connector in the JSON of probe.
type patientFact struct {
	Pool   string `json:"pool,omitempty"`
	Member string `json:"member,omitempty"`
	OK     bool   `json:"ok"`
	doctor.Report
}

// patientOf makes a patient of a URL.
func patientOf(e *env, address string, f probeFlags) ([]patient, error) {
	cfg, problems := config.FromBackends("", []string{address})
	if cfg == nil {
		_ = problems.Format(e.stderr, e.color())
		return nil, silent(exitUsage)
	}
	if f.packet != 0 && (f.packet < 8192 || f.packet > 65536) {
		return nil, misused("probe: --packet-size %d is not between 8192 and 65536", f.packet)
	}
	p := &cfg.Pools[0]
	if f.packet != 0 {
		p.MaxPacketSize = f.packet
	}
	if f.secretFile != "" {
		text, err := os.ReadFile(f.secretFile)
		if err != nil {
			return nil, failed("read --secret-file: %v", err)
		}
		if p.Secret = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"); p.Secret == "" || len(p.Secret) > 1024 {
			return nil, misused("--secret-file %q holds no secret of 1 to 1024 bytes", f.secretFile)
		}
	}
	list := patients(cfg)
	for i := range list {
		list[i].pool, list[i].member, list[i].label = "", "", address
	}
	return list, nil
}

// patientsNamed are the members of the file, or the one that is named.
func patientsNamed(ctx context.Context, e *env, args []string) ([]patient, error) {
	name := e.config
	if name == "" {
		name = usual()
	}
	if name == "" {
		// Perhaps a process runs with a file from another place.
		if _, s, err := ask(ctx, e); err == nil {
			name = s.ConfigPath
		}
	}
	if name == "" {
		return nil, misused("probe: neither ./catherd.yaml nor /etc/catherd/catherd.yaml exists: name a file with -c, or a URL")
	}
	cfg, problems := config.LoadFile(name)
	if cfg == nil {
		_ = problems.Format(e.stderr, e.color())
		return nil, silent(exitUsage)
	}
	all := append(patients(cfg), discovered(ctx, e, name, cfg)...)
	if len(args) == 0 {
		if len(all) == 0 {
			return nil, failed("%s names no member to examine", name)
		}
		return all, nil
	}
	var list []patient
	pools := map[string]bool{}
	var words []string
	for _, p := range all {
		word := p.pool + "/" + p.member
		if args[0] == p.member || args[0] == word {
			list = append(list, p)
			pools[word] = true
		}
		words = append(words, word)
	}
	switch {
	case len(pools) == 0:
		return nil, misused("%s has no member %q: members are %s", name, args[0], strings.Join(unique(words), ", "))
	case len(pools) > 1:
		return nil, misused("member %q is in several pools: write POOL/%s", args[0], args[0])
	}
	return list, nil
}

func unique(words []string) (out []string) {
	for i, w := range words {
		if i == 0 || w != words[i-1] {
			out = append(out, w)
		}
	}
	return out
}

// patients are all connectors of a configuration, in the order of the file.
func patients(cfg *config.Config) []patient {
	var list []patient
	for i := range cfg.Pools {
		p := &cfg.Pools[i]
		for k := range p.Members {
			m := &p.Members[k]
			name := label(cfg, p, m.Name)
			list = append(list, patient{p.Name, m.Name, name, subjectOf(p, m.URL)})
			if !m.HTTP.IsZero() {
				list = append(list, patient{p.Name, m.Name, name + " (http)", subjectOf(p, m.HTTP)})
			}
		}
	}
	return list
}

// discovered are the members that a running process has found for the pools of
// this file. Without such a process there are none.
func discovered(ctx context.Context, e *env, file string, cfg *config.Config) (list []patient) {
	looks := false
	for i := range cfg.Pools {
		looks = looks || cfg.Pools[i].Discover.On
	}
	if !looks {
		return nil
	}
	_, s, err := ask(ctx, e)
	if err != nil || !samePath(s.ConfigPath, file) {
		return nil
	}
	for i := range cfg.Pools {
		p := &cfg.Pools[i]
		for _, running := range s.Pools {
			if running.Name != p.Name {
				continue
			}
			for _, m := range running.Members {
				a, ok := addressOf(m.URL)
				if !ok || p.Member(m.Name) != nil {
					continue
				}
				list = append(list, patient{p.Name, m.Name, label(cfg, p, m.Name), subjectOf(p, a)})
			}
		}
	}
	return list
}

func samePath(a, b string) bool {
	x, err := filepath.Abs(a)
	y, err2 := filepath.Abs(b)
	return a != "" && err == nil && err2 == nil && x == y
}

// addressOf understands a URL as the status shows it.
func addressOf(text string) (config.Address, bool) {
	u, err := url.Parse(text)
	if err != nil {
		return config.Address{}, false
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil || u.Hostname() == "" {
		return config.Address{}, false
	}
	return config.Address{Scheme: u.Scheme, Host: u.Hostname(), Port: port}, true
}

// label names a member as long as it has to be.
func label(cfg *config.Config, p *config.Pool, member string) string {
	if len(cfg.Pools) > 1 {
		return p.Name + "/" + member
	}
	return member
}

// subjectOf is what the doctor has to know about one connector.
func subjectOf(p *config.Pool, a config.Address) doctor.Subject {
	s := doctor.Subject{
		Protocol: a.Scheme, Addr: a.HostPort(),
		Packet: int(p.MaxPacketSize), KeepFor: p.Connections.KeepFor, Max: p.Connections.Max,
		Connect: p.Timeouts.Connect, Ping: p.Health.Cping,
		// As long as a health request may take, but within one examination.
		Answer: min(max(p.Health.Cping, p.Health.Every), 3500*time.Millisecond),
		Path:   p.Health.Request.Path, Host: p.Health.Request.Host, Body: p.Health.Request.Body,
	}
	if a.Scheme == doctor.AJP {
		s.Secret = p.Secret
	}
	for _, r := range p.Health.Request.Expect {
		s.Expect = append(s.Expect, doctor.Range{From: r.From, To: r.To})
	}
	return s
}
