package dataplane_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, enginetest.Leaks()) }

func startAJP(t *testing.T, h ajptest.Handler) string {
	s := ajptest.New(t, h)
	pool := enginetest.Pool(enginetest.Member("tomcat1", table.AJP, s.Addr()))
	_, addr := enginetest.Start(t, enginetest.Table(t, pool))
	return addr
}

func TestAJPRoundTrip(t *testing.T) {
	tc := &ajptest.Tomcat{Name: "tomcat1", Route: "tomcat1"}
	addr := startAJP(t, tc.Serve)
	c := enginetest.Dial(t, addr)
	br := bufio.NewReader(c)
	for i := range 3 {
		fmt.Fprintf(c, "POST /app/echo;v=1?q=%d HTTP/1.1\r\nHost: www.example:81\r\nContent-Length: 5\r\nX-Request-Id: r%d\r\n\r\nhello", i, i)
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		var e ajptest.Echo
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatalf("%v in %q", err, b)
		}
		t.Logf("%s %v", res.Status, string(b))
	}
	if !strings.HasPrefix(addr, "127.") {
		t.Fatal(addr)
	}
}
