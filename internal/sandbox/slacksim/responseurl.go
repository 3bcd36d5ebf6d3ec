package slacksim

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// A response_url works five times within 30 minutes.
// https://docs.slack.dev/interactivity/handling-user-interaction/
const (
	hookUses = 5
	hookLife = 30 * time.Minute
)

// hook is one response_url.
type hook struct {
	delivery *Delivery
	source   *Message // the message with the button; nil for slash commands
	expires  time.Time
	used     int
}

// newHookLocked makes a response_url. kind is "commands" or "actions".
func (s *Server) newHookLocked(kind string, d *Delivery, source *Message) string {
	path := "/" + kind + "/" + s.opts.TeamID + "/" + s.idLocked("") + "/" + s.idLocked("secret")
	s.hooks[path] = &hook{delivery: d, source: source, expires: s.opts.Now().Add(hookLife)}
	return s.baseURL + path
}

// serveResponseURL takes a post to a response_url. The answer is "ok" and never a ts.
func (s *Server) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	a := args{}
	problem := readHookBody(r, data, err, a)
	s.mu.Lock()
	channel := ""
	if h := s.hooks[r.URL.Path]; h != nil {
		channel = h.delivery.where
	}
	s.mu.Unlock()
	call := s.beginCall(ResponseURL, a)

	fault := s.takeFault(ResponseURL, channel)
	if !fault.hold(r, s.closed) {
		s.endCall(call, reply{reset: true})
		resetConnection(w)
		return
	}
	answer, final := fault.before()
	if !final {
		s.mu.Lock()
		answer = s.respondToHookLocked(r.URL.Path, a, problem)
		s.mu.Unlock()
		answer = fault.after(answer)
	}
	s.endCall(call, answer)
	if fault != nil && fault.Kind == FaultHangCommit && !fault.hang(r, s.closed) {
		answer = reply{reset: true}
	}
	if answer.status == http.StatusOK && !answer.reset && answer.body["ok"] == true {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "ok")
		return
	}
	s.write(w, answer)
}

func readHookBody(r *http.Request, data []byte, readErr error, a args) (problem string) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var fields map[string]json.RawMessage
	switch {
	case r.Method != http.MethodPost:
		return "method_not_allowed"
	case readErr != nil:
		return "request_timeout"
	case kind != "application/json":
		return "invalid_post_type"
	case json.Unmarshal(data, &fields) != nil:
		return "invalid_payload"
	}
	for key, raw := range fields {
		a[key] = rawArg(raw)
	}
	return ""
}

func (s *Server) respondToHookLocked(path string, a args, problem string) reply {
	h := s.hooks[path]
	switch {
	case h == nil:
		return hookRefused(http.StatusNotFound, fail("no_service"))
	case s.opts.Now().After(h.expires):
		return hookRefused(http.StatusNotFound, fail("expired_url"))
	case h.used >= hookUses:
		return hookRefused(http.StatusNotFound, fail("used_url"))
	case problem != "":
		return hookRefused(http.StatusBadRequest, fail(problem))
	}
	if err := s.useHookLocked(h, a); err != nil {
		return hookRefused(http.StatusBadRequest, err)
	}
	h.used++
	return reply{status: http.StatusOK, body: map[string]any{"ok": true}}
}

func hookRefused(status int, err *apiError) reply {
	r := refused(err)
	r.status = status
	return r
}

// useHookLocked does what the body asks for. Only a click's own message can be
// replaced or deleted: after a slash command both flags say nothing.
func (s *Server) useHookLocked(h *hook, a args) *apiError {
	d := h.delivery
	source := s.currentLocked(h.source)
	if a.bool("delete_original") && h.source != nil {
		if source == nil {
			return fail("message_not_found")
		}
		s.deleteLocked(source)
		return nil
	}
	body, err := s.contentLocked(a)
	if err != nil {
		return err
	}
	if a.bool("replace_original") && h.source != nil {
		if source == nil {
			return fail("message_not_found")
		}
		s.editLocked(source, body)
		d.responses = append(d.responses, source)
		return nil
	}
	c := s.channels[d.where]
	if c.Archived {
		return fail("is_archived")
	}
	if ts := a["thread_ts"]; ts != "" {
		if err := s.threadLocked(c, ts); err != nil {
			return err
		}
	}
	s.respondLocked(d, d.where, a, body, ResponseURL)
	return nil
}

// currentLocked finds the message as it is now; a copy the clicker saw may be old.
func (s *Server) currentLocked(m *Message) *Message {
	switch {
	case m == nil:
		return nil
	case m.EphemeralFor != "":
		return s.findEphemeralLocked(m.Channel, m.TS)
	}
	return s.findLocked(m.Channel, m.TS)
}

// respondLocked posts a response: to everybody for in_channel, else to the one who
// acted. It works where the bot is not a member.
func (s *Server) respondLocked(d *Delivery, channelID string, a args, body content, via string) {
	var m *Message
	if strings.TrimSpace(a["response_type"]) == "in_channel" {
		m = s.postLocked(channelID, a["thread_ts"], body, via)
	} else {
		m = s.whisperLocked(d.user, channelID, a["thread_ts"], body, via)
	}
	m.Answers = d.EnvelopeID
	d.responses = append(d.responses, m)
}
