package slacksim

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// keptCalls bounds the record: a client in a reconnect loop makes thousands of
// calls a second.
const keptCalls = 20_000

// ResponseURL is the Call.Method of posts to a response_url, and the name by
// which faults find them.
const ResponseURL = "response_url"

// Call is one call of the app, as it arrived.
type Call struct {
	Method string
	Args   map[string]string // form fields; JSON fields as JSON text; without the token
	At     time.Time
	Status int             // HTTP status; 0 while under way, and when the connection was reset or left hanging
	Answer json.RawMessage // nil while under way
	Error  string          // "error" of the answer
	Done   bool
}

// Calls lists the calls of one method, oldest first; "" lists all. The URL of a
// response_url, the ticket of a socket and trigger_ids are left out. The record
// holds at least the last 10,000 calls of all methods.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Call{}
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			call := *c
			call.Args = maps.Clone(c.Args)
			out = append(out, call)
		}
	}
	return out
}

func (s *Server) beginCall(method string, a args) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	recorded := maps.Clone(map[string]string(a))
	delete(recorded, "trigger_id")
	if len(s.calls) == keptCalls {
		s.calls = slices.Clone(s.calls[keptCalls/2:])
	}
	c := &Call{Method: method, Args: recorded, At: s.opts.Now()}
	s.calls = append(s.calls, c)
	s.touchLocked()
	return c
}

func (s *Server) endCall(c *Call, answer reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Done, c.Status = true, answer.status
	if code, ok := answer.body["error"].(string); ok {
		c.Error = code
	}
	shown := answer.body
	if c.Method == "apps.connections.open" && shown["url"] != nil {
		shown = map[string]any{"ok": true}
	}
	c.Answer, _ = json.Marshal(shown)
	s.touchLocked()
}
