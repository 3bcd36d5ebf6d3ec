package slackbot

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/slacksim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const channel = "C0OPS"

// handler serves a client's calls without a network, so that a test may run in
// virtual time.
type handler func(w http.ResponseWriter, r *http.Request)

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	h(w, r)
	return w.Result(), nil
}

// wordAPI answers every method with what is set for it, in turn, and then with ok.
type wordAPI struct {
	mu      sync.Mutex
	answers map[string][]http.HandlerFunc
	calls   []string
}

func (a *wordAPI) serve(w http.ResponseWriter, r *http.Request) {
	method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	a.mu.Lock()
	a.calls = append(a.calls, method)
	next := a.answers[method]
	if len(next) > 0 {
		a.answers[method] = next[1:]
	}
	a.mu.Unlock()
	if len(next) > 0 {
		next[0](w, r)
		return
	}
	say(`{"ok":true,"ts":"1.2","message_ts":"1.2","channel":"C0OPS","user":{"id":"U0ANA","team_id":"T0US"},"usergroups":[],"view":{}}`)(w, r)
}

func (a *wordAPI) count(method string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, m := range a.calls {
		if m == method {
			n++
		}
	}
	return n
}

// say answers with a body.
func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

func refuse(word string) http.HandlerFunc { return say(`{"ok":false,"error":"` + word + `"}`) }

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// lab is the Slack side, with all that it said and counted.
type lab struct {
	*Slack
	bot  *Bot
	logs *observer.ObservedLogs

	mu       sync.Mutex
	results  []string // method and result of each call
	dropped  int
	unacked  int
	outcomes []string
}

func newLab(t *testing.T, apiURL string) *lab {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	l := &lab{logs: logs}
	count := func(n *int) func() {
		return func() { l.mu.Lock(); *n++; l.mu.Unlock() }
	}
	cfg := Config{
		BotToken: func() string { return "xoxb-sandbox" }, AppToken: func() string { return "xapp-sandbox" },
		APIURL: apiURL, Connections: 1, AnnounceChannel: "C0ALARMS", Now: time.Now, Log: zap.New(core),
		Watch: Watch{
			Called: func(method, result string, _ time.Duration) {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.results = append(l.results, method+" "+result)
			},
			Dropped: count(&l.dropped), Unacked: count(&l.unacked),
			Command: func(command, outcome string) {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.outcomes = append(l.outcomes, command+" "+outcome)
			},
		},
	}
	l.Slack = NewSlack(cfg)
	l.directory.team = "T0SANDBOX"
	l.bot = l.New(Identity{TeamID: "T0SANDBOX", UserID: "U0BOT"}, nil, nil, func() *authz.Policy { return nil })
	t.Cleanup(func() { l.api.http.CloseIdleConnections() })
	return l
}

// offline is a lab whose calls are answered without a network.
func offline(t *testing.T, h handler) *lab {
	t.Helper()
	l := newLab(t, "https://slack.com/api/")
	l.api.http.Transport = readableLimits{h}
	return l
}

// simulated is a lab on a simulated workspace, without a network.
func simulated(t *testing.T, o slacksim.Options) (*lab, *slacksim.Server) {
	t.Helper()
	sim := slacksim.New(o)
	t.Cleanup(sim.Close)
	people(sim)
	l := offline(t, sim.ServeHTTP)
	return l, sim
}

func people(sim *slacksim.Server) {
	sim.AddUser(slacksim.User{ID: "U0ANA", Name: "ana"})
	sim.AddUser(slacksim.User{ID: "U0LEA", Name: "lea"})
	sim.AddChannel(slacksim.Channel{ID: channel, Name: "ops", Members: []string{"U0ANA", "U0LEA", "U0BOT"}})
	sim.AddChannel(slacksim.Channel{ID: "C0ALARMS", Name: "alarms", Members: []string{"U0ANA", "U0BOT"}})
}

// request is one that waits for approval, as version says.
func request(id change.ID, version int64) *change.Request {
	return &change.Request{ID: id, Version: version, State: change.Pending, Requester: authz.Person{ID: "U0ANA"}, Channel: channel}
}

// posted posts the card of a request and returns the request with it.
func (l *lab) posted(t *testing.T, id change.ID) *change.Request {
	t.Helper()
	r := request(id, 1)
	s, err := l.Chat().Slot(t.Context(), channel, change.Card)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := s.Post(t.Context(), r, change.Card)
	if err != nil {
		t.Fatal(err)
	}
	r.Messages.Card.Ref = ref
	return r
}

// at is the request in a later version.
func at(r *change.Request, version int64, state change.State) *change.Request {
	later := *r
	later.Version, later.State = version, state
	return &later
}

// envelope is one as a socket would take it.
func (l *lab) envelope(kind string, payload any) *envelope {
	raw, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	return &envelope{
		id: "env-1", kind: kind, payload: raw, received: time.Now(),
		ack: func(context.Context, string, any) error { return nil }, served: func() {},
	}
}

func (l *lab) said() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.results...)
}
