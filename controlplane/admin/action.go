package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/overrides"
)

// Action asks for a member's state.
type Action struct {
	Pool, Member string
	State        overrides.State
	Owner        string        // who asked
	Reason       string        // "" when none was given
	For          time.Duration // 0: until taken back
}

// ActionResult tells what came of it.
type ActionResult struct {
	Pool         string              `json:"pool"`
	Member       string              `json:"member"`
	State        compile.State       `json:"state"` // the member's state now
	Why          string              `json:"why"`
	Override     *overrides.Override `json:"override,omitempty"` // nil: as the file says
	TableVersion uint64              `json:"table_version"`
	Warning      string              `json:"warning,omitempty"` // "this was the last member of pool app"
}

// ReloadResult tells what a reload did.
type ReloadResult struct {
	Applied      bool             `json:"applied"`
	Path         string           `json:"path"`
	Digest       string           `json:"digest"` // of what runs now
	TableVersion uint64           `json:"table_version"`
	Changes      []compile.Change `json:"changes"`
	Took         float64          `json:"took_seconds"`
	Problems     config.Problems  `json:"problems,omitempty"` // warnings when applied, errors when not
	// What and Cure are set when nothing was applied.
	What string `json:"error,omitempty"`
	Cure string `json:"cure,omitempty"`
}

// body is the JSON of an action. All of it is optional.
type body struct {
	Reason string `json:"reason"`
	For    string `json:"for"`
}

const (
	maxBody   = 4 << 10 // bytes
	maxReason = 200     // characters
	maxFor    = 366 * 24 * time.Hour
)

func (s *Server) setMember(w http.ResponseWriter, r *http.Request) {
	state, err := overrides.ParseState(r.PathValue("state"))
	if err != nil {
		refuse(w, http.StatusNotFound, err.Error(), "post to .../ready, .../drain or .../stop")
		return
	}
	b, bad := parseBody(http.MaxBytesReader(w, r.Body, maxBody))
	if bad != nil {
		answer(w, bad.Status, bad)
		return
	}
	a := Action{
		Pool: r.PathValue("pool"), Member: r.PathValue("member"), State: state,
		Owner: owner(r), Reason: b.Reason,
	}
	if b.For != "" {
		a.For, err = time.ParseDuration(b.For)
		if err != nil || a.For < time.Second || a.For > maxFor {
			refuse(w, http.StatusBadRequest, "for "+quote(b.For)+" is no duration between 1s and a year", "write it like 30m or 2h")
			return
		}
	}
	result, err := s.c.SetMember(r.Context(), a)
	if err != nil {
		refuseWith(w, err)
		return
	}
	answer(w, http.StatusOK, result)
}

func parseBody(in io.Reader) (body, *Refusal) {
	const cure = `send {"reason": "deploy 4.2", "for": "30m"}, or nothing`
	var b body
	dec := json.NewDecoder(in)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil && !errors.Is(err, io.EOF) {
		return b, &Refusal{Status: http.StatusBadRequest, What: "the body is not understood", Cure: cure}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return b, &Refusal{Status: http.StatusBadRequest, What: "something follows the body", Cure: cure}
	}
	if n := len([]rune(b.Reason)); n > maxReason {
		return b, &Refusal{Status: http.StatusBadRequest, What: "the reason is too long", Cure: "200 characters are enough"}
	}
	for _, c := range b.Reason {
		if c < ' ' || c == 0x7f {
			return b, &Refusal{Status: http.StatusBadRequest, What: "the reason has control characters", Cure: "write one line"}
		}
	}
	return b, nil
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	result, err := s.c.Reload(r.Context(), owner(r))
	switch {
	case err != nil:
		refuseWith(w, err)
	case !result.Applied:
		answer(w, http.StatusConflict, result)
	default:
		answer(w, http.StatusOK, result)
	}
}

// owner names who asked, for events and overrides.
func owner(r *http.Request) string {
	who, _ := r.Context().Value(callerKey{}).(caller)
	if who.owner == "" {
		return "unknown"
	}
	return who.owner
}
