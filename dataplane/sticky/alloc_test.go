//go:build !race

package sticky

import "testing"

func TestFindAllocatesNothing(t *testing.T) {
	p := poolOf(t, "a:tomcat1 b:tomcat2")
	cookies := [][]byte{[]byte("a=b; JSESSIONID=X.tomcat9; JSESSIONID=Y.tomcat2")}
	none := [][]byte{[]byte("a=b; c")}
	path := []byte("/app;jsessionid=Z.x.tomcat1/x;v=1")
	set := []byte("JSESSIONID=X.tomcat1; Path=/; Expires=Thu, 01-Jan-1970 00:00:10 GMT")
	if n := testing.AllocsPerRun(100, func() {
		Find(&p.Sticky, p, cookies, path)
		Find(&p.Sticky, p, none, path)
		c, _ := ReadSetCookie(&p.Sticky, set)
		c.Ends(0)
		Carried(&p.Sticky, cookies, path, &c)
		Cookie(cookies, "a")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
