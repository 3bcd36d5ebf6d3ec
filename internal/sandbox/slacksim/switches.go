package slacksim

import (
	"fmt"
	"time"
)

// Switch is a fault with a name, for a page with switches. A momentary one does
// its work when it is turned on and is never on afterwards.
type Switch struct {
	Name      string `json:"name"`
	Text      string `json:"text"`
	On        bool   `json:"on"`
	Momentary bool   `json:"momentary"`
}

// wiring is a switch and what it does. turn returns how to turn it off again, which
// is nil for a momentary one.
type wiring struct {
	name, text string
	momentary  bool
	turn       func(s *Server) (off func())
}

// switchList lists the switches in the order shown.
func switchList() []wiring {
	fault := func(faults ...Fault) func(*Server) func() {
		return func(s *Server) func() {
			var cancels []func()
			for _, f := range faults {
				cancels = append(cancels, s.Fault(f))
			}
			return func() {
				for _, cancel := range cancels {
					cancel()
				}
			}
		}
	}
	disconnect := func(reason string) func(*Server) func() {
		return func(s *Server) func() {
			for _, k := range s.Sockets() {
				k.Disconnect(reason)
			}
			return nil
		}
	}
	return []wiring{
		{"deaf-socket", "Make one socket deaf: it stays open, but nothing gets through.", true, func(s *Server) func() {
			for _, k := range s.Sockets() {
				if !k.Deaf && !k.Leaving {
					k.Blackhole()
					break
				}
			}
			return nil
		}},
		{"drop-acks", "Acknowledgements are lost on their way to Slack.", false, func(s *Server) func() {
			s.DropAcks(true)
			return func() { s.DropAcks(false) }
		}},
		{"socket-mode-off", "Socket Mode is switched off: every connection is told link_disabled.", false, func(s *Server) func() {
			s.DisableSocketMode(true)
			return func() { s.DisableSocketMode(false) }
		}},
		{"refuse-open", "New sockets are refused: apps.connections.open answers 429.", false, fault(Fault{
			Method: "apps.connections.open", Kind: FaultRateLimited, RetryAfter: 2 * time.Second})},
		{"rate-limited", "Posting and editing answer 429.", false, fault(Fault{Method: "chat.*", Kind: FaultRateLimited, RetryAfter: 2 * time.Second})},
		{"rate-limited-bare", "Posting and editing answer 429 without saying for how long.", false, fault(
			Fault{Method: "chat.*", Kind: FaultRateLimited, NoHeader: true})},
		{"server-error", "The Web API answers 500 and does nothing.", false, fault(Fault{Method: "*", Kind: FaultServerError})},
		{"error-after-commit", "Posts and edits are done, but the answer is 500.", false, fault(
			Fault{Method: "chat.*", Kind: FaultServerErrorCommit}, Fault{Method: ResponseURL, Kind: FaultServerErrorCommit})},
		{"reset-after-commit", "Posts and edits are done, but the connection is reset.", false, fault(Fault{Method: "chat.*", Kind: FaultResetCommit})},
		{"slow", "The Web API takes two seconds.", false, fault(Fault{Method: "*", Kind: FaultDelay, Delay: 2 * time.Second})},
		{"hang", "The Web API does not answer.", false, fault(Fault{Method: "*", Kind: FaultHang})},
		{"disconnect-warning", "Disconnect all sockets: warning.", true, disconnect(ReasonWarning)},
		{"disconnect-refresh", "Disconnect all sockets: refresh_requested.", true, disconnect(ReasonRefresh)},
		{"disconnect-too-many", "Disconnect all sockets: too_many_websockets.", true, disconnect(ReasonTooManySockets)},
		{"disconnect-link-disabled", "Disconnect all sockets once: link_disabled.", true, disconnect(ReasonLinkDisabled)},
		{"kill-sockets", "Reset all sockets.", true, func(s *Server) func() {
			for _, k := range s.Sockets() {
				k.Kill()
			}
			return nil
		}},
	}
}

// Switches lists the named faults.
func (s *Server) Switches() []Switch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.switchesLocked()
}

func (s *Server) switchesLocked() []Switch {
	out := []Switch{}
	for _, b := range switchList() {
		_, on := s.switches[b.name]
		out = append(out, Switch{Name: b.name, Text: b.text, On: on, Momentary: b.momentary})
	}
	return out
}

// SetSwitch turns a named fault on or off. Setting it to what it is does nothing.
func (s *Server) SetSwitch(name string, on bool) error {
	for _, b := range switchList() {
		if b.name == name {
			s.setSwitch(b, on)
			return nil
		}
	}
	return fmt.Errorf("no switch %q", name)
}

func (s *Server) setSwitch(b wiring, on bool) {
	s.mu.Lock()
	off, isOn := s.switches[b.name]
	if isOn == on {
		s.mu.Unlock()
		return
	}
	// The place is taken before the work, so that two callers do it once.
	if on {
		s.switches[b.name] = func() {}
	} else {
		delete(s.switches, b.name)
	}
	s.mu.Unlock()
	if !on {
		off()
	} else {
		off = b.turn(s)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !on:
	case b.momentary:
		delete(s.switches, b.name)
	default:
		s.switches[b.name] = off
	}
	s.touchLocked()
}
