package slacksim

import (
	"net/http"
	"path"
	"slices"
	"time"
)

// FaultKind is a way in which a call goes wrong.
type FaultKind string

// The kinds of fault. "Commit" means that the call had its effect in the workspace.
const (
	FaultError             FaultKind = "error"              // {"ok":false,"error":Code}; not committed
	FaultRateLimited       FaultKind = "429"                // with Retry-After; not committed
	FaultServerError       FaultKind = "500"                // before commit; Status overrides 500
	FaultServerErrorCommit FaultKind = "500 after commit"   // Status overrides 500
	FaultReset             FaultKind = "reset"              // TCP reset before commit
	FaultResetCommit       FaultKind = "reset after commit" // TCP reset instead of the answer
	FaultHang              FaultKind = "hang"               // no answer until the caller gives up; not committed
	FaultHangCommit        FaultKind = "hang after commit"  // committed, then no answer
	FaultDelay             FaultKind = "delay"              // Delay, then as usual
)

// Fault makes calls go wrong.
type Fault struct {
	Method     string        // exact, or a pattern: "chat.*", "*"; ResponseURL for posts to a response_url
	Channel    string        // only calls about this channel; "" for all
	Times      int           // how many calls; 0 for all until cancelled
	Kind       FaultKind     //
	Code       string        // FaultError: the error, default fatal_error
	Status     int           // FaultServerError…: the HTTP status, default 500
	RetryAfter time.Duration // FaultRateLimited: default 1 s
	NoHeader   bool          // FaultRateLimited: the 429 has no Retry-After
	Delay      time.Duration // FaultDelay
}

type armedFault struct {
	Fault
	left int
	lift chan struct{} // closed on cancel: what hangs goes on
}

// Fault arms a fault. The one armed last is tried first. cancel disarms it and may
// be called more than once.
func (s *Server) Fault(f Fault) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faultLocked(f)
}

func (s *Server) faultLocked(f Fault) (cancel func()) {
	armed := &armedFault{Fault: f, left: f.Times, lift: make(chan struct{})}
	s.faults = append(s.faults, armed)
	s.touchLocked()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.disarmLocked(armed)
	}
}

func (s *Server) disarmLocked(armed *armedFault) {
	i := slices.Index(s.faults, armed)
	if i < 0 {
		return
	}
	s.faults = slices.Delete(s.faults, i, i+1)
	close(armed.lift)
	s.touchLocked()
}

// ClearFaults disarms every fault and turns every switch off.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	faults := slices.Clone(s.faults)
	for _, f := range faults {
		s.disarmLocked(f)
	}
	s.dropAcks = false
	s.mu.Unlock()
	for _, sw := range s.Switches() {
		if sw.On {
			_ = s.SetSwitch(sw.Name, false)
		}
	}
}

// takeFault uses up one hit of the newest fault that matches. nil matches nothing
// and does nothing.
func (s *Server) takeFault(method, channel string) *armedFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range slices.Backward(s.faults) {
		if ok, _ := path.Match(f.Method, method); !ok && f.Method != method {
			continue
		}
		if f.Channel != "" && f.Channel != channel {
			continue
		}
		if f.Times > 0 {
			if f.left == 0 {
				continue
			}
			f.left--
		}
		return f
	}
	return nil
}

// hold waits, for faults that delay or hang before the commit. It reports false
// when the caller has gone.
func (f *armedFault) hold(r *http.Request, closed <-chan struct{}) bool {
	switch {
	case f == nil:
		return true
	case f.Kind == FaultDelay:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-r.Context().Done():
			return false
		case <-closed:
			return false
		}
	case f.Kind == FaultHang:
		return f.hang(r, closed)
	}
	return true
}

func (f *armedFault) hang(r *http.Request, closed <-chan struct{}) bool {
	select {
	case <-f.lift:
		return true
	case <-r.Context().Done():
		return false
	case <-closed:
		return false
	}
}

// before answers in place of the method, for faults without commit.
func (f *armedFault) before() (answer reply, final bool) {
	if f == nil {
		return reply{}, false
	}
	switch f.Kind {
	case FaultError:
		code := f.Code
		if code == "" {
			code = "fatal_error"
		}
		return refused(fail(code)), true
	case FaultRateLimited:
		answer := tooMany(max(f.RetryAfter, time.Second))
		if f.NoHeader {
			answer.retryAfter = 0
		}
		return answer, true
	case FaultServerError:
		return reply{status: f.status()}, true
	case FaultReset:
		return reply{reset: true}, true
	default: // strikes later, or was waited out
		return reply{}, false
	}
}

// after spoils the answer of a method that has run.
func (f *armedFault) after(answer reply) reply {
	if f == nil {
		return answer
	}
	switch f.Kind {
	case FaultServerErrorCommit:
		return reply{status: f.status()}
	case FaultResetCommit:
		return reply{reset: true}
	default:
		return answer
	}
}

func (f *armedFault) status() int {
	if f.Status != 0 {
		return f.Status
	}
	return http.StatusInternalServerError
}
