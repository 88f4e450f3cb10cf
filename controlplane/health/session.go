package health

import (
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/sticky"
	"github.com/catherd/catherd/dataplane/table"
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

// Routes is what sessions of health requests are told to. Any goroutine may call its
// methods, which return at once.
type Routes interface {
	// Shown takes the route of a session that a member has begun, and reports
	// whether that is its route now. As long as it is not, the next health request
	// begins a session again.
	Shown(id table.ID, route string) bool
	// Doubtful reports whether another JVM may have another route by now. Then the
	// next health request begins a session again as well.
	Doubtful(id table.ID) bool
	// Doubt says that from now on another JVM may be there. What is shown after it
	// counts.
	Doubt(id table.ID)
}

// nobody is the Routes of whoever does not want to know.
type nobody struct{}

func (nobody) Shown(table.ID, string) bool { return true }
func (nobody) Doubtful(table.ID) bool      { return false }
func (nobody) Doubt(table.ID)              {}

// jar keeps a member's session from one health request to the next.
type jar struct {
	Session
	other bool // the next good answer may be that of another JVM
}

// empty is called when another JVM may be there from now on: one of a cluster would
// take the old session over without a word.
func (j *jar) empty() { *j = jar{other: true} }

// take looks at a sample. gone: nothing has vouched for the member's JVM up to it.
func (j *jar) take(id table.ID, s *Sample, gone bool, r Routes) {
	if !s.OK {
		j.Session, j.other = Session{}, j.other || gone
		return
	}
	if j.other {
		// Before what this answer shows, and after all that the old JVM has said.
		r.Doubt(id)
		j.other = false
	}
	if s.Session.Cookie == "" {
		return
	}
	j.Session = Session{}
	if s.Session.Route == "" || r.Shown(id, s.Session.Route) {
		j.Session = s.Session
	}
}

// cookie is what goes with the next health request.
func (j *jar) cookie(id table.ID, r Routes) string {
	if j.Route != "" && r.Doubtful(id) {
		return ""
	}
	return j.Cookie
}
