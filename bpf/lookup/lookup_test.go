package lookup

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/catherd/catherd/bpf/internal/kern"
	"github.com/catherd/catherd/bpf/internal/netlab"
)

// lab is a namespace with listeners, and what they accept.
type lab struct {
	*testing.T
	ns *netlab.Namespace
}

func (b lab) listen(address string) (l *net.TCPListener, fd int) {
	b.Helper()
	b.ns.Do(func() error {
		var c net.ListenConfig
		c.SetMultipathTCP(false)
		any, err := c.Listen(context.Background(), "tcp", address)
		if err != nil {
			return err
		}
		l = any.(*net.TCPListener)
		raw, err := l.SyscallConn()
		if err != nil {
			return err
		}
		return raw.Control(func(f uintptr) { fd = int(f) })
	})
	b.Cleanup(func() { l.Close() })
	return l, fd
}

// attach puts rules to work. It skips only where the kernel does not let it.
func (b lab) attach(rules []Rule, sets ...[]int) (table *Table) {
	b.Helper()
	var why error
	b.ns.Do(func() (err error) {
		table, err = Attach(rules, sets)
		if errors.Is(err, kern.ErrPermission) || errors.Is(err, kern.ErrUnsupported) {
			why, err = err, nil
		}
		return err
	})
	if why != nil {
		b.Skip(why)
	}
	b.Cleanup(func() { table.Close() })
	return table
}

// reaches connects and expects the connection at a listener, with the local
// address that was asked for; without a listener it expects a refusal.
func (b lab) reaches(address string, l *net.TCPListener) {
	b.Helper()
	var c net.Conn
	var err error
	b.ns.Do(func() error {
		c, err = net.Dial("tcp", address)
		return nil
	})
	if l == nil {
		if err == nil {
			c.Close()
			b.Errorf("%s: connected", address)
		}
		return
	}
	if err != nil {
		b.Errorf("%s: %v", address, err)
		return
	}
	defer c.Close()
	got, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer got.Close()
	if at := got.LocalAddr().String(); at != address {
		b.Errorf("%s: the connection is at %s", address, at)
	}
	if got.RemoteAddr().String() != c.LocalAddr().String() {
		b.Errorf("%s: somebody else's connection", address)
	}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestWide(t *testing.T) {
	b := lab{t, netlab.New(t)}
	four, fd4 := b.listen("127.0.0.1:9000")
	six, fd6 := b.listen("[::1]:9000")
	other, fdOther := b.listen("127.0.0.1:9001")
	table := b.attach([]Rule{
		{prefix("127.1.0.0/16"), 8000, 8999, 0},
		{prefix("127.1.2.0/24"), 8500, 0, 2},
		{prefix("::1/128"), 8000, 8999, 1},
	}, []int{fd4}, []int{fd6}, []int{fdOther})

	b.reaches("127.1.0.1:8000", four)
	b.reaches("127.1.255.254:8999", four)
	b.reaches("[::1]:8443", six)
	b.reaches("127.1.2.3:8500", other)
	b.reaches("127.1.2.3:8501", four)
	b.reaches("127.1.0.1:7999", nil)
	b.reaches("127.1.0.1:9000", nil)
	b.reaches("127.2.0.1:8000", nil)
	b.reaches("127.0.0.1:9000", four)
	if c := table.Counts(); c.Given != 5 || c.Nobody != 0 {
		t.Errorf("counts: %+v", c)
	}

	// Other rules, nothing bound again.
	if err := table.Set([]Rule{{prefix("127.2.0.0/16"), 80, 81, 0}}, [][]int{{fd4, fdOther}}); err != nil {
		t.Fatal(err)
	}
	b.reaches("127.2.0.1:81", four)
	b.reaches("127.1.0.1:8000", nil)
	b.reaches("[::1]:8443", nil)

	// Rules that cannot be leave the old ones.
	if err := table.Set([]Rule{{prefix("127.2.0.0/16"), 80, 81, 7}}, [][]int{{fd4}}); err == nil {
		t.Error("a set that is not")
	}
	if err := table.Set(nil, [][]int{{-1}}); err == nil {
		t.Error("no socket")
	}
	b.reaches("127.2.0.2:80", four)

	// A closed listener is stood in for, and when all are closed, the kernel
	// decides as ever.
	four.Close()
	b.reaches("127.2.0.1:81", other)
	other.Close()
	b.reaches("127.2.0.1:81", nil)
	if c := table.Counts(); c.Given != 8 || c.Nobody != 1 {
		t.Errorf("counts: %+v", c)
	}
	own, _ := b.listen("127.2.0.1:81")
	b.reaches("127.2.0.1:81", own)

	if err := table.Close(); err != nil {
		t.Error(err)
	}
	if err := table.Close(); err != nil {
		t.Error("a second time:", err)
	}
	if err := table.Set(nil, nil); err == nil {
		t.Error("set after the end")
	}
	if c := table.Counts(); c.Given != 8 {
		t.Errorf("counts after the end: %+v", c)
	}
}

func TestCompile(t *testing.T) {
	got, err := compile([]Rule{
		{prefix("10.0.0.0/8"), 80, 0, 0},
		{prefix("10.1.2.3/16"), 8000, 8999, 1},
		{prefix("10.1.0.0/16"), 443, 443, 2},
		{prefix("2001:db8::/32"), 80, 80, 3},
	}, 4)
	if err != nil {
		t.Fatal(err)
	}
	r := func(all ...portRange) (v ranges) {
		v.Count = uint32(copy(v.Range[:], all))
		return v
	}
	want := map[netip.Prefix]ranges{
		prefix("10.0.0.0/8"):    r(portRange{First: 80, Last: 80}),
		prefix("10.1.0.0/16"):   r(portRange{First: 8000, Last: 8999, Set: 1}, portRange{First: 443, Last: 443, Set: 2}, portRange{First: 80, Last: 80}),
		prefix("2001:db8::/32"): r(portRange{First: 80, Last: 80, Set: 3}),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	f := func(want string, sets int, rules ...Rule) {
		t.Helper()
		if _, err := compile(rules, sets); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f("not a rule", 1, Rule{First: 80})
	f("not a rule", 1, Rule{Addr: prefix("10.0.0.0/8")})
	f("not a rule", 1, Rule{prefix("10.0.0.0/8"), 80, 79, 0})
	f("not a rule", 1, Rule{prefix("10.0.0.0/8"), 80, 80, 1})
	f("not a rule", 1, Rule{prefix("10.0.0.0/8"), 80, 80, -1})
	f("sets of listeners", maxSets+1)
	var many []Rule
	for i := range maxRanges + 1 {
		many = append(many, Rule{prefix("10.0.0.0/8"), uint16(80 + i), 0, 0})
	}
	f("more than 16 ranges", 1, many...)
}
