package http1

import (
	"bytes"
	"testing"
)

func TestNormalize(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		dst := make([]byte, 0, len(path))
		out, ok := Normalize(dst, []byte(path))
		if got := string(out); !ok || got != want {
			t.Errorf("Normalize(%q) = %q %v, want %q", path, got, ok, want)
		}
	}
	f("/", "/")
	f("*", "/")
	f("/app/cart", "/app/cart")
	f("/app/cart/", "/app/cart/")
	f("/app/x.jsp", "/app/x.jsp")

	// Dot segments and slashes.
	f("/.", "/")
	f("/./", "/")
	f("/a/.", "/a/")
	f("/a/./b", "/a/b")
	f("/a/..", "/")
	f("/a/../b", "/b")
	f("/a/b/..", "/a/")
	f("/a/b/../", "/a/")
	f("/a/b/../../c", "/c")
	f("//", "/")
	f("//a///b//", "/a/b/")
	f("/a//../b", "/b")
	f("/a/.b/..c/...", "/a/.b/..c/...")
	f("/.well-known/x", "/.well-known/x")
	f("/a./b../c", "/a./b../c")

	// Path parameters go, and cannot hide a dot segment.
	f("/a;jsessionid=1F.tomcat1", "/a")
	f("/a;x=1;y/b;z", "/a/b")
	f("/;x", "/")
	f("/;x/a", "/a")
	f("/a/..;x=y/b", "/b")
	f("/a/.;/b", "/a/b")
	f("/a/;/b", "/a/b")
	f("/a;%2e%2e/b", "/a/b")
	f("/a;x%2Fy/b", "/a/b")

	// Encodings.
	f("/%61pp", "/app")
	f("/%41%7e%2D", "/A~-")
	f("/a%20b", "/a b")
	f("/a/%2e%2e/b", "/b")
	f("/a/%2E/b", "/a/b")
	f("/a/.%2e/b", "/b")
	f("/a/%2e%2e;x/b", "/b")
	f("/x.%6asp", "/x.jsp")
	f("/a%3fb%23", "/a?b#")

	// What stays encoded, in capitals.
	f("/a%2fb", "/a%2Fb")
	f("/a/..%2fb", "/a/..%2Fb")
	f("/a%5cb", "/a%5Cb")
	f("/a%3bx", "/a%3Bx")
	f("/a/..%3bx/b", "/a/..%3Bx/b")
	f("/%252e%252e/a", "/%252e%252e/a")
	f("/%25%32%65", "/%252e")
	f("/%c3%a4%7f%0a", "/%C3%A4%7F%0A")
	f(`/a\b`, `/a\b`)
}

func TestNormalizeRefuses(t *testing.T) {
	f := func(path string) {
		t.Helper()
		if out, ok := Normalize(nil, []byte(path)); ok {
			t.Errorf("Normalize(%q) = %q, want a refusal", path, out)
		}
		if out, ok := NormalizeSlashes(nil, []byte(path)); ok {
			t.Errorf("NormalizeSlashes(%q) = %q, want a refusal", path, out)
		}
	}
	f("")
	f("a")
	f("**")
	f("./a")
	f("/..")
	f("/../a")
	f("/a/../..")
	f("/a/../../a")
	f("//..")
	f("/;/..")
	f("/%2e%2e/a")
	f("/..;x/a")
	f("/%")
	f("/%4")
	f("/%zz")
	f("/a%2")
	f("/a%u002e")
	f("/%%32e")
	f("/%00")
	f("/a;%00")
	f("/a;%zz/b")
	f("/a;%4/b")
}

func TestNormalizeSlashes(t *testing.T) {
	f := func(path, want string, hidden bool) {
		t.Helper()
		out, ok := NormalizeSlashes(nil, []byte(path))
		if got := string(out); ok != (want != "") || got != want {
			t.Errorf("NormalizeSlashes(%q) = %q %v, want %q", path, got, ok, want)
		}
		plain, ok := Normalize(nil, []byte(path))
		if !ok || HasHiddenSlash([]byte(path)) != hidden {
			t.Errorf("HasHiddenSlash(%q) = %v, want %v", path, !hidden, hidden)
		}
		if !hidden && string(plain) != want {
			t.Errorf("Normalize(%q) = %q without a hidden slash, want %q", path, plain, want)
		}
	}
	f("/a/b;c//d", "/a/b/d", false)
	f("/a%25b", "/a%25b", false)
	f("/app%2fsecret", "/app/secret", true)
	f("/app%2F%2f%5c/secret", "/app/secret", true)
	f(`/app\secret`, "/app/secret", true)
	f("/app/x/..%2fsecret", "/app/secret", true)
	f("/app/x%2f..%2fsecret", "/app/secret", true)
	f(`/app/x\..\secret`, "/app/secret", true)
	f("/app%252fsecret", "/app%252fsecret", false)
	f("/a%2f..%2f..%2fb", "", true)
	f(`/\..`, "", true)
	// The parameter ends at the plain slash only.
	f("/a;x%2f../b", "/a/b", true)
	// A hidden slash that the plain reading resolves away.
	f(`/a\b/..`, "/a/", true)
}

// The path itself comes back when there is nothing to do.
func TestNormalizeLeavesPlainPath(t *testing.T) {
	path := []byte("/app/cart/view.jsp")
	out, ok := Normalize(make([]byte, 0, 64), path)
	if !ok || &out[0] != &path[0] || len(out) != len(path) {
		t.Fatalf("Normalize(%q) = %q %v, want the same memory", path, out, ok)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{
		"/", "*", "/a/../b", "/a/..;x/%2e%2e/b//c", "/%2f%5c\\%25%3b;", "/..", "/%00", "/%c0%ae/.", "/a%2f..%2f..", `/0\0/..`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		checkNormal(t, path, Normalize)
		checkNormal(t, path, NormalizeSlashes)
		// A path that hides no slash reads the same both ways.
		if !HasHiddenSlash(path) {
			out, ok := Normalize(nil, path)
			other, otherOK := NormalizeSlashes(nil, path)
			if ok != otherOK || !bytes.Equal(out, other) {
				t.Fatalf("%q reads %q %v and %q %v", path, out, ok, other, otherOK)
			}
		}
	})
}

func checkNormal(t *testing.T, path []byte, normalize func(dst, path []byte) ([]byte, bool)) {
	t.Helper()
	before := bytes.Clone(path)
	out, ok := normalize(make([]byte, 0, len(path)), path)
	if !bytes.Equal(before, path) {
		t.Fatalf("path %q was changed to %q", before, path)
	}
	if !ok {
		return
	}
	if len(out) == 0 || out[0] != '/' || len(out) > len(path) {
		t.Fatalf("%q reads %q", path, out)
	}
	for _, bad := range []string{"//", "/./", "/../", ";", "%00"} {
		if bytes.Contains(out, []byte(bad)) {
			t.Fatalf("%q reads %q, which holds %q", path, out, bad)
		}
	}
	for _, bad := range []string{"/.", "/.."} {
		if bytes.HasSuffix(out, []byte(bad)) {
			t.Fatalf("%q reads %q, which ends in %q", path, out, bad)
		}
	}
	again, ok := normalize(nil, out)
	if !ok || !bytes.Equal(out, again) {
		t.Fatalf("%q reads %q, and that reads %q %v", path, out, again, ok)
	}
}
