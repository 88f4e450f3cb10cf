package kern

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func TestLoadRefuses(t *testing.T) {
	object := func() (*ebpf.CollectionSpec, error) {
		return &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{
			"catherd_map": {Type: ebpf.Hash, KeySize: 20, ValueSize: 8, MaxEntries: 1},
		}}, nil
	}
	f := func(want string, object func() (*ebpf.CollectionSpec, error), o Options) {
		t.Helper()
		err := Load("load the test", object, &struct{}{}, o)
		if err == nil || !strings.HasPrefix(err.Error(), "load the test: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(`keys of 20 and values of 8 bytes, Go has 24 and 8`, object, Options{Sizes: map[string]Size{"catherd_map": {24, 8}}})
	f(`keys of 20 and values of 8 bytes, Go has 20 and 4`, object, Options{Sizes: map[string]Size{"catherd_map": {20, 4}}})
	f(`no map "catherd_other"`, object, Options{Sizes: map[string]Size{"catherd_other": {}}})
	f(`no setting "gap"`, object, Options{Settings: map[string]any{"gap": uint64(1)}})
	f("read the object: broken", func() (*ebpf.CollectionSpec, error) { return nil, errors.New("broken") }, Options{})
}

func TestExplain(t *testing.T) {
	f := func(err, want error) {
		t.Helper()
		got := Explain("load it", err)
		for _, is := range []error{ErrPermission, ErrUnsupported} {
			if errors.Is(got, is) != (is == want) {
				t.Errorf("%v is %v: %v", got, is, errors.Is(got, is))
			}
		}
		if !strings.HasPrefix(got.Error(), "load it: ") {
			t.Errorf("the step is not named: %v", got)
		}
	}
	f(unix.EPERM, ErrPermission)
	f(unix.EACCES, ErrPermission)
	f(unix.ENOSYS, ErrUnsupported)
	f(unix.EOPNOTSUPP, ErrUnsupported)
	f(ebpf.ErrNotSupported, ErrUnsupported)
	f(unix.EINVAL, nil)
	// A verifier's refusal is no lack of permission, although it says EACCES.
	f(&ebpf.VerifierError{Cause: unix.EACCES, Log: []string{"R1 invalid mem access"}}, nil)
}

func TestFeatureOf(t *testing.T) {
	f := func(err error, can bool, cure string) {
		t.Helper()
		got := FeatureOf("name", "what", "CAP_X", "9.9", err)
		if got.Can != can || !strings.Contains(got.Cure, cure) || can != (got.Cure == "") || can != (got.Missing == "") {
			t.Errorf("got %+v", got)
		}
	}
	f(nil, true, "")
	f(Explain("load it", unix.EPERM), false, "CAP_X")
	f(Explain("load it", unix.ENOSYS), false, "9.9")
	f(errors.New("of another kind"), false, "works without")
}

func TestAddress(t *testing.T) {
	for _, s := range []string{"192.0.2.1", "2001:db8::1"} {
		if a := netip.MustParseAddr(s); AddressOf(a).Addr() != a {
			t.Errorf("%s comes back as %s", s, AddressOf(a).Addr())
		}
	}
	if n := Bits(netip.MustParsePrefix("10.0.0.0/8")); n != 104 {
		t.Errorf("10.0.0.0/8 has %d bits", n)
	}
	if n := Bits(netip.MustParsePrefix("2001:db8::/32")); n != 32 {
		t.Errorf("2001:db8::/32 has %d bits", n)
	}
}
