package sticky

import "time"

// date reads a date as RFC 6265 section 5.1.1 wants it read: pieces of any
// order between delimiters, the first that looks like a time, a day, a month
// and a year. The result is exact to a second and in UTC.
func date(b []byte) (at time.Time, ok bool) {
	var clock [3]int
	var day, year int
	var month time.Month
	timed, dayed, yeared := false, false, false
	for len(b) > 0 {
		n := 0
		for n < len(b) && !delimiter(b[n]) {
			n++
		}
		piece := b[:n]
		if b = b[n:]; len(b) > 0 {
			b = b[1:]
		}
		if !timed {
			if clock, timed = hms(piece); timed {
				continue
			}
		}
		if !dayed {
			if day, dayed = number(piece, 1, 2); dayed {
				continue
			}
		}
		if month == 0 {
			if month = monthOf(piece); month != 0 {
				continue
			}
		}
		if !yeared {
			year, yeared = number(piece, 2, 4)
		}
	}
	switch {
	case year >= 70 && year <= 99:
		year += 1900
	case year >= 0 && year <= 69:
		year += 2000
	}
	if !timed || !dayed || month == 0 || !yeared || year < 1601 || clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return time.Time{}, false
	}
	at = time.Date(year, month, day, clock[0], clock[1], clock[2], 0, time.UTC)
	return at, at.Day() == day
}

func delimiter(c byte) bool {
	return c == '\t' || c >= ' ' && c <= '/' || c >= ';' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}

// number reads a number of so many digits at the begin of b; something that is
// no digit may follow.
func number(b []byte, least, most int) (v int, ok bool) {
	v, n := digits(b)
	return v, n >= least && n <= most
}

// digits reads the digits at the begin of b, and tells how many they are; a
// number of more than four is not worked out.
func digits(b []byte) (v, n int) {
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		if n < 4 {
			v = v*10 + int(b[n]-'0')
		}
		n++
	}
	return v, n
}

// hms reads "23:59:59".
func hms(b []byte) (v [3]int, ok bool) {
	for i := range v {
		n := 0
		if v[i], n = digits(b); n < 1 || n > 2 {
			return v, false
		}
		if b = b[n:]; i < 2 {
			if len(b) == 0 || b[0] != ':' {
				return v, false
			}
			b = b[1:]
		}
	}
	return v, true
}

const months = "janfebmaraprmayjunjulaugsepoctnovdec"

// monthOf is the month whose first three letters b begins with; 0 for none.
func monthOf(b []byte) time.Month {
	if len(b) < 3 {
		return 0
	}
	for i := 0; i < len(months); i += 3 {
		if same(b[:3], months[i:i+3]) {
			return time.Month(i/3 + 1)
		}
	}
	return 0
}
