package slacksim

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// method is one Web API method.
type method struct {
	// app: takes the app-level token instead of the bot token, and only as a header.
	app bool
	// anyToken: takes both.
	anyToken bool
	// scopes: the bot token needs one of these; the first is reported as needed.
	scopes []string
	// formOnly methods ignore JSON bodies, as Slack's read methods do.
	formOnly bool
	run      func(*Server, *apiCall) (map[string]any, *apiError)
}

// apiCall is what a method gets. It runs with the server's lock held.
type apiCall struct {
	args  args
	token tokenKind
}

type tokenKind int

const (
	noToken tokenKind = iota
	unknownToken
	botToken
	appToken
)

// methods is what the simulation knows; everything else is unknown_method.
func (s *Server) method(name string) (method, bool) {
	chatWrite := []string{"chat:write"}
	switch name {
	case "auth.test":
		return method{anyToken: true, run: (*Server).authTest}, true
	case "apps.connections.open":
		return method{app: true, run: (*Server).appsConnectionsOpen}, true
	case "chat.postMessage":
		return method{scopes: chatWrite, run: (*Server).chatPostMessage}, true
	case "chat.postEphemeral":
		return method{scopes: chatWrite, run: (*Server).chatPostEphemeral}, true
	case "chat.update":
		return method{scopes: chatWrite, run: (*Server).chatUpdate}, true
	case "chat.delete":
		return method{scopes: chatWrite, run: (*Server).chatDelete}, true
	case "chat.getPermalink":
		return method{formOnly: true, run: (*Server).chatGetPermalink}, true
	case "users.info":
		return method{formOnly: true, scopes: []string{"users:read"}, run: (*Server).usersInfo}, true
	case "bots.info":
		return method{formOnly: true, scopes: []string{"users:read"}, run: (*Server).botsInfo}, true
	case "conversations.info":
		return method{formOnly: true, scopes: conversationReadScopes, run: (*Server).conversationsInfo}, true
	case "conversations.members":
		return method{formOnly: true, scopes: conversationReadScopes, run: (*Server).conversationsMembers}, true
	case "conversations.open":
		return method{scopes: []string{"im:write", "mpim:write", "channels:manage", "groups:write"}, run: (*Server).conversationsOpen}, true
	case "usergroups.list":
		return method{formOnly: true, scopes: []string{"usergroups:read"}, run: (*Server).usergroupsList}, true
	case "usergroups.users.list":
		return method{formOnly: true, scopes: []string{"usergroups:read"}, run: (*Server).usergroupsUsersList}, true
	case "views.open":
		return method{run: (*Server).viewsOpen}, true
	case "views.push":
		return method{run: (*Server).viewsPush}, true
	case "views.update":
		return method{run: (*Server).viewsUpdate}, true
	case "views.publish":
		return method{run: (*Server).viewsPublish}, true
	}
	return method{}, false
}

// reply is what goes back over HTTP.
type reply struct {
	status     int
	retryAfter time.Duration
	body       map[string]any
	reset      bool // no answer: the connection is reset
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/api/")
	arguments, isJSON, token, inHeader, badRequest := readArgs(r)
	call := s.beginCall(name, arguments)

	fault := s.takeFault(name, arguments["channel"])
	if !fault.hold(r, s.closed) {
		s.endCall(call, reply{reset: true})
		resetConnection(w)
		return
	}
	answer, final := fault.before()
	if !final {
		s.mu.Lock()
		answer = s.answerLocked(name, arguments, isJSON, s.tokenKind(token), inHeader, badRequest)
		s.mu.Unlock()
		answer = fault.after(answer)
	}
	s.endCall(call, answer)
	if fault != nil && fault.Kind == FaultHangCommit && !fault.hang(r, s.closed) {
		answer = reply{reset: true}
	}
	s.write(w, answer)
}

func (s *Server) answerLocked(name string, a args, isJSON bool, kind tokenKind, inHeader bool, badRequest string) reply {
	if badRequest != "" {
		return refused(fail(badRequest))
	}
	m, known := s.method(name)
	if !known {
		return refused(&apiError{code: "unknown_method"})
	}
	if err := s.authorizeLocked(m, kind, inHeader); err != nil {
		return s.refusedWithScopes(err)
	}
	if s.opts.StrictLimits {
		if wait := s.limits.take(name, a["channel"]); wait > 0 {
			return tooMany(wait)
		}
	}
	if m.formOnly && isJSON {
		a = args{}
	}
	body, err := m.run(s, &apiCall{args: a, token: kind})
	if err != nil {
		return s.refusedWithScopes(err)
	}
	if body == nil {
		body = map[string]any{}
	}
	body["ok"] = true
	return reply{status: http.StatusOK, body: body}
}

func (s *Server) tokenKind(token string) tokenKind {
	switch token {
	case "":
		return noToken
	case s.opts.BotToken:
		return botToken
	case s.opts.AppToken:
		return appToken
	}
	return unknownToken
}

func (s *Server) authorizeLocked(m method, kind tokenKind, inHeader bool) *apiError {
	switch {
	case kind == noToken:
		return fail("not_authed")
	case kind == unknownToken:
		return fail("invalid_auth")
	case m.anyToken:
		return nil
	case m.app && !inHeader:
		return fail("invalid_auth")
	case m.app != (kind == appToken):
		return fail("not_allowed_token_type")
	}
	if len(m.scopes) == 0 || slices.ContainsFunc(m.scopes, s.hasScopeLocked) {
		return nil
	}
	return &apiError{code: "missing_scope", needed: m.scopes[0]}
}

func refused(err *apiError) reply {
	body := map[string]any{"ok": false, "error": err.code}
	if len(err.messages) > 0 {
		marked := make([]string, 0, len(err.messages))
		for _, m := range err.messages {
			marked = append(marked, "[ERROR] "+m)
		}
		body["errors"] = err.messages
		body["response_metadata"] = map[string]any{"messages": marked}
	}
	if err.needed != "" {
		body["needed"] = err.needed
	}
	return reply{status: http.StatusOK, body: body}
}

func (s *Server) refusedWithScopes(err *apiError) reply {
	r := refused(err)
	if err.needed != "" {
		r.body["provided"] = strings.Join(s.opts.Scopes, ",")
	}
	return r
}

func tooMany(wait time.Duration) reply {
	return reply{status: http.StatusTooManyRequests, retryAfter: wait, body: map[string]any{"ok": false, "error": "ratelimited"}}
}

func (s *Server) write(w http.ResponseWriter, answer reply) {
	if answer.reset {
		resetConnection(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-OAuth-Scopes", strings.Join(s.opts.Scopes, ","))
	if answer.retryAfter > 0 {
		// Whole seconds, rounded up: Slack never tells a client to come back too early.
		seconds := int((answer.retryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.Itoa(seconds))
	}
	w.WriteHeader(answer.status)
	if answer.body != nil {
		_ = json.NewEncoder(w).Encode(answer.body)
	}
}

// resetConnection ends the TCP connection with a reset, as a broken proxy does.
func resetConnection(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// No way to reset (a recorder, HTTP/2): the server aborts the answer instead.
		panic(http.ErrAbortHandler)
	}
	_ = resetTCP(c)
}

func resetTCP(c net.Conn) error {
	var linger error
	if tcp, ok := c.(*net.TCPConn); ok {
		linger = tcp.SetLinger(0)
	}
	return errors.Join(linger, c.Close())
}
