package basetensim

import (
	"fmt"
	"time"
)

// Switch is a named trouble that can be turned on and off while the server
// runs.
type Switch struct {
	Name string `json:"name"`
	Text string `json:"text"` // one sentence
	On   bool   `json:"on"`
}

// trouble is what a switch turns on.
type trouble struct {
	name, text string
	fault      Fault
}

func troubles() []trouble {
	return []trouble{
		{"slow-apply", "A change is accepted but takes 20 seconds to be in force.", Fault{Kind: SlowApply, Delay: 20 * time.Second}},
		{"stale-read", "For 10 seconds after a change, reads still show the old settings.", Fault{Kind: StaleRead, Delay: 10 * time.Second}},
		{"rate-limit", "Every change is refused with 429 and a wait of 3 seconds.", Fault{Kind: RateLimited, Method: "PATCH", RetryAfter: 3 * time.Second}},
		{"rate-limit-reads", "Every read is refused with 429 and a wait of 3 seconds.", Fault{Kind: RateLimited, Method: "GET", RetryAfter: 3 * time.Second}},
		{"lost-answer", "A change is made, then the connection breaks before the answer.", Fault{Kind: CommitThenReset, Method: "PATCH"}},
		{"error-after-commit", "A change is made, then the answer is an error 500.", Fault{Kind: CommitThen500, Method: "PATCH"}},
		{"reset", "The connection breaks before a change is read.", Fault{Kind: ResetBeforeRead, Method: "PATCH"}},
		{"hang", "A change gets no answer until this is switched off, and is then made.", Fault{Kind: Hang, Method: "PATCH"}},
		{"slow-answers", "Every answer takes 5 seconds.", Fault{Kind: Delay, Delay: 5 * time.Second}},
		{"server-error", "Every change is answered with an error 500.", Fault{Kind: ServerError, Method: "PATCH"}},
		{"bad-gateway", "Everything is answered with a 502 page in HTML.", Fault{Kind: BadGateway}},
		{"unavailable", "Everything is answered with 503.", Fault{Kind: Unavailable}},
		{"key-revoked", "The API key is no longer accepted.", Fault{Kind: Refused, Status: 401, Shape: ErrorKey, Text: "Invalid API key or authorization scheme."}},
		{"forbidden-production", "The key may not change production.", Fault{Kind: Refused, Method: "PATCH", Path: "/v1/models/*/environments/production",
			Status: 403, Shape: DetailKey, Text: "You do not have permission to manage environment production."}},
		{"no-audit-log", "The key may not read who changed settings.", Fault{Kind: Refused, Method: "GET", Path: "/v1/models/*/audit_logs",
			Status: 403, Shape: DetailKey, Text: "You do not have permission to view audit logs."}},
		{"replica-limit", "Every change is refused because of the organization's replica limit.", Fault{Kind: Refused, Method: "PATCH", Text: "max_replica cannot exceed 10 for your organization."}},
		{"no-status", "Answers to changes carry neither status nor message.", Fault{Kind: MissingStatus, Method: "PATCH"}},
		{"unknown-status", "Answers to changes carry the unknown status word SCHEDULED.", Fault{Kind: UnknownStatusWord, Method: "PATCH"}},
		{"garbage", "Answers break off in the middle of the JSON.", Fault{Kind: BodyGarbage}},
	}
}

// Switches lists the named troubles, in the order in which to show them.
func (s *Server) Switches() []Switch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listSwitches()
}

func (s *Server) listSwitches() []Switch {
	all := troubles()
	out := make([]Switch, 0, len(all))
	for _, t := range all {
		out = append(out, Switch{t.name, t.text, s.switches[t.name] != nil})
	}
	return out
}

// SetSwitch turns a named trouble on or off. What it held goes on when it is
// turned off. It returns an error if there is no such switch.
func (s *Server) SetSwitch(name string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range troubles() {
		if t.name != name {
			continue
		}
		in := s.switches[name]
		switch {
		case on && in == nil:
			s.switches[name] = s.inject(t.fault)
		case !on && in != nil:
			delete(s.switches, name)
			in.clear()
		}
		return nil
	}
	return fmt.Errorf("basetensim: no switch %s", name)
}
