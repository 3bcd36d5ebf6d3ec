package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // drivers of database/sql, beside the bot
	_ "modernc.org/sqlite"

	"autoscalebot/internal/app"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/store"
)

// tamper runs statements as whoever owns the database can, with the triggers gone.
func tamper(t *testing.T, env map[string]string, statements ...string) {
	t.Helper()
	driver, source := "pgx", env["DATABASE_URL"]
	unlock := []string{`DROP TRIGGER IF EXISTS events_no_change ON events`}
	if path, ok := strings.CutPrefix(source, "sqlite:"); ok {
		driver, source = "sqlite", path
		unlock = []string{
			`DROP TRIGGER IF EXISTS events_no_update`, `DROP TRIGGER IF EXISTS events_no_delete`, `DROP TRIGGER IF EXISTS events_only_next`,
		}
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, statement := range append(unlock, statements...) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// headOf is the head of the log as it is now.
func headOf(t *testing.T, db *store.Store) store.Head {
	t.Helper()
	head, err := db.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// verify returns what bot audit verify prints.
func verify(t *testing.T, env map[string]string, kept string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := app.VerifyAudit(t.Context(), env, &out, kept)
	return out.String(), err
}

func TestAuditVerify(t *testing.T) {
	onDatabases(t, func(t *testing.T, db *store.Store, env map[string]string) {
		if got, err := verify(t, env, ""); err != nil || got != "ok    0 events, none altered, none missing\nhead  0:\n" {
			t.Errorf("an empty log: %q, %v", got, err)
		}
		fillAudit(t, db)
		head := headOf(t, db)
		want := fmt.Sprintf("ok    5 events, none altered, none missing\nhead  %s\n", head)
		for _, kept := range []string{"", head.String()} {
			if got, err := verify(t, env, kept); err != nil || got != want {
				t.Errorf("with head %q: %q, %v; want %q", kept, got, err, want)
			}
		}
	})
}

// Whoever rewrites the log is found out, and where.
func TestAuditVerifyBroken(t *testing.T) {
	for _, tt := range []struct {
		name, do, want string
	}{
		{"a person", `UPDATE events SET actor_name = 'Leo' WHERE seq = 4`, "event 4 was altered"},
		{"a fact in a document", `UPDATE events SET detail = replace(detail, '"max_replica":4', '"max_replica":6') WHERE seq = 3`, "event 3 was altered"},
		{"a reason", `UPDATE events SET reason = replace(reason, 'said_no', 'time_out') WHERE seq > 1`, "event 4 was altered"},
		{"a hash", `UPDATE events SET hash = prev WHERE seq = 2`, "event 2 was altered"},
		{"one in the place of another", `DELETE FROM events WHERE seq = 3; UPDATE events SET seq = 3 WHERE seq = 4`, "event 3 was altered"},
		{"one moved away", `UPDATE events SET seq = 90 WHERE seq = 3`, "event 3 is missing"},
		{"one taken out", `DELETE FROM events WHERE seq = 3`, "event 3 is missing"},
		{"some taken out", `DELETE FROM events WHERE seq IN (2, 3, 4)`, "events 2 to 4 are missing"},
		{"the first taken out", `DELETE FROM events WHERE seq = 1`, "event 1 is missing"},
		{"the end cut off", `DELETE FROM events WHERE seq > 3`, "it ends at event 3, and 5 were written: its end was cut off"},
		{"all taken out", `DELETE FROM events`, "it ends at event 0, and 5 were written: its end was cut off"},
		{"the head turned back", `UPDATE chain SET seq = 4`, "it goes on to event 5, and 4 were written"},
		{"the head taken out", `DELETE FROM chain`, "its head is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onDatabases(t, func(t *testing.T, db *store.Store, env map[string]string) {
				fillAudit(t, db)
				tamper(t, env, strings.Split(tt.do, "; ")...)
				got, err := verify(t, env, "")
				if !errors.Is(err, app.ErrAuditBroken) || !strings.HasPrefix(got, "FAIL  ") || !strings.HasSuffix(got, tt.want+"\n") {
					t.Errorf("%q, error = %v; want %q", got, err, tt.want)
				}
			})
		})
	}
}

// An end that was cut off together with the head shows against a head that was kept.
func TestAuditVerifyKeptHead(t *testing.T) {
	onDatabases(t, func(t *testing.T, db *store.Store, env map[string]string) {
		fillAudit(t, db)
		kept := headOf(t, db)
		tamper(t, env, `DELETE FROM events WHERE seq > 3`, `UPDATE chain SET seq = 3, hash = (SELECT hash FROM events WHERE seq = 3)`)
		if got, err := verify(t, env, ""); err != nil {
			t.Errorf("without it: %q, %v", got, err)
		}
		got, err := verify(t, env, kept.String())
		if !errors.Is(err, app.ErrAuditBroken) || !strings.HasSuffix(got, "it ends at event 3, and event 5 was kept: its end was cut off\n") {
			t.Errorf("%q, error = %v", got, err)
		}
		for range 2 {
			if err := db.Record(t.Context(), change.Delivery{}, change.Event{Kind: change.EventStarted}); err != nil {
				t.Fatal(err)
			}
		}
		got, err = verify(t, env, kept.String())
		if !errors.Is(err, app.ErrAuditBroken) || !strings.Contains(got, "event 5 is not the one that was kept") {
			t.Errorf("written anew: %q, error = %v", got, err)
		}
		if _, err := verify(t, env, "12"); err == nil || !strings.HasPrefix(err.Error(), `--head: "12" is no head of the audit log`) {
			t.Errorf("a head that is none: error = %v", err)
		}
	})
}

// The head is in the log from the start, and shown by a metric: there whoever can
// rewrite the database cannot reach it.
func TestAuditHeadIsShown(t *testing.T) {
	s := stage(t, quietly(), nil)
	cfg, err := app.LoadConfig(s.env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.stopped = stop, make(chan error, 1)
	listening := make(chan string, 1)
	go func() {
		s.stopped <- app.Run(ctx, cfg, app.Options{Version: "test", Log: s.log, Listening: func(addr string) { listening <- addr }})
	}()
	s.wait("the bot opens a socket", func(snap *slacksim.Snapshot) bool { return len(snap.Sockets) > 0 })

	m := regexp.MustCompile(`"msg":"audit log","head":"(\d+):[0-9a-f]{64}"`).FindStringSubmatch(s.log.String())
	if m == nil {
		t.Fatal("the log does not tell the head")
	}
	_, kept, _ := strings.Cut(m[0], `"head":`)
	if got, err := verify(t, s.env, strings.Trim(kept, `"`)); err != nil {
		t.Errorf("the head in the log: %q, %v", got, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+<-listening+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: patient}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if want := "\nautoscalebot_audit_head_seq " + m[1] + "\n"; !strings.Contains(string(body), want) {
		t.Errorf("no %q among the metrics", want)
	}
}

// ALLOWED_USERS stands in no file: the list itself is in the audit log, once for each
// version of it, with the policy files before and after.
func TestAllowedUsersInTheAuditLog(t *testing.T) {
	s := stage(t, quietly(), nil)
	file := s.env["POLICY_FILE"]
	for _, policy := range []string{"", "U0ANA, U0LEA", "U0ANA,U0LEA", "U0ANA", ""} {
		s.env["POLICY_FILE"], s.env["ALLOWED_USERS"] = "", policy
		if policy == "" {
			s.env["POLICY_FILE"] = file
		}
		s.start()
		s.end()
	}
	var got []string
	var shas = make(map[string]bool)
	for line := range strings.Lines(exportAudit(t, s.env, app.Audit{})) {
		var e change.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == change.EventPolicy {
			got = append(got, string(e.Reason.Code)+" "+e.Reason.Text)
			shas[e.Policy] = true
		}
	}
	if d := cmp.Diff([]string{"policy_taken ", "policy_taken U0ANA,U0LEA", "policy_taken U0ANA", "policy_taken "}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(shas) != 3 || shas[""] {
		t.Errorf("hashes %v, want three", shas)
	}
}

// A list that was in force before there was a file is no policy to fall back to.
func TestAllowedUsersAreNoPolicyFile(t *testing.T) {
	s := stage(t, quietly(), nil)
	file := s.env["POLICY_FILE"]
	s.env["POLICY_FILE"], s.env["ALLOWED_USERS"] = "", "U0ANA"
	s.start()
	s.end()
	if err := s.SetPolicy("version: 1\nruls: []\n"); err != nil {
		t.Fatal(err)
	}
	s.env["POLICY_FILE"], s.env["ALLOWED_USERS"] = file, ""
	cfg, err := app.LoadConfig(s.env)
	if err != nil {
		t.Fatal(err)
	}
	err = app.Run(t.Context(), cfg, app.Options{Log: s.log})
	if err == nil || !strings.HasPrefix(err.Error(), "POLICY_FILE: ") || strings.Contains(err.Error(), "last accepted") {
		t.Errorf("error = %v", err)
	}
}
