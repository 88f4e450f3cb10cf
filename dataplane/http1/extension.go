package http1

const (
	whyExtension    = "bad chunk extension"
	whyExtensionBig = "chunk extension too large"
)

// extensions walks over chunk-ext at the start of b (RFC 9112 section 7.1.1)
// and returns the index of the carriage return after it, or -1 when b ends
// before that. They are dropped, never passed on, but a reader that skips them
// carelessly ends a line elsewhere than its neighbour does.
//
//	chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
func extensions(b []byte) (n int, why string) {
	// Nothing beyond the bound is looked at, so that the verdict does not
	// depend on how much of the line has come already.
	if len(b) > MaxExtension+1 {
		b = b[:MaxExtension+1]
	}
	n, why = walkExtensions(b)
	if why == "" && n < 0 && len(b) > MaxExtension {
		return 0, whyExtensionBig
	}
	return n, why
}

func walkExtensions(b []byte) (n int, why string) {
	for i := 0; ; {
		if i = skipBlank(b, i); i == len(b) {
			return -1, ""
		}
		if b[i] != ';' {
			return 0, whyExtension
		}
		start := skipBlank(b, i+1)
		if i = skipToken(b, start); i == len(b) {
			return -1, ""
		}
		if i == start {
			return 0, whyExtension
		}
		if b[i] == '\r' {
			return i, ""
		}
		if i = skipBlank(b, i); i == len(b) {
			return -1, ""
		}
		if b[i] != '=' {
			continue
		}
		if start = skipBlank(b, i+1); start == len(b) {
			return -1, ""
		}
		if b[start] == '"' {
			if i, why = skipQuoted(b, start+1); why != "" {
				return 0, why
			}
		} else if i = skipToken(b, start); i == start {
			return 0, whyExtension
		}
		if i == len(b) {
			return -1, ""
		}
		if b[i] == '\r' {
			return i, ""
		}
	}
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

func skipToken(b []byte, i int) int {
	for i < len(b) && class[b[i]]&cToken != 0 {
		i++
	}
	return i
}

// skipQuoted returns the index after the closing quote of a quoted-string whose
// opening one is before i, or len(b) when b ends first.
func skipQuoted(b []byte, i int) (int, string) {
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, ""
		case c == '\\':
			if i++; i < len(b) && class[b[i]]&cText == 0 {
				return 0, whyExtension
			}
		case class[c]&cQuoted == 0:
			return 0, whyExtension
		}
	}
	return len(b), ""
}
