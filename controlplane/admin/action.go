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

// Action asks for a member's state, or for its weight.
type Action struct {
	Pool, Member string
	State        overrides.State // "": it is about the weight
	Weight       int             // with State "": the weight, 0 for that of the file
	Owner        string          // who asked
	Reason       string          // "" when none was given
	For          time.Duration   // 0: until taken back
}

// ActionResult tells what came of it.
type ActionResult struct {
	Pool         string              `json:"pool"`
	Member       string              `json:"member"`
	State        compile.State       `json:"state"`  // the member's state now; "" when it is not there, see Why
	Weight       int                 `json:"weight"` // and its weight
	Why          string              `json:"why"`
	Override     *overrides.Override `json:"override,omitempty"`        // nil: the state is as the file says
	WeightBy     *overrides.Override `json:"weight_override,omitempty"` // nil: the weight is as the file says
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

// body is the JSON of an action. All of it is optional but one of Weight and
// Reset, which belong to /weight alone.
type body struct {
	Reason string `json:"reason"`
	For    string `json:"for"`
	Weight *int   `json:"weight,omitempty"`
	Reset  bool   `json:"reset,omitempty"` // the weight of the file again
}

const (
	maxBody   = 4 << 10 // bytes
	maxReason = 200     // characters
	maxFor    = 366 * 24 * time.Hour
)

func (s *Server) setMember(w http.ResponseWriter, r *http.Request) {
	state, err := overrides.ParseState(r.PathValue("state"))
	if err != nil {
		refuse(w, http.StatusNotFound, err.Error(), "post to .../ready, .../drain, .../stop or .../weight")
		return
	}
	s.act(w, r, func(b *body, a *Action) *Refusal {
		a.State = state
		if b.Weight != nil || b.Reset {
			return &Refusal{Status: http.StatusBadRequest, What: "a state has no weight", Cure: "post the weight to .../weight"}
		}
		return nil
	})
}

func (s *Server) setWeight(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, func(b *body, a *Action) *Refusal {
		switch {
		case b.Reset && b.Weight == nil:
			if b.For != "" {
				return &Refusal{Status: http.StatusBadRequest, What: "a weight cannot be reset for a while", Cure: "leave out for"}
			}
			return nil
		case b.Reset || b.Weight == nil:
			return &Refusal{Status: http.StatusBadRequest, What: "which weight is not clear", Cure: `send {"weight": 3}, or {"reset": true}`}
		}
		a.Weight = *b.Weight
		return badWeight(a.Weight)
	})
}

// badWeight says what is wrong with a weight; nil when nothing is.
func badWeight(n int) *Refusal {
	switch err := overrides.CheckWeight(n); {
	case n == 0:
		return &Refusal{Status: http.StatusBadRequest, What: "weight 0 does not stop a member", Cure: "to give it no new sessions, drain it"}
	case err != nil:
		return &Refusal{Status: http.StatusBadRequest, What: err.Error(), Cure: "weights count in relation to those of the other members"}
	}
	return nil
}

// act carries out what about puts into the action.
func (s *Server) act(w http.ResponseWriter, r *http.Request, about func(*body, *Action) *Refusal) {
	b, bad := parseBody(http.MaxBytesReader(w, r.Body, maxBody))
	if bad != nil {
		answer(w, bad.Status, bad)
		return
	}
	a := Action{Pool: r.PathValue("pool"), Member: r.PathValue("member"), Owner: owner(r), Reason: b.Reason}
	if bad := about(&b, &a); bad != nil {
		answer(w, bad.Status, bad)
		return
	}
	if b.For != "" {
		var err error
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
	return b, badReason(b.Reason)
}

// badReason says what is wrong with a reason; nil when nothing is.
func badReason(reason string) *Refusal {
	if n := len([]rune(reason)); n > maxReason {
		return &Refusal{Status: http.StatusBadRequest, What: "the reason is too long", Cure: "200 characters are enough"}
	}
	for _, c := range reason {
		if c < ' ' || c == 0x7f {
			return &Refusal{Status: http.StatusBadRequest, What: "the reason has control characters", Cure: "write one line"}
		}
	}
	return nil
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
