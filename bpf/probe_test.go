package bpf

import "testing"

func TestProbe(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Probe() {
		t.Logf("%+v", f)
		if f.Name == "" || f.What == "" || seen[f.Name] {
			t.Errorf("a feature without a name of its own: %+v", f)
		}
		seen[f.Name] = true
		if f.Can != (f.Missing == "") || f.Can != (f.Cure == "") {
			t.Errorf("neither works nor says why: %+v", f)
		}
	}
	if len(seen) == 0 {
		t.Error("no feature")
	}
}
