package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/catherd/catherd/controlplane/guard"
)

// guardBody is the JSON of a change of the guard. With confirm all of it is empty.
type guardBody struct {
	Prefix        string `json:"prefix,omitempty"`
	Reason        string `json:"reason,omitempty"`
	For           string `json:"for,omitempty"`
	ConfirmWithin string `json:"confirm_within,omitempty"`
	// From is the address that the operator of a local command line is connected from.
	From string `json:"from,omitempty"`
}

// guardRoutes are the paths of the guard.
func (s *Server) guardRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/guard", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, s.c.Guard())
	})
	mux.HandleFunc("POST /api/v1/guard/{verb}", s.changeGuard)
}

func (s *Server) changeGuard(w http.ResponseWriter, r *http.Request) {
	c, bad := parseGuard(guard.Verb(r.PathValue("verb")), http.MaxBytesReader(w, r.Body, maxBody))
	if bad != nil {
		answer(w, bad.Status, bad)
		return
	}
	c.Owner = owner(r)
	if who, _ := r.Context().Value(callerKey{}).(caller); !who.local {
		// What the socket says is worth more than what the request says.
		c.From, _ = netip.ParseAddr(who.owner)
	}
	result, err := s.c.ChangeGuard(r.Context(), c)
	if err != nil {
		refuseWith(w, err)
		return
	}
	answer(w, http.StatusOK, result)
}

// parseGuard reads a change of the guard.
func parseGuard(verb guard.Verb, in io.Reader) (c guard.Change, bad *Refusal) {
	const cure = `send {"prefix": "192.0.2.0/24", "reason": "scanner", "for": "10m"}`
	refused := func(what, cure string) (guard.Change, *Refusal) {
		return guard.Change{}, &Refusal{Status: http.StatusBadRequest, What: what, Cure: cure}
	}
	switch verb {
	case guard.AddDeny, guard.AddAllow, guard.Remove, guard.Confirm:
	default:
		return c, &Refusal{Status: http.StatusNotFound, What: "the guard cannot " + quote(string(verb)), Cure: "post to .../deny, .../allow, .../remove or .../confirm"}
	}
	var b guardBody
	dec := json.NewDecoder(in)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil && !errors.Is(err, io.EOF) {
		return refused("the body is not understood", cure)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refused("something follows the body", cure)
	}
	c = guard.Change{Verb: verb, Reason: b.Reason}
	if bad := badReason(b.Reason); bad != nil {
		return c, bad
	}
	if verb == guard.Confirm {
		if b != (guardBody{}) {
			return refused("what is confirmed has been said", "send nothing")
		}
		return c, nil
	}
	var err error
	if c.Prefix, err = guard.ParsePrefix(b.Prefix); err != nil {
		return refused("prefix "+quote(b.Prefix)+" is not an address or network", "write for example 10.0.0.7, 10.0.0.0/8 or 2001:db8::/48")
	}
	if b.For != "" {
		if c.For, err = time.ParseDuration(b.For); err != nil || c.For < time.Second || c.For > maxFor || verb == guard.Remove {
			return refused("for "+quote(b.For)+" is no duration between 1s and a year", "write it like 30m or 2h, and not with remove")
		}
	}
	if b.ConfirmWithin != "" {
		if c.ConfirmWithin, err = time.ParseDuration(b.ConfirmWithin); err != nil || c.ConfirmWithin < time.Second || c.ConfirmWithin > guard.MaxConfirmTime {
			return refused("confirm_within "+quote(b.ConfirmWithin)+" is no duration between 1s and 1h", "write it like 30s or 2m")
		}
	}
	if b.From != "" {
		if c.From, err = netip.ParseAddr(b.From); err != nil {
			return refused("from "+quote(b.From)+" is no address", "write the address that you are connected from, or leave it out")
		}
	}
	return c, nil
}

// Guard returns the answer of /api/v1/guard.
func (c *Client) Guard(ctx context.Context) (s guard.Status, err error) {
	err = c.get(ctx, "/api/v1/guard", &s)
	return s, err
}

// ChangeGuard asks for other rules. Owner of the change is not sent: the process asks
// the kernel who that is.
func (c *Client) ChangeGuard(ctx context.Context, g guard.Change) (r guard.Result, err error) {
	b := guardBody{Reason: g.Reason}
	if g.Prefix.IsValid() {
		b.Prefix = g.Prefix.String()
	}
	if g.For > 0 {
		b.For = g.For.String()
	}
	if g.ConfirmWithin > 0 {
		b.ConfirmWithin = g.ConfirmWithin.String()
	}
	if g.From.IsValid() {
		b.From = g.From.String()
	}
	_, data, err := c.ask(ctx, http.MethodPost, "/api/v1/guard/"+url.PathEscape(string(g.Verb)), b)
	if err != nil {
		return r, err
	}
	err = c.decode(data, &r)
	return r, err
}
