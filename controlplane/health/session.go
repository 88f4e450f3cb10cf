package health

import (
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/sticky"
)

// Session is the session that a member has begun for a health request. A page
// that begins one would begin another with each probe, and a Tomcat would fill up
// with sessions that nobody uses: that is why a probe goes on with that of the
// last one.
type Session struct {
	Cookie string // "name=value", to be sent with the next request
	Route  string // the member's jvmRoute; empty when the session has none
}

// maxCookie bounds a cookie that is sent back, in bytes: a larger one is none of
// a session.
const maxCookie = 1024

// tomcats is the session cookie of a Tomcat that is not told otherwise
// (SessionConfig.DEFAULT_SESSION_COOKIE_NAME).
var tomcats = []string{"JSESSIONID"}

// begun reads a Set-Cookie field of the answer to a request with the cookie sent.
// The zero value: it begins no session, or it only repeats what was sent, which
// says nothing about the member.
func (r *Request) begun(sent string, field []byte) Session {
	if len(field) > 4*maxCookie {
		return Session{}
	}
	// Tomcat begins a session whether or not clients' requests are to find theirs.
	where := r.Session
	where.Off = false
	if len(where.Cookies) == 0 {
		where.Cookies = tomcats
	}
	c, ok := sticky.ReadSetCookie(&where, field)
	if !ok || c.Ends(time.Now().UnixNano()) || len(c.Name)+len(c.Value) >= maxCookie {
		return Session{}
	}
	s := Session{Cookie: c.Name + "=" + string(c.Value), Route: string(c.Route)}
	if s.Cookie == sent {
		return Session{}
	}
	if r.Session.Off {
		s.Route = "" // nobody asks for it
	}
	return s
}

// begunAJP is begun for all fields of an answer over AJP.
func (r *Request) begunAJP(sent string, fields []ajp.HeaderField) (s Session) {
	for i := 0; i < len(fields) && s.Cookie == ""; i++ {
		if http1.Lookup(fields[i].Name) == http1.SetCookie {
			s = r.begun(sent, fields[i].Value)
		}
	}
	return s
}

// begunHTTP is begun for all fields of an answer over HTTP.
func (r *Request) begunHTTP(sent string, fields []string) (s Session) {
	for i := 0; i < len(fields) && s.Cookie == ""; i++ {
		s = r.begun(sent, []byte(fields[i]))
	}
	return s
}

// jar keeps a member's session from one health request to the next.
type jar struct {
	cookie string
}

// take looks at a sample. known reports whether a route is the member's; as long
// as that is not so the next request begins a session again, so that the member
// shows its route once more: a route that is known is only given up when
// another one is shown several times.
func (j *jar) take(s *Sample, known func(route string) bool) {
	if !s.OK {
		// What is back after a failure may be another JVM, and one of a cluster
		// would take the old session over without a word.
		j.cookie = ""
	}
	if s.Session.Cookie == "" {
		return
	}
	j.cookie = ""
	if s.Session.Route == "" || known(s.Session.Route) {
		j.cookie = s.Session.Cookie
	}
}
