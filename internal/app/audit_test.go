package app_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/app"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/store"
)

var auditStart = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// auditLog is a store, open as a running bot has it, and the environment to export
// its log with.
func auditLog(t *testing.T) (*store.Store, map[string]string) {
	t.Helper()
	env := map[string]string{"DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "bot.db")}
	db, err := store.Open(t.Context(), store.Config{URL: env["DATABASE_URL"]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, env
}

// fillAudit lets a policy be taken and one refused, a request be made and denied,
// and a command be refused, each with its event.
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
	must(db.KeepPolicy(ctx, "version: 1", "f00d", at(0), change.Event{At: at(0), Kind: change.EventPolicy, Why: "accepted", Policy: "f00d"}))
	must(db.Record(ctx, change.Delivery{}, change.Event{At: at(1), Kind: change.EventPolicy, Why: "refused: policy.yaml:3:5: unknown key \"who\"\n  3 |     who: x\n        ^"}))
	ana, lea := change.Person{ID: "U0ANA", Name: "=ana,\"the\" SRE"}, change.Person{ID: "U0LEA", Name: "Lea Lindqvist"}
	r := &change.Request{
		ID: "7K2M9", State: change.Pending, CreatedAt: at(2), ExpiresAt: at(60), Requester: ana, Channel: "C0OPS",
		Ask:    change.Ask{Text: "llama production max=7", Settings: baseten.Settings{baseten.MaxReplica: 7}},
		Target: change.Target{ModelID: "m1", ModelName: "llama", Environment: "production", DeploymentID: "d1"},
	}
	must(db.Create(ctx, change.Delivery{Key: "e1", At: at(2)}, r, change.Effects{Events: []change.Event{{
		At: at(2), Kind: change.EventMoved, Request: r.ID, To: change.Pending, Actor: ana, Rule: "needs a lead", Policy: "f00d", Channel: "C0OPS",
		ModelID: "m1", ModelName: "llama", Detail: json.RawMessage(`{"before":{"max_replica":4},"typed":"<max=7> & \"more\""}`),
	}}}))
	_, err := db.Change(ctx, change.Delivery{}, r.ID, func(r *change.Request) (change.Effects, error) {
		r.State, r.EndedAt = change.Denied, at(3)
		return change.Effects{Events: []change.Event{{
			At: at(3), Kind: change.EventMoved, Request: r.ID, From: change.Pending, To: change.Denied, Actor: lea, Why: "not today", ModelID: "m1", ModelName: "llama",
		}}}, nil
	})
	must(err)
	must(db.Record(ctx, change.Delivery{}, change.Event{
		At: at(4), Kind: change.EventRefused, Actor: change.Person{ID: "U0EVE", Name: "Eve"}, Why: "No rule allows you this.", Channel: "C0OPS", ModelID: "m2", ModelName: "whisper",
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

func TestAuditExportFormats(t *testing.T) {
	db, env := auditLog(t)
	fillAudit(t, db)
	jsonl := `{"seq":1,"at":"2026-03-01T09:00:00Z","kind":"policy","why":"accepted","policy_sha256":"f00d"}
{"seq":2,"at":"2026-03-01T09:01:00Z","kind":"policy","why":"refused: policy.yaml:3:5: unknown key \"who\"\n  3 |     who: x\n        ^"}
{"seq":3,"at":"2026-03-01T09:02:00Z","kind":"moved","request":"7K2M9","to":"pending","actor":{"id":"U0ANA","name":"=ana,\"the\" SRE"},"rule":"needs a lead","policy_sha256":"f00d","channel":"C0OPS","model_id":"m1","model":"llama","detail":{"before":{"max_replica":4},"typed":"<max=7> & \"more\""}}
{"seq":4,"at":"2026-03-01T09:03:00Z","kind":"moved","request":"7K2M9","from":"pending","to":"denied","actor":{"id":"U0LEA","name":"Lea Lindqvist"},"why":"not today","model_id":"m1","model":"llama"}
{"seq":5,"at":"2026-03-01T09:04:00Z","kind":"refused","actor":{"id":"U0EVE","name":"Eve"},"why":"No rule allows you this.","channel":"C0OPS","model_id":"m2","model":"whisper"}
`
	if d := cmp.Diff(jsonl, exportAudit(t, env, app.Audit{Format: "jsonl"})); d != "" {
		t.Errorf("jsonl (-want +got)\n%s", d)
	}

	table := strings.ReplaceAll(`seq,at,kind,request,from,to,actor_id,actor_name,why,rule,policy_sha256,channel,model_id,model,detail
1,2026-03-01T09:00:00Z,policy,,,,,,accepted,,f00d,,,,
2,2026-03-01T09:01:00Z,policy,,,,,,"refused: policy.yaml:3:5: unknown key ""who""
  3 |     who: x
        ^",,,,,,
3,2026-03-01T09:02:00Z,moved,7K2M9,,pending,U0ANA,"'=ana,""the"" SRE",,needs a lead,f00d,C0OPS,m1,llama,"{""before"":{""max_replica"":4},""typed"":""<max=7> & \""more\""""}"
4,2026-03-01T09:03:00Z,moved,7K2M9,pending,denied,U0LEA,Lea Lindqvist,not today,,,,m1,llama,
5,2026-03-01T09:04:00Z,refused,,,,U0EVE,Eve,No rule allows you this.,,,C0OPS,m2,whisper,
`, "\n", "\r\n")
	got := exportAudit(t, env, app.Audit{Format: "csv"})
	if d := cmp.Diff(table, got); d != "" {
		t.Errorf("csv (-want +got)\n%s", d)
	}
	rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Errorf("%d rows, error = %v", len(rows), err)
	}
}

func TestAuditExportFilters(t *testing.T) {
	db, env := auditLog(t)
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
		{"until", app.Audit{Until: "2026-03-01T09:02:00Z"}, []int64{1, 2}},
		{"between", app.Audit{Since: "4m", Until: "2m"}, []int64{2, 3}},
		{"model by ID", app.Audit{Model: "m1"}, []int64{3, 4}},
		{"model by name", app.Audit{Model: "whisper"}, []int64{5}},
		{"user", app.Audit{User: "U0EVE"}, []int64{5}},
		{"user and model", app.Audit{User: "U0LEA", Model: "llama"}, []int64{4}},
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
	if got := exportAudit(t, env, app.Audit{Since: "2026-03-02", Format: "csv"}); strings.Count(got, "\n") != 1 {
		t.Errorf("csv without events = %q, want the header", got)
	}
}

func TestAuditExportMistakes(t *testing.T) {
	db, env := auditLog(t)
	fillAudit(t, db)
	for _, tt := range []struct {
		name string
		url  string
		ask  app.Audit
		want string
	}{
		{"since", "", app.Audit{Since: "yesterday"}, `--since: "yesterday" is no time: write 2026-05-01, 2026-05-01T09:30:00Z, or 24h for a day ago`},
		{"until", "", app.Audit{Until: "-1h"}, `--until: "-1h" is no time: write 2026-05-01, 2026-05-01T09:30:00Z, or 24h for a day ago`},
		{"no file", "sqlite:" + filepath.Join(t.TempDir(), "none.db"), app.Audit{}, "DATABASE_URL: there is no such database file yet"},
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
	db, env := auditLog(t)
	events := make([]change.Event, 5000)
	for i := range events {
		events[i] = change.Event{At: auditStart, Kind: change.EventRefused, Why: strings.Repeat("x", 100)}
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
}

type countedWriter struct {
	to io.Writer
	n  int
}

func (w *countedWriter) Write(p []byte) (int, error) {
	w.n += len(p)
	return w.to.Write(p)
}
