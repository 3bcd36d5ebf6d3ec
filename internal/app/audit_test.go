package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/app"
	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/store"
)

var auditStart = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// onDatabases runs a test on an audit log in each database that there is: open as a
// running bot has it, with the environment to read it beside the bot.
func onDatabases(t *testing.T, test func(t *testing.T, db *store.Store, env map[string]string)) {
	on := func(name string, url func(t *testing.T) string) {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"DATABASE_URL": url(t)}
			db, err := store.Open(t.Context(), store.Config{URL: env["DATABASE_URL"]})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, db, env)
		})
	}
	on("SQLite", func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "bot.db") })
	if server := os.Getenv(postgresEnv); server != "" {
		on("PostgreSQL", func(t *testing.T) string { return newPostgresDatabase(t, server) })
	}
}

// fillAudit lets a policy be taken and one refused, a request be made and denied,
// and a click be refused, each with its event.
func fillAudit(t *testing.T, db *store.Store) {
	t.Helper()
	ctx := t.Context()
	at := func(minutes int) time.Time { return auditStart.Add(time.Duration(minutes) * time.Minute) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(db.KeepPolicy(ctx, "version: 1", "f00d", change.Event{At: at(0), Kind: change.EventPolicy, Reason: change.Reason{Code: change.PolicyTaken}, Policy: "f00d"}))
	must(db.Record(ctx, change.Delivery{}, change.Event{At: at(1), Kind: change.EventPolicy, Reason: change.Reason{
		Code: change.PolicyRefused, Text: "policy.yaml:3:5: unknown key \"who\"\n  3 |     who: x\n        ^",
	}}))
	ana, lea := authz.Person{ID: "U0ANA", Name: "=ana,\"the\" SRE"}, authz.Person{ID: "U0LEA", Name: "Lea Lindqvist"}
	r := &change.Request{
		ID: "7K2M9", Kind: change.KindChange, State: change.Pending, CreatedAt: at(2), ExpiresAt: at(60), Requester: ana, Channel: "C0OPS",
		Ask:    change.Ask{Text: "llama production max=7", Settings: baseten.Settings{baseten.MaxReplica: 7}},
		Target: baseten.Target{ModelID: "m1", Model: "llama", Environment: "production", DeploymentID: "d1"},
	}
	detail := json.RawMessage(`{"command":"llama production max=7","settings":{"max_replica":7},"before":{"min_replica":1,"max_replica":4},"requester":{"id":"U0ANA"}}`)
	moved := func(minutes int, from, to change.State, actor authz.Person) change.Event {
		return change.Event{
			At: at(minutes), Kind: change.EventMoved, Request: r.ID, From: from, To: to, Actor: actor,
			Rule: "needs a lead", Policy: "f00d", Channel: "C0OPS", ModelID: "m1", Model: "llama", Detail: detail,
		}
	}
	must(db.Create(ctx, change.Delivery{Key: "e1"}, r, func(*change.Request, time.Time) (change.Effects, error) {
		return change.Effects{Events: []change.Event{moved(2, "", change.Pending, ana)}}, nil
	}))
	_, err := db.Change(ctx, change.Delivery{}, r.ID, func(r *change.Request, _ time.Time) (change.Effects, error) {
		r.State, r.EndedAt = change.Denied, at(3)
		e := moved(3, change.Pending, change.Denied, lea)
		e.Verb, e.Reason = change.VerbDeny, change.Reason{Code: change.SaidNo, Text: "not <today> & not tomorrow"}
		return change.Effects{Events: []change.Event{e}}, nil
	})
	must(err)
	must(db.Record(ctx, change.Delivery{}, change.Event{
		At: at(4), Kind: change.EventRefused, Actor: authz.Person{ID: "U0EVE", Name: "Eve"}, Verb: change.VerbApprove, Channel: "C0OPS", ModelID: "m2", Model: "whisper",
		Reason: change.Reason{Code: change.NotApprover, Cause: authz.Cause{Code: authz.CauseNotApprover}},
	}))
}

func exportAudit(t *testing.T, env map[string]string, a app.Audit) string {
	t.Helper()
	var out bytes.Buffer
	if a.Now.IsZero() {
		a.Now = auditStart.Add(5 * time.Minute)
	}
	if err := app.ExportAudit(t.Context(), env, &out, a); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// One format has everything as it was written.
func TestAuditExportJSONL(t *testing.T) {
	onDatabases(t, func(t *testing.T, db *store.Store, env map[string]string) {
		fillAudit(t, db)
		want := `{"seq":1,"at":"2026-03-01T09:00:00Z","kind":"policy","reason":{"code":"policy_taken"},"policy_sha256":"f00d"}
{"seq":2,"at":"2026-03-01T09:01:00Z","kind":"policy","reason":{"code":"policy_refused","text":"policy.yaml:3:5: unknown key \"who\"\n  3 |     who: x\n        ^"}}
{"seq":3,"at":"2026-03-01T09:02:00Z","kind":"moved","request":"7K2M9","to":"pending","actor":{"id":"U0ANA","name":"=ana,\"the\" SRE"},"rule":"needs a lead","policy_sha256":"f00d","channel":"C0OPS","model_id":"m1","model":"llama","detail":{"command":"llama production max=7","settings":{"max_replica":7},"before":{"min_replica":1,"max_replica":4},"requester":{"id":"U0ANA"}}}
{"seq":4,"at":"2026-03-01T09:03:00Z","kind":"moved","request":"7K2M9","from":"pending","to":"denied","actor":{"id":"U0LEA","name":"Lea Lindqvist"},"verb":"deny","reason":{"code":"said_no","text":"not <today> & not tomorrow"},"rule":"needs a lead","policy_sha256":"f00d","channel":"C0OPS","model_id":"m1","model":"llama","detail":{"command":"llama production max=7","settings":{"max_replica":7},"before":{"min_replica":1,"max_replica":4},"requester":{"id":"U0ANA"}}}
{"seq":5,"at":"2026-03-01T09:04:00Z","kind":"refused","actor":{"id":"U0EVE","name":"Eve"},"verb":"approve","reason":{"code":"not_approver","cause":{"code":"not_approver"}},"channel":"C0OPS","model_id":"m2","model":"whisper"}
`
		if d := cmp.Diff(want, exportAudit(t, env, app.Audit{Format: "jsonl"})); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

func TestAuditExportFilters(t *testing.T) {
	onDatabases(t, func(t *testing.T, db *store.Store, env map[string]string) {
		fillAudit(t, db)
		for _, tt := range []struct {
			name string
			ask  app.Audit
			want []int64
		}{
			{"everything", app.Audit{}, []int64{1, 2, 3, 4, 5}},
			{"since a time", app.Audit{Since: "2026-03-01T10:03:00+01:00"}, []int64{4, 5}},
			{"since a day", app.Audit{Since: "2026-03-01"}, []int64{1, 2, 3, 4, 5}},
			{"since another day", app.Audit{Since: "2026-03-02"}, nil},
			{"since so long ago", app.Audit{Since: "2m30s"}, []int64{4, 5}},
			{"since days ago", app.Audit{Since: "7d", Now: auditStart.AddDate(0, 0, 7).Add(2 * time.Minute)}, []int64{3, 4, 5}},
			{"since a day and an hour ago", app.Audit{Since: "1d1h", Now: auditStart.Add(25*time.Hour + 4*time.Minute)}, []int64{5}},
			{"until days ago", app.Audit{Until: "1d", Now: auditStart.AddDate(0, 0, 1).Add(time.Minute)}, []int64{1}},
			{"until", app.Audit{Until: "2026-03-01T09:02:00Z"}, []int64{1, 2}},
			{"between", app.Audit{Since: "4m", Until: "2m"}, []int64{2, 3}},
			{"model by ID", app.Audit{Model: "m1"}, []int64{3, 4}},
			{"model by name", app.Audit{Model: "whisper"}, []int64{5}},
			{"user", app.Audit{User: "U0EVE"}, []int64{5}},
			{"who decided, with what was asked", app.Audit{User: "U0LEA"}, []int64{3, 4}},
			{"who asked, with what was decided", app.Audit{User: "U0ANA"}, []int64{3, 4}},
			{"who asked, by name", app.Audit{User: `=ana,"the" SRE`}, []int64{3, 4}},
			{"user and model", app.Audit{User: "U0LEA", Model: "llama"}, []int64{3, 4}},
			{"user and another model", app.Audit{User: "U0LEA", Model: "whisper"}, nil},
			{"request", app.Audit{Request: "7K2M9"}, []int64{3, 4}},
			{"request as people type it", app.Audit{Request: "#7k2m9"}, []int64{3, 4}},
			{"request since", app.Audit{Request: "7K2M9", Since: "2m"}, []int64{4}},
			{"request that is none", app.Audit{Request: "00000"}, nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				var got []int64
				for line := range strings.Lines(exportAudit(t, env, tt.ask)) {
					var e change.Event
					if err := json.Unmarshal([]byte(line), &e); err != nil {
						t.Fatal(err)
					}
					got = append(got, e.Seq)
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("(-want +got)\n%s", d)
				}
			})
		}
	})
}

func TestAuditExportMistakes(t *testing.T) {
	const when = " is no time: write 2026-05-01, 2026-05-01T09:30:00Z, or 24h or 7d for so long ago"
	env := map[string]string{"DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "none.db")}
	for _, tt := range []struct {
		name string
		url  string
		ask  app.Audit
		want string
	}{
		{"since", "", app.Audit{Since: "yesterday"}, `--since: "yesterday"` + when},
		{"until", "", app.Audit{Until: "-1h"}, `--until: "-1h"` + when},
		{"no days", "", app.Audit{Since: "d"}, `--since: "d"` + when},
		{"days before now", "", app.Audit{Since: "-7d"}, `--since: "-7d"` + when},
		{"half a day", "", app.Audit{Since: "0.5d"}, `--since: "0.5d"` + when},
		{"less than a day", "", app.Audit{Since: "1d-1h"}, `--since: "1d-1h"` + when},
		{"more days than there were", "", app.Audit{Since: "999999999d"}, `--since: "999999999d"` + when},
		{"request", "", app.Audit{Request: "everything"}, `--request: "everything" is no request's ID: these are five letters and digits, as in #7K2M9`},
		{"no file", "", app.Audit{}, "DATABASE_URL: there is no such database file yet"},
		{"no database", "mysql://bot:dontshowme@db/bot", app.Audit{}, "DATABASE_URL: the database URL must be sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			at := env
			if tt.url != "" {
				at = map[string]string{"DATABASE_URL": tt.url}
			}
			err := app.ExportAudit(t.Context(), at, &out, tt.ask)
			if err == nil || err.Error() != tt.want || out.Len() > 0 {
				t.Errorf("error = %v, %d bytes written; want %s", err, out.Len(), tt.want)
			}
		})
	}
}

// The log is written while it is read: who stops reading ends the export, long
// before it is all in memory.
func TestAuditExportStreams(t *testing.T) {
	onDatabases(t, func(t *testing.T, db *store.Store, env map[string]string) {
		events := make([]change.Event, 5000)
		for i := range events {
			events[i] = change.Event{At: auditStart, Kind: change.EventRefused, Reason: change.Reason{Code: change.PolicyDenied, Text: strings.Repeat("x", 100)}}
		}
		if err := db.Record(t.Context(), change.Delivery{}, events...); err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"jsonl", "csv"} {
			read, write := io.Pipe()
			counted := &countedWriter{to: write}
			ended := make(chan error, 1)
			go func() {
				ended <- app.ExportAudit(t.Context(), env, counted, app.Audit{Format: format})
			}()
			if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if err := read.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: error = %v", format, err)
			}
			if counted.n > 64<<10 {
				t.Errorf("%s: %d bytes were written at once", format, counted.n)
			}
		}
	})
}

type countedWriter struct {
	to io.Writer
	n  int
}

func (w *countedWriter) Write(p []byte) (int, error) {
	w.n += len(p)
	return w.to.Write(p)
}
