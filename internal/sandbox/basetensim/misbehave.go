package basetensim

import (
	"net"
	"net/http"
	"path"
)

// stage is a moment in a request's life; at most one fault strikes at each.
type stage int

const (
	stageConnect stage = iota
	stageBefore
	stageInstead
	stageRead
	stageCommit
	stageAfter
)

func (k Kind) stage() stage {
	switch k {
	case ResetBeforeRead:
		return stageConnect
	case Delay, Hang:
		return stageBefore
	case StaleRead:
		return stageRead
	case SlowApply:
		return stageCommit
	case CommitThenReset, CommitThen500, BodyGarbage, MissingStatus, UnknownStatusWord:
		return stageAfter
	default:
		return stageInstead
	}
}

// take returns the fault that strikes the request at this moment, if any, and
// counts it.
func (s *Server) take(at stage, req *request) *Injected {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.faults {
		if in.fault.Kind.stage() != at || !in.fault.matches(req) || (in.fault.Times > 0 && in.left == 0) {
			continue
		}
		in.left--
		in.hits++
		return in
	}
	return nil
}

func (f Fault) matches(req *request) bool {
	at := f.Kind.stage()
	if at == stageRead && req.method != http.MethodGet || at == stageCommit && req.method != http.MethodPatch {
		return false
	}
	if f.Path != "" {
		if matched, _ := path.Match(f.Path, req.path); !matched {
			return false
		}
	}
	return (f.Op == "" || f.Op == req.op) && (f.Method == "" || f.Method == req.method)
}

// hold waits as the fault says. It reports false if the server was closed.
func (s *Server) hold(in *Injected) bool {
	s.mu.Lock()
	released := in.released
	if in.fault.Kind == Delay {
		waited := make(chan struct{})
		s.opts.AfterFunc(in.fault.Delay, func() { close(waited) })
		released = waited
	} else if in.cleared {
		s.mu.Unlock()
		return true
	}
	s.mu.Unlock()
	select {
	case <-released:
		return true
	case <-s.closed:
		return false
	}
}

// answer is what the client gets instead of the API's answer.
func (f Fault) answer() answer {
	switch f.Kind {
	case RateLimited:
		return rateLimited(f.RetryAfter, f.RetryIn)
	case BadGateway:
		return answer{status: http.StatusBadGateway, body: text{"text/html",
			"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"}}
	case Unavailable:
		return answer{status: http.StatusServiceUnavailable, body: text{"text/plain", "upstream connect error or disconnect/reset before headers"}}
	case Refused:
		return f.refusal()
	default:
		return apiError(http.StatusInternalServerError, "error", "Internal server error")
	}
}

func (f Fault) refusal() answer {
	status := f.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	switch f.Shape {
	case ErrorKey, MessageKey, DetailKey:
		return apiError(status, string(f.Shape), f.Text)
	case PlainText:
		return answer{status: status, body: text{"text/plain", f.Text}}
	default:
		ans := invalid(f.Text)
		ans.status = status
		return ans
	}
}

// spoil does to a finished answer what the fault says.
func (f Fault) spoil(w http.ResponseWriter, ans answer) answer {
	switch f.Kind {
	case CommitThenReset:
		reset(w)
	case CommitThen500:
		return apiError(http.StatusInternalServerError, "error", "Internal server error")
	case BodyGarbage:
		content := f.Text
		if content == "" {
			content = `{"status": "ACCEP`
		}
		ans.body = text{"application/json", content}
	case MissingStatus, UnknownStatusWord:
		patched, isPatch := ans.body.(patchAnswer)
		if !isPatch {
			return ans
		}
		if f.Kind == MissingStatus {
			patched.Status, patched.Message = "", ""
		} else if patched.Status = f.Text; f.Text == "" {
			patched.Status = "SCHEDULED"
		}
		ans.body = patched
	default: // the other kinds strike earlier
	}
	return ans
}

// reset cuts the connection as hard as it can, with a TCP reset, and ends the
// handler.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, isTCP := conn.(*net.TCPConn); isTCP {
			tcp.SetLinger(0) //nolint:errcheck // then it ends with a FIN, which is a cut too
		}
		conn.Close() //nolint:errcheck // it is cut either way
	}
	panic(http.ErrAbortHandler)
}
