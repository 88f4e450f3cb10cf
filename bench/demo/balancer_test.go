package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// balancerMode is the environment variable that turns the test binary into a stand-in
// for Catherd: "sticky" does what the check wants to see, "blind" alternates, "mute"
// never serves, "gone" ends at once.
const balancerMode = "DEMO_TEST_BALANCER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(balancerMode); mode != "" {
		if err := balance(mode, os.Args); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// balance reads what it needs from the configuration the demo wrote.
func balance(mode string, args []string) error {
	if len(args) < 4 || args[1] != "run" || args[2] != "-c" {
		return fmt.Errorf("called with %q", args)
	}
	text, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	listen := regexp.MustCompile(`listen: (\S+)\n`).FindSubmatch(text)
	members := regexp.MustCompile(`(?m)^ {6}(tomcat\d): .*\n.*\n\s+http: (\S+)$`).FindAllSubmatch(text, -1)
	if listen == nil || len(members) != 2 {
		return fmt.Errorf("configuration not understood:\n%s", text)
	}
	if mode == "gone" {
		return fmt.Errorf("leaving")
	}
	if mode == "mute" {
		select {}
	}
	var proxies [2]*httputil.ReverseProxy
	for i, m := range members {
		target, err := url.Parse(string(m[2]))
		if err != nil {
			return err
		}
		proxies[i] = httputil.NewSingleHostReverseProxy(target)
		if i == 0 {
			proxies[0].ErrorHandler = func(w http.ResponseWriter, r *http.Request, _ error) { proxies[1].ServeHTTP(w, r) }
		}
	}
	proxies[1].ErrorHandler = func(w http.ResponseWriter, r *http.Request, _ error) { proxies[0].ServeHTTP(w, r) }
	turn := 0
	return http.ListenAndServe(string(listen[1]), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := 0
		if c, err := r.Cookie("JSESSIONID"); err == nil && strings.HasSuffix(c.Value, ".tomcat2") {
			i = 1
		}
		if mode == "blind" {
			turn++ // the check asks one request at a time
			i = turn % 2
		}
		proxies[i].ServeHTTP(w, r)
	}))
}
