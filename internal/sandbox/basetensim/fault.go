package basetensim

import (
	"fmt"
	"path"
	"slices"
	"time"
)

// Kind says what goes wrong.
type Kind string

// The kinds of fault, by the moment at which they strike.
const (
	// ResetBeforeRead cuts the connection before the body is read: nothing is
	// done. Note that Go's own client then repeats a GET by itself.
	ResetBeforeRead Kind = "reset before read"

	// Delay waits for Fault.Delay, then goes on.
	Delay Kind = "delay"
	// Hang waits until Injected.Release or Clear, then carries the request out,
	// whether or not the client is still there: the late commit that a time-out
	// hides.
	Hang Kind = "hang"

	// RateLimited answers 429 with RetryAfter, where RetryIn says.
	RateLimited Kind = "rate limited"
	// ServerError answers 500 with a JSON error.
	ServerError Kind = "server error"
	// BadGateway answers 502 with a page of HTML, as the edge does.
	BadGateway Kind = "bad gateway"
	// Unavailable answers 503 with plain text.
	Unavailable Kind = "unavailable"
	// Refused answers Status (default 400) with Text in the given Shape.
	Refused Kind = "refused"

	// StaleRead makes GET show settings as they were before their last change,
	// for Delay after it; zero: until cleared.
	StaleRead Kind = "stale read"
	// SlowApply answers a PATCH as usual but carries it out after Delay; zero:
	// at Release or Clear.
	SlowApply Kind = "slow apply"

	// CommitThenReset carries the request out and cuts the connection.
	CommitThenReset Kind = "commit then reset"
	// CommitThen500 carries the request out and answers 500.
	CommitThen500 Kind = "commit then 500"
	// BodyGarbage answers with the right status and a body that breaks off, or
	// Text if given.
	BodyGarbage Kind = "garbage body"
	// MissingStatus leaves status and message out of a PATCH's answer.
	MissingStatus Kind = "missing status"
	// UnknownStatusWord puts Text (default SCHEDULED) in the place of the
	// status word of a PATCH's answer.
	UnknownStatusWord Kind = "unknown status word"
)

// Shape is the form of an error body.
type Shape string

// The shapes that clients of the real API have met.
const (
	CodeMessage Shape = "code and message" // {"code":"VALIDATION_ERROR","message":…}
	ErrorKey    Shape = "error"            // {"error":…}
	MessageKey  Shape = "message"          // {"message":…}
	DetailKey   Shape = "detail"           // {"detail":…}
	PlainText   Shape = "text"
)

// RetryIn says where a 429 tells how long to wait. Baseten documents the body.
type RetryIn int

// The places.
const (
	RetryInBody RetryIn = iota
	RetryInHeader
	RetryInBoth
	RetryNowhere
)

// Fault is something that goes wrong with the requests that it matches.
type Fault struct {
	Kind Kind

	// Which requests: all three must match; empty matches all.
	Op     Op
	Method string
	Path   string // a path.Match pattern for the escaped path: /v1/models/*/deployments

	// Times is how many requests it strikes. Zero: until it is cleared.
	Times int

	Delay      time.Duration // Delay, StaleRead, SlowApply
	RetryAfter time.Duration // RateLimited, in whole seconds
	RetryIn    RetryIn       // RateLimited
	Status     int           // Refused
	Shape      Shape         // Refused; default CodeMessage
	Text       string        // Refused, BodyGarbage, UnknownStatusWord
}

// Injected is a fault at work. It ends by its count or by Clear.
type Injected struct {
	fault    Fault
	s        *Server
	left     int // if fault.Times > 0
	hits     int
	cleared  bool
	released chan struct{}
	waiting  []func() // changes put off by SlowApply
}

// Inject sets a fault to work. When several match at the same moment of a
// request, the one injected first strikes. It panics on a malformed Path.
func (s *Server) Inject(f Fault) *Injected {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inject(f)
}

func (s *Server) inject(f Fault) *Injected {
	if _, err := path.Match(f.Path, ""); err != nil {
		panic(fmt.Sprintf("basetensim: fault path %q: %v", f.Path, err))
	}
	in := &Injected{fault: f, s: s, left: f.Times, released: make(chan struct{})}
	s.faults = append(s.faults, in)
	s.touch()
	return in
}

// Hits returns how many requests the fault has struck.
func (in *Injected) Hits() int {
	in.s.mu.Lock()
	defer in.s.mu.Unlock()
	return in.hits
}

// Release lets go what Hang holds and carries out what SlowApply has put off.
// The fault stays at work for later requests.
func (in *Injected) Release() {
	in.s.mu.Lock()
	defer in.s.mu.Unlock()
	in.release()
}

// Clear ends the fault, and releases what it holds.
func (in *Injected) Clear() {
	in.s.mu.Lock()
	defer in.s.mu.Unlock()
	in.clear()
}

func (in *Injected) clear() {
	in.cleared = true
	in.s.faults = slices.DeleteFunc(in.s.faults, func(o *Injected) bool { return o == in })
	in.release()
}

func (in *Injected) release() {
	close(in.released)
	in.released = make(chan struct{})
	waiting := in.waiting
	in.waiting = nil
	for _, apply := range waiting {
		apply()
	}
	in.s.touch()
}

// putOff keeps a change until Release; a fault cleared meanwhile keeps nothing.
func (in *Injected) putOff(apply func()) {
	if in.cleared {
		apply()
		return
	}
	in.waiting = append(in.waiting, apply)
}

// ClearFaults ends every fault and turns every switch off.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.switches)
	for _, in := range slices.Clone(s.faults) {
		in.clear()
	}
}
