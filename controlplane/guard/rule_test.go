package guard

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/catherd/catherd/bpf/guard"
)

func TestCovered(t *testing.T) {
	all4, all6 := netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")
	for _, c := range []struct {
		list []netip.Prefix
		all  netip.Prefix
		want bool
	}{
		{nil, all4, false},
		{prefixes("0.0.0.0/0"), all4, true},
		{prefixes("0.0.0.0/0"), all6, false},
		{prefixes("::/0"), all4, false},
		{prefixes("::/0"), all6, true},
		{prefixes("0.0.0.0/1", "128.0.0.0/1"), all4, true},
		{prefixes("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3", "224.0.0.0/3"), all4, true},
		{prefixes("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"), all4, false},
		{prefixes("::/1", "8000::/1"), all6, true},
		{prefixes("::/1", "8000::/2"), all6, false},
	} {
		if got := covered(c.list, c.all); got != c.want {
			t.Errorf("%v covers %s: %t", c.list, c.all, got)
		}
	}
}

func TestGroupRates(t *testing.T) {
	at := netip.MustParseAddrPort("228.0.0.4:45564")
	for _, c := range []struct {
		group       Group
		source, all guard.Rate
	}{
		{Group{At: at, Every: 500 * time.Millisecond}, guard.Rate{PerSecond: 512, Burst: 1024}, guard.Rate{PerSecond: 2048, Burst: 4096}},
		{Group{At: at, Every: 10 * time.Millisecond}, guard.Rate{PerSecond: 25600, Burst: 51200}, guard.Rate{PerSecond: 102400, Burst: 204800}},
		{Group{At: at, Every: time.Minute}, guard.Rate{PerSecond: 256, Burst: 512}, guard.Rate{PerSecond: 1024, Burst: 2048}},
		{Group{At: at, Beacon: true}, guard.Rate{PerSecond: 256, Burst: 512}, guard.Rate{PerSecond: 1024, Burst: 2048}},
	} {
		r := c.group.rules()
		if r.Source != c.source || r.All != c.all || (r.Shape == guard.ShapeBeacon) != c.group.Beacon {
			t.Errorf("%+v: %+v", c.group, r)
		}
		if err := (guard.Rules{Groups: []guard.Group{r}}).Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestParsePrefix(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.7": "10.0.0.7/32", "10.1.2.3/8": "10.0.0.0/8", "2001:db8::1": "2001:db8::1/128", "::ffff:10.0.0.7": "10.0.0.7/32",
		"tomcat1": "", "": "", "10.0.0.0/33": "", "fe80::1%eth0": "", "::ffff:10.0.0.0/104": "",
	} {
		if p, err := ParsePrefix(text); (err == nil) != (want != "") || err == nil && p.String() != want {
			t.Errorf("%q: %s %v", text, p, err)
		}
	}
}

var sample = []Rule{
	{Kind: Deny, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Owner: "ops", Reason: "scanner", Since: time.Unix(1000, 0).UTC(), Until: time.Unix(2000, 0).UTC()},
	{Kind: Allow, Prefix: netip.MustParsePrefix("2001:db8::/48"), Owner: "root", Since: time.Unix(1000, 0).UTC()},
}

func TestFile(t *testing.T) {
	data := Append(nil, sample)
	list, err := Parse(data)
	if err != nil || !reflect.DeepEqual(list, sample) {
		t.Errorf("%+v %v", list, err)
	}
	for i := range len(bytes.TrimSpace(data)) {
		if _, err := Parse(data[:i]); err == nil {
			t.Errorf("%d of %d bytes are a file", i, len(data))
		}
	}
	for _, bad := range []string{
		`{"version":1,"rules":[{"rule":"deny","prefix":"10.0.0.1/8","owner":"a","since":"2026-01-01T00:00:00Z"}]}`,
		`{"version":1,"rules":[{"rule":"drop","prefix":"10.0.0.0/8","owner":"a","since":"2026-01-01T00:00:00Z"}]}`,
		`{"version":1,"rules":[{"rule":"deny","prefix":"10.0.0.0/8","since":"2026-01-01T00:00:00Z"}]}`,
		`{"version":1,"rules":[{"rule":"deny","owner":"a","since":"2026-01-01T00:00:00Z"}]}`,
		`{"version":1,"rules":[],"more":1}`, `{"version":1} {}`,
	} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s is a file", bad)
		}
	}
	for overrides, want := range map[string]string{
		"": "", "/var/lib/catherd/overrides.json": "/var/lib/catherd/guard.json",
		"/tmp/a-overrides.json": "/tmp/a-guard.json", "/tmp/x": "/tmp/x.guard.json",
	} {
		if got := Beside(overrides); got != want {
			t.Errorf("beside %q: %q", overrides, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Append(nil, sample))
	f.Add(Append(nil, nil))
	f.Add([]byte(`{"version":1,"rules":[{"rule":"deny","prefix":"::/0","owner":"a","since":"2026-01-01T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(Append(nil, list))
		if err != nil || len(again) != len(list) {
			t.Errorf("%v after %q", err, data)
		}
	})
}
