package catalina

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// pages goes once through every page of the application.
func pages(t *testing.T, tc *Tomcat) {
	t.Helper()
	client := http.DefaultClient
	for _, length := range []string{"0", "1"} {
		resp, body := get(t, client, tc.URL("size.jsp?n=100000&length="+length))
		if sum := digest([]byte(body)); len(body) != 100000 || resp.Header.Get("X-Digest") != sum {
			t.Errorf("size.jsp length=%s: %d bytes, digest %s, header %q", length, len(body), sum, resp.Header.Get("X-Digest"))
		}
		if known := resp.ContentLength == 100000; known != (length == "1") {
			t.Errorf("size.jsp length=%s: Content-Length %d", length, resp.ContentLength)
		}
	}
	payload := bytes.Repeat([]byte("0123456789"), 5000)
	id := "id-" + tc.Version
	if got, want := post(t, tc.URL("upload.jsp"), id, payload), "length=50000 sha256="+digest(payload)+" node=tomcat1\n"; got != want {
		t.Errorf("upload.jsp: got %q, want %q", got, want)
	}
	if got, want := post(t, tc.URL("ledger"), id+"-2", nil), "recorded="+id+"-2 node=tomcat1\n"; got != want {
		t.Errorf("POST ledger: got %q, want %q", got, want)
	}
	if _, body := get(t, client, tc.URL("ledger.jsp")); body != id+"\n"+id+"-2\n" {
		t.Errorf("GET ledger.jsp: %q", body)
	}
	if ids, err := tc.Ledger(); err != nil || !slices.Equal(ids, []string{id, id + "-2"}) {
		t.Errorf("Ledger: %q, %v", ids, err)
	}
	echo := post(t, tc.URL("echo.jsp?a=b%20c"), id, []byte("abc"))
	for _, line := range []string{
		"method=POST", "uri=/app/echo.jsp", "query=a=b%20c", "protocol=HTTP/1.1", "remote_addr=127.0.0.1",
		"node=tomcat1", "header.x-request-id=" + id, "body_length=3", "body_sha256=" + digest([]byte("abc")),
	} {
		if !slices.Contains(strings.Split(echo, "\n"), line) {
			t.Errorf("echo.jsp: no line %q in\n%s", line, echo)
		}
	}
	if resp, body := get(t, client, tc.URL("node.txt")); resp.StatusCode != 200 || body != "node=tomcat1\n" {
		t.Errorf("node.txt: %d %q", resp.StatusCode, body)
	}
	if resp, body := get(t, client, tc.URL("status.jsp?code=418")); resp.StatusCode != 418 || body != "status=418\n" {
		t.Errorf("status.jsp: %d %q", resp.StatusCode, body)
	}
	if resp, _ := get(t, client, tc.URL("status.jsp?code=404&error=1")); resp.StatusCode != 404 {
		t.Errorf("status.jsp error: %d", resp.StatusCode)
	}
	if resp, _ := get(t, client, tc.URL("bighead.jsp?n=3000")); len(resp.Header.Get("X-Big")) != 3000 {
		t.Errorf("bighead.jsp: %d bytes of header", len(resp.Header.Get("X-Big")))
	}
	for page, want := range map[string]string{
		"slow.jsp?ms=1":        "slow=1 node=tomcat1\n",
		"flush.jsp?parts=2":    "part=0\npart=1\n",
		"ignore.jsp":           "ignored node=tomcat1\n",
		"status":               "status=200\n",
		"flush?parts=1&ms=100": "part=0\n",
	} {
		if _, body := get(t, client, tc.URL(page)); body != want {
			t.Errorf("%s: got %q, want %q", page, body, want)
		}
	}
}

func post(t *testing.T, url, id string, body []byte) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", id)
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Request-Id") != id {
		return fmt.Sprintf("status %d, id %q: %s", resp.StatusCode, resp.Header.Get("X-Request-Id"), answer)
	}
	return string(answer)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
