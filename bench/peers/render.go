package peers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"text/template"

	"golang.org/x/sys/unix"
)

// Member is one backend; its name is its jvmRoute.
type Member struct {
	Name string
	Addr netip.AddrPort
}

// Host is the address without the port.
func (m Member) Host() string { return m.Addr.Addr().String() }

// Port is the port alone.
func (m Member) Port() uint16 { return m.Addr.Port() }

// Setup is what all kinds are given alike.
type Setup struct {
	AJP, HTTP []Member
	Sticky    bool   // follow the suffix of JSESSIONID
	Packet    int    // AJP packet size in bytes, a multiple of 1024; 0 for 8192
	Catherd   string // path of the catherd program
}

// KiB is the packet size in units of 1024 bytes.
func (s Setup) KiB() int { return s.Packet / 1024 }

// values is what a template may name.
type values struct {
	Setup
	Dir, Modules  string
	Listen, Admin netip.AddrPort
	Scheme        string
	Members       []Member // those of the kind's own protocol
	Cores         int
	MaxConn       uint64 // client connections at two descriptors each
	Clients       uint64 // client connections at one descriptor each
	Files         uint64 // descriptor limit
	Root, Large   bool
}

func (k Kind) values(s Setup, dir string, listen, admin netip.AddrPort) values {
	v := values{
		Setup: s, Dir: dir, Modules: modules, Listen: listen, Admin: admin, Scheme: k.Wire,
		Members: s.HTTP, Cores: runtime.NumCPU(), Root: os.Getuid() == 0, Large: k.large,
	}
	if k.Wire == "ajp" {
		v.Members = s.AJP
	}
	v.Files = 1024
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		v.Files = min(limit.Max, 100_000)
	}
	// A proxy may need two descriptors for each client, and some for everything
	// else.
	v.MaxConn = min((v.Files-min(v.Files/2, 200))/2, 20_000)
	v.Clients = v.Files - min(v.Files/2, 1000)
	if v.Packet == 0 {
		v.Packet = 8192
	}
	return v
}

// render makes every file of the kind, by file name.
func (k Kind) render(v values) (map[string][]byte, error) {
	out := map[string][]byte{}
	for file, source := range k.files {
		names := []string{"conf/" + source}
		if k.overlay != "" {
			names = append(names, "conf/"+k.overlay)
		}
		t, err := template.ParseFS(conf, names...)
		if err != nil {
			return nil, fmt.Errorf("read template of %s: %w", k.Name, err)
		}
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, source, v); err != nil {
			return nil, fmt.Errorf("fill in %q of %s: %w", file, k.Name, err)
		}
		out[file] = b.Bytes()
	}
	return out, nil
}

// Digest names the configuration in 12 hexadecimal digits. Members, directories
// and the machine's limits do not change it, so that two machines can be
// compared; the rest of the setup does.
func (k Kind) Digest(s Setup) (string, error) {
	local := func(port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	}
	members := []Member{{"tomcat1", local(1)}, {"tomcat2", local(2)}}
	files, err := k.render(values{
		Setup: Setup{AJP: members, HTTP: members, Sticky: s.Sticky, Packet: s.Packet}, Dir: "/dir", Modules: "/modules",
		Listen: local(3), Admin: local(4), Scheme: k.Wire, Members: members, Cores: 1, MaxConn: 1, Clients: 1, Files: 1, Large: k.large,
	})
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d\n", name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}
