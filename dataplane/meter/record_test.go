package meter

import "testing"

func TestRemarkIsLeftOnceAMinute(t *testing.T) {
	var m Member
	m.Remark(1, "packetSize")
	first := m.LastRemark.Load()
	m.Remark(remarkEvery, "packetSize")
	if m.LastRemark.Load() != first {
		t.Error("the same remark was left twice within a minute")
	}
	m.Remark(2, "secret")
	if r := m.LastRemark.Load(); r.Text != "secret" || r.At != 2 {
		t.Errorf("another remark was lost: %+v", r)
	}
	m.Remark(2+remarkEvery, "secret")
	if r := m.LastRemark.Load(); r.At != 2+remarkEvery {
		t.Error("the same remark was not left again after a minute")
	}
}
