package app_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autoscalebot/internal/app"
	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/store"
)

// The benchmarks measure what a person waits for, over real sockets on loopback,
// with an account of 5,000 models of 5 deployments:
//
//	go test ./internal/app -run '^$' -bench Command -benchtime 200x
//	go test ./internal/app -run '^$' -bench Store -benchtime 1000x
//	go test ./internal/app -run '^$' -bench Burst -benchtime 1x
//
// The simulators run on the same cores, and but for Burst in the same process.
// Figures are quantiles in milliseconds; ns/op holds the pauses between commands
// too. What a command leaves to do for later (the reply, reading back, edits, which
// Slack limits to fifty a minute) is done beside the commands that follow, so that
// long runs measure a bot with a great backlog.

const (
	benchModels      = 5000
	benchDeployments = 5
	benchUser        = "U0BENCH" // the first part of the IDs of benchUsers people
	benchUsers       = 100
	benchKey         = basetensim.DefaultAPIKey
	benchBotToken    = "xoxb-sandbox"
	benchAppToken    = "xapp-sandbox"
	// every lies between two commands, on average.
	every = 100 * time.Millisecond
)

// BenchmarkCommand measures from the envelope to its acknowledgement, and to the
// arrival of the PATCH at Baseten. Every command comes from a channel that the bot
// has not seen before, which is the slowest case: Slack has to be asked about it.
// Beside the bot runs the least that slack-go can do, in a world of its own.
func BenchmarkCommand(b *testing.B) {
	for _, bot := range []struct {
		name  string
		start func(*testing.B, *lab)
	}{
		{"bot", runBot},
		{"minimal", func(b *testing.B, l *lab) { runMinimal(b, l, true) }},
		{"minimal-silent", func(b *testing.B, l *lab) { runMinimal(b, l, false) }},
	} {
		b.Run(bot.name, func(b *testing.B) {
			l := newLab(b, nil)
			bot.start(b, l)
			l.wait(b, "a socket", func(s *slacksim.Snapshot) bool { return len(s.Sockets) > 0 })
			l.command(b) // the first one waits for what later ones find cached
			for _, together := range []int{1, 8} {
				b.Run(fmt.Sprintf("%d-at-a-time", together), func(b *testing.B) { l.commands(b, together) })
			}
		})
	}
}

// BenchmarkStore measures the commits of a command alone: the one before the
// acknowledgement, and all that come before the PATCH. It is the store's share of
// BenchmarkCommand.
func BenchmarkStore(b *testing.B) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "bot.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	var recorded, sent []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		id := change.ID(fmt.Sprintf("%05d", n))
		r := &change.Request{
			ID: id, Kind: change.KindChange, State: change.Requested,
			Requester: authz.Person{ID: benchUser, Name: "ana"}, Channel: "C1",
			Ask: change.Ask{Text: "model-0001 production max=7", Model: "model-0001", Target: "production",
				Settings: baseten.Settings{baseten.MaxReplica: 7}},
			LeasedBy: "bench",
		}
		moved := change.Event{Kind: change.EventMoved, Request: id, To: change.Requested, Actor: r.Requester,
			Detail: []byte(`{"command":"model-0001 production max=7","before":{"min_replica":0,"max_replica":1}}`)}
		if err := db.Create(ctx, change.Delivery{Key: string(id)}, r, func(r *change.Request, now time.Time) (change.Effects, error) {
			r.CreatedAt, r.OwedSince, moved.At = now, now, now
			return change.Effects{Events: []change.Event{moved}}, nil
		}); err != nil {
			b.Fatal(err)
		}
		recorded = append(recorded, time.Since(began))
		if _, err := db.Change(ctx, change.Delivery{}, id, func(r *change.Request, now time.Time) (change.Effects, error) {
			r.State, r.Sends, r.SentAt, r.Messages.Card.Ref = change.Applying, 1, now, change.MessageRef{Channel: "C1", TS: "1.1"}
			r.Target = baseten.Target{ModelID: "m1", Model: "model-0001", Environment: "production-" + string(id), DeploymentID: "d" + string(id)}
			approved, applying := moved, moved
			approved.To, applying.To = change.Approved, change.Applying
			return change.Effects{Events: []change.Event{approved, applying}}, nil
		}); err != nil {
			b.Fatal(err)
		}
		sent = append(sent, time.Since(began))
	}
	report(b, "ack", recorded)
	report(b, "patch", sent)
}

// lab is a simulated Slack and a simulated Baseten with a large account, which notes
// when each PATCH arrives.
type lab struct {
	slack      *slacksim.Server
	basetenURL string
	ids        map[string]string // of models, by name
	client     *http.Client      // keeps its connections

	mu      sync.Mutex
	next    int
	arrived map[string]chan time.Time // by model ID: the PATCH that is awaited
}

// newLab starts both, with settings of Slack's simulator if they matter.
func newLab(b *testing.B, settle func(*slacksim.Options)) *lab {
	b.Helper()
	var opts slacksim.Options
	if settle != nil {
		settle(&opts)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	l := &lab{
		slack: slacksim.New(opts), client: &http.Client{Transport: transport},
		ids: make(map[string]string, benchModels), arrived: make(map[string]chan time.Time),
	}
	for i := range benchUsers {
		l.slack.AddUser(slacksim.User{ID: benchPerson(i), Name: fmt.Sprintf("bench%d", i)})
	}
	if err := l.slack.Start(); err != nil {
		b.Fatal(err)
	}
	account := basetensim.New(basetensim.Options{})
	for i, id := range account.Fill(benchModels, benchDeployments) {
		l.ids[modelName(i)] = id
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			l.note(strings.Split(r.URL.Path, "/")[3]) // /v1/models/{id}/…
		}
		account.ServeHTTP(w, r)
	}))
	l.basetenURL = front.URL
	b.Cleanup(func() {
		transport.CloseIdleConnections()
		l.slack.Close()
		account.Close()
		front.Close()
	})
	return l
}

func modelName(i int) string { return fmt.Sprintf("model-%04d", i%benchModels+1) }

// benchPerson types every so many-th command: of one, they would be too many at once.
func benchPerson(n int) string { return fmt.Sprintf("%s%d", benchUser, n%benchUsers) }

// benchPeople are all of them.
func benchPeople() []string {
	ids := make([]string, benchUsers)
	for i := range ids {
		ids[i] = benchPerson(i)
	}
	return ids
}

// env is the environment of a bot in this lab.
func (l *lab) env(b *testing.B) map[string]string {
	return map[string]string{
		"SLACK_BOT_TOKEN": benchBotToken, "SLACK_APP_TOKEN": benchAppToken, "SLACK_API_URL": l.slack.APIURL(),
		"BASETEN_API_KEY": benchKey, "BASETEN_BASE_URL": l.basetenURL,
		"ALLOWED_USERS": strings.Join(benchPeople(), ","), "DATABASE_URL": "sqlite:" + filepath.Join(b.TempDir(), "bot.db"),
		"HTTP_ADDR": "127.0.0.1:0",
	}
}

// runBot runs the real bot, on a database on disk.
func runBot(b *testing.B, l *lab) {
	b.Helper()
	cfg, err := app.LoadConfig(maps.Clone(l.env(b)))
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- app.Run(ctx, cfg, app.Options{Version: "bench", Log: io.Discard}) }()
	b.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			b.Errorf("the bot ended with: %v", err)
		}
	})
}

// wait waits until Slack looks as described.
func (l *lab) wait(b *testing.B, what string, ok func(*slacksim.Snapshot) bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patient)
	defer cancel()
	if err := l.slack.Wait(ctx, ok); err != nil {
		b.Fatalf("waiting for %s: %v", what, err)
	}
}

// note tells whoever waits for the PATCH of a model that it arrived.
func (l *lab) note(model string) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if to := l.arrived[model]; to != nil {
		to <- now
		delete(l.arrived, model)
	}
}

// expect picks the next model and says where the arrival of its PATCH will be told.
func (l *lab) expect() (n int, arrived <-chan time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = l.next
	l.next++
	to := make(chan time.Time, 1)
	l.arrived[l.ids[modelName(n)]] = to
	return n, to
}

// channel adds a channel that the bot is in.
func (l *lab) channel(id string) string {
	l.slack.AddChannel(slacksim.Channel{ID: id, Name: strings.ToLower(id), Members: append(benchPeople(), l.slack.BotUserID())})
	return id
}

// command types one command in a channel of its own and returns how long the
// acknowledgement and the PATCH took.
func (l *lab) command(b *testing.B) (ack, patch time.Duration) {
	n, arrived := l.expect()
	return l.slash(b, n, arrived, l.channel(fmt.Sprintf("C%08d", n)), patient)
}

// slash types a command for the model n, whose PATCH has to arrive in time. It may
// be called from any goroutine.
func (l *lab) slash(b *testing.B, n int, arrived <-chan time.Time, channel string, within time.Duration) (ack, patch time.Duration) {
	ctx, cancel := context.WithTimeout(b.Context(), within)
	defer cancel()
	began := time.Now()
	d := l.slack.Slash(benchPerson(n), channel, fmt.Sprintf("%s production max=%d", modelName(n), 2+n%7))
	if err := d.WaitAck(ctx); err != nil {
		b.Error(err)
		return 0, 0
	}
	ack = d.AckedAt().Sub(began)
	select {
	case at := <-arrived:
		return ack, at.Sub(began)
	case <-ctx.Done():
		b.Errorf("no PATCH for command %d", n)
		return ack, 0
	}
}

// commands types b.N commands, so many in the same moment.
func (l *lab) commands(b *testing.B, together int) {
	acks, patches := make([]time.Duration, b.N), make([]time.Duration, b.N)
	pause := time.NewTicker(every * time.Duration(together))
	defer pause.Stop()
	for first := 0; first < b.N; first += together {
		var typing sync.WaitGroup
		for i := first; i < min(first+together, b.N); i++ {
			typing.Go(func() { acks[i], patches[i] = l.command(b) })
		}
		typing.Wait()
		<-pause.C
	}
	report(b, "ack", acks)
	report(b, "patch", patches)
}

// report adds the quantiles of what was measured.
func report(b *testing.B, name string, took []time.Duration) {
	slices.Sort(took)
	for _, q := range []int{50, 90, 99} {
		at := took[(len(took)-1)*q/100]
		b.ReportMetric(float64(at.Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", name, q))
	}
}
