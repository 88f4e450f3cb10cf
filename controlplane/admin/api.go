package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/guard"
)

// Controller is what the API shows and steers. All methods may be called from
// any goroutine.
type Controller interface {
	Status() Status
	Events(after uint64) []Event
	// Config is the running configuration in its long form, secrets masked.
	Config() []byte
	Explain(q compile.Question) compile.Explanation
	// Ready reports whether every pool can serve; why says what is missing.
	Ready() (ok bool, why string)
	// SetMember changes a member's state or weight. A *Refusal says why it did not.
	SetMember(ctx context.Context, a Action) (ActionResult, error)
	// Reload reads the configuration file again. A *Refusal says why nothing
	// was applied.
	Reload(ctx context.Context, owner string) (ReloadResult, error)
	Guard() guard.Status
	// ChangeGuard changes what the kernel drops. A *Refusal says why it did not.
	ChangeGuard(ctx context.Context, c guard.Change) (guard.Result, error)
	// Beacons takes what Tomcat's HeartbeatListener posts; false when the path
	// is not one that the file gives to it.
	Beacons(path string) (http.Handler, bool)
}

// Refusal is an answer that is not what was asked for. Its JSON is
// {"error": ..., "cure": ...}.
type Refusal struct {
	Status int    `json:"-"` // HTTP
	What   string `json:"error"`
	Cure   string `json:"cure,omitempty"`
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Cure == "" {
		return r.What
	}
	return r.What + ": " + r.Cure
}

// routes is every path there is.
func (s *Server) routes(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, s.c.Status())
	})
	mux.HandleFunc("GET /api/v1/events", s.events)
	mux.HandleFunc("GET /api/v1/config", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(s.c.Config())
	})
	mux.HandleFunc("GET /api/v1/explain", s.explain)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ok, why := s.c.Ready(); !ok {
			plain(w, http.StatusServiceUnavailable, why)
			return
		}
		plain(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("POST /api/v1/members/{pool}/{member}/{state}", s.setMember)
	mux.HandleFunc("POST /api/v1/members/{pool}/{member}/weight", s.setWeight)
	mux.HandleFunc("POST /api/v1/reload", s.reload)
	mux.HandleFunc("POST /api/v1/upgrade", s.upgrade)
	s.guardRoutes(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux answers an unknown path and a wrong method in plain text;
		// clients of this API read JSON.
		h, pattern := mux.Handler(r)
		if pattern == "" {
			missing(w, r, h)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// missing answers what no pattern takes, with the status the mux would give.
func missing(w http.ResponseWriter, r *http.Request, h http.Handler) {
	probe := &statusOnly{header: http.Header{}}
	h.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		refuse(w, probe.status, r.Method+" is not possible here", "nouns are read with GET, changes are made with POST")
		return
	}
	refuse(w, http.StatusNotFound, "there is nothing at "+quote(r.URL.Path), "GET /api/v1/status shows what runs")
}

// statusOnly is a ResponseWriter that forgets the body.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	var after uint64
	if text := r.URL.Query().Get("after"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			refuse(w, http.StatusBadRequest, "after "+quote(text)+" is no number", "give the seq of the last event you have")
			return
		}
		after = n
	}
	answer(w, http.StatusOK, struct {
		Events []Event `json:"events"`
	}{s.c.Events(after)})
}

func (s *Server) explain(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	question := compile.Question{
		Method: q.Get("method"), Host: q.Get("host"), Path: q.Get("path"), Client: q.Get("client"), Cookies: q["cookie"],
	}
	if question.Method == "" {
		question.Method = http.MethodGet
	}
	if question.Path == "" {
		refuse(w, http.StatusBadRequest, "path is missing", "ask like /api/v1/explain?method=GET&path=/app/cart&cookie=JSESSIONID%3Dx.tomcat1")
		return
	}
	answer(w, http.StatusOK, s.c.Explain(question))
}

// answer writes v as indented JSON, because people read it too.
func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error": "this answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}

func refuse(w http.ResponseWriter, status int, what, cure string) {
	answer(w, status, &Refusal{What: what, Cure: cure})
}

// refuseWith answers with a Refusal's own status, or 500 for anything else.
func refuseWith(w http.ResponseWriter, err error) {
	var r *Refusal
	if errors.As(err, &r) {
		answer(w, r.Status, r)
		return
	}
	refuse(w, http.StatusInternalServerError, err.Error(), "")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}

// quote shows foreign text without letting it break out of the sentence.
func quote(s string) string {
	if len(s) > 100 {
		s = s[:100] + "..."
	}
	return strconv.QuoteToASCII(s)
}
