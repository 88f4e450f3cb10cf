package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// form is one way a text may look. check returns the text as it is kept, or
// what is wrong and how to cure it. pattern is the same for the JSON schema;
// it may accept more than check, never less.
type form struct {
	check   func(text string) (kept, what, cure string)
	pattern string
}

// forms by the word in the tag "is".
var forms = map[string]form{
	"listen":      {checkListen, `^(([^\s/]*|\[[^\s\]]+\]):)?[0-9]+$`},
	"listen|none": {orNone(checkListen), `^(none|(([^\s/]*|\[[^\s\]]+\]):)?[0-9]+)$`},
	"hostport":    {checkHostPort, `^([^\s/]+|\[[^\s\]]+\]):[0-9]+$`},
	"host":        {checkHost, `^[^\s/]+$`},
	"hostpattern": {checkHostPattern, `^(\*\.)?[^\s/*]+$`},
	"authority":   {checkAuthority, `^[^\s/]+$`},
	"pattern":     {checkPattern, `^(=?/|\*\.)[^\s?#;*]*$`},
	"path":        {checkPath, `^/[^\s]*$`},
	"file":        {checkFile, `^[^\x00\n]+$`},
	"text":        {checkText, `^[^\x00-\x1f\x7f]*$`},
	"body":        {checkBody, `^[^\x00-\x1f\x7f]*$`},
	"number":      {checkText, `^[^\x00-\x1f\x7f]*$`},
	"name":        {checkName, namePattern},
	"route":       {checkRoute, routePattern},
	"token":       {checkToken, tokenPattern},
	"srv":         {checkSRV, `^_[^\s./]+\._[^\s./]+\.[^\s/]+$`},
	"hashon":      {checkHashOn, "^(client|path|host|(header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]+)$"},
}

const (
	namePattern  = `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`
	routePattern = `^[A-Za-z0-9._:~+@!$-]{1,128}$`
	tokenPattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" // token of RFC 9110 section 5.6.2
)

var (
	nameForm  = regexp.MustCompile(namePattern)
	routeForm = regexp.MustCompile(routePattern)
	tokenForm = regexp.MustCompile(tokenPattern)
	hostForm  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$`)
	dotted    = regexp.MustCompile(`^[0-9.]+$`)
)

func orNone(check func(string) (string, string, string)) func(string) (string, string, string) {
	return func(text string) (string, string, string) {
		if text == "none" {
			return text, "", ""
		}
		return check(text)
	}
}

// splitPort cuts the port off "host:port"; an IPv6 address keeps no brackets.
func splitPort(text string) (host, port string, ok bool) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return text, "", false
	}
	host, port = text[:at], text[at+1:]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1], port, true
	}
	return host, port, !strings.Contains(host, ":") && !strings.Contains(host, "]")
}

// parsePort reads a port, hint says which one Tomcat would use.
func parsePort(text, hint string) (port int, what, cure string) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, fmt.Sprintf("port %q is not a number", text), "ports are 1 to 65535" + hint
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Sprintf("port %s is out of range", text), "ports are 1 to 65535" + hint
	}
	return port, "", ""
}

// checkHost accepts names and IP addresses, IPv6 without brackets.
func checkHost(text string) (kept, what, cure string) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, "", ""
	}
	switch {
	case dotted.MatchString(text):
		return "", fmt.Sprintf("%q is not an IP address", text), "write four numbers from 0 to 255, or a name"
	case strings.Contains(text, ":"):
		return "", fmt.Sprintf("%q is not a host", text), "an IPv6 address with a port is written [::1]:8080"
	case len(text) > 253 || !hostForm.MatchString(text):
		return "", fmt.Sprintf("%q is not a host", text), "write a name or an IP address"
	}
	return strings.ToLower(text), "", ""
}

func checkHostPort(text string) (kept, what, cure string) {
	host, port, ok := splitPort(text)
	if !ok {
		return "", fmt.Sprintf("%q is not host:port", text), "write for example 127.0.0.1:4000 or [::1]:4000"
	}
	if host, what, cure = checkHost(host); what != "" {
		return "", what, cure
	}
	n, what, cure := parsePort(port, "")
	return joinHostPort(host, n), what, cure
}

func checkListen(text string) (kept, what, cure string) {
	host, port, ok := "", text, true
	if strings.Contains(text, ":") {
		host, port, ok = splitPort(text)
	}
	if strings.Contains(text, "/") || !ok {
		return "", fmt.Sprintf("%q is not an address to listen on", text), "write a port, :port or host:port; an IPv6 address is written [::1]:80"
	}
	if !strings.Contains(text, ":") && strings.Trim(text, "0123456789-") != "" {
		return "", fmt.Sprintf("%q has no port", text), "write " + text + ":80"
	}
	n, what, cure := parsePort(port, "")
	if what != "" {
		return "", what, cure
	}
	if host == "*" {
		host = ""
	}
	if host != "" {
		if host, what, cure = checkHost(host); what != "" {
			return "", what, cure
		}
	}
	return joinHostPort(host, n), "", ""
}

func checkHostPattern(text string) (kept, what, cure string) {
	if host, _, ok := splitPort(text); ok && host != "" {
		return "", fmt.Sprintf("%q has a port", text), "write the host alone; requests to every port match"
	}
	text = strings.TrimSuffix(text, ".") // the root label changes nothing
	rest := strings.TrimPrefix(text, "*.")
	if strings.Contains(rest, "*") {
		return "", fmt.Sprintf("%q has a * in the wrong place", text), "write *.example for every host below example"
	}
	kept, what, cure = checkHost(rest)
	if rest != text {
		kept = "*." + kept
	}
	return kept, what, cure
}

func checkAuthority(text string) (kept, what, cure string) {
	if strings.Contains(text, ":") {
		return checkHostPort(text)
	}
	return checkHost(text)
}

func checkPattern(text string) (kept, what, cure string) {
	bad := func(cure string) (string, string, string) {
		return "", fmt.Sprintf("%q is not a path pattern", text), cure
	}
	literal := text
	switch {
	case strings.HasPrefix(text, "*."):
		if literal = text[2:]; literal == "" || strings.Contains(literal, "/") {
			return bad("a suffix is written *.jsp")
		}
	case text == "*" || text == "/*":
		return bad("everything is written /")
	case strings.HasSuffix(text, "/*") && strings.HasPrefix(text, "/"):
		return bad("a prefix is written without the star: " + text[:len(text)-1])
	case strings.HasPrefix(text, "=/"), strings.HasPrefix(text, "/"):
		literal = strings.TrimPrefix(text, "=")
	default:
		return bad("write /shop/ for a prefix, =/login for one path, *.jsp for a suffix")
	}
	switch {
	case strings.Contains(literal, "*"):
		return bad("a * may only begin a suffix, as in *.jsp")
	case strings.ContainsAny(literal, "?#;") || !printable(literal) || strings.Contains(literal, " "):
		return bad("a pattern sees the path alone, without blanks, ?query and ;parameters")
	case strings.Contains(literal, "//"), strings.Contains(literal+"/", "/./"), strings.Contains(literal+"/", "/../"):
		return bad("paths are compared after //, . and .. are resolved, so this would never match")
	}
	return text, "", ""
}

func checkPath(text string) (kept, what, cure string) {
	if !strings.HasPrefix(text, "/") || strings.Contains(text, " ") || !printable(text) {
		return "", fmt.Sprintf("%q is not a path", text), "a path begins with / and has no blanks"
	}
	return text, "", ""
}

func checkFile(text string) (kept, what, cure string) {
	if text == "" || len(text) > 4096 || !printable(text) {
		return "", fmt.Sprintf("%q is not a file name", text), "write the path of a file"
	}
	return text, "", ""
}

func checkText(text string) (kept, what, cure string) {
	if !printable(text) || len(text) > 1024 {
		return "", "the text has control characters or is longer than 1024 bytes", "write plain text on one line"
	}
	return text, "", ""
}

// checkBody is a text or, after a tilde, a regular expression.
func checkBody(text string) (kept, what, cure string) {
	if kept, what, cure = checkText(text); what != "" {
		return kept, what, cure
	}
	pattern, isPattern := strings.CutPrefix(text, "~")
	if !isPattern {
		return text, "", ""
	}
	if pattern == "" {
		return "", fmt.Sprintf("%q has no regular expression", text), "write for example ~^OK, or a text without ~"
	}
	if _, err := regexp.Compile(pattern); err != nil {
		why := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return "", fmt.Sprintf("%q is not a regular expression: %s", text, why), "write it as RE2 does, or a text without ~"
	}
	return text, "", ""
}

func checkName(text string) (kept, what, cure string) {
	switch strings.ToLower(text) {
	case "yes", "no", "on", "off", "true", "false", "null", "y", "n", "~":
		return "", fmt.Sprintf("%q cannot be a name", text), "some YAML readers take it for a truth value; choose another word"
	}
	if !nameForm.MatchString(text) {
		return "", fmt.Sprintf("%q cannot be a name", text), "names have up to 64 letters, digits, dots, hyphens and underscores and begin with a letter or digit"
	}
	return text, "", ""
}

func checkRoute(text string) (kept, what, cure string) {
	if !routeForm.MatchString(text) {
		return "", fmt.Sprintf("%q is not a route", text), "write what server.xml has in jvmRoute: letters, digits and . _ - : ~ + @ ! $"
	}
	return text, "", ""
}

func checkToken(text string) (kept, what, cure string) {
	if !tokenForm.MatchString(text) {
		return "", fmt.Sprintf("%q is not a cookie or parameter name", text), "write the bare name, for example JSESSIONID"
	}
	return text, "", ""
}

// srvSchemes are the protocols by the first label of an SRV name (RFC 2782).
var srvSchemes = map[string]string{"_ajp": "ajp", "_ajp13": "ajp", "_http": "http", "_https": "https"}

// SRVScheme is the protocol that an SRV name of the language stands for.
func SRVScheme(name string) string {
	label, _, _ := strings.Cut(name, ".")
	return srvSchemes[label]
}

func checkSRV(text string) (kept, what, cure string) {
	text = strings.ToLower(strings.TrimSuffix(text, "."))
	labels := strings.SplitN(text, ".", 3)
	if len(labels) < 3 || labels[1] != "_tcp" || !hostForm.MatchString(labels[2]) || strings.Contains(text+".", "..") || len(text) > 253 {
		return "", fmt.Sprintf("%q is not an SRV name", text), "write for example _ajp._tcp.example"
	}
	if srvSchemes[labels[0]] == "" {
		return "", fmt.Sprintf("%q names no protocol that members speak", labels[0]), "it can be _ajp, _http or _https"
	}
	return text, "", ""
}

func checkHashOn(text string) (kept, what, cure string) {
	words := []string{"client", "path", "host"}
	for _, word := range words {
		if text == word {
			return text, "", ""
		}
	}
	kind, name, found := strings.Cut(text, ":")
	if found && (kind == "header" || kind == "cookie") && tokenForm.MatchString(name) {
		return text, "", ""
	}
	return "", fmt.Sprintf("%q is nothing to hash on", text), "write client, path, host, header:NAME or cookie:NAME"
}

// printable reports whether a text has no control characters.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
