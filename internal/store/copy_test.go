package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// bothDatabases are what makes databases of each kind; SQLite alone where there is no
// PostgreSQL server.
func bothDatabases(t *testing.T) map[string]func(t *testing.T) string {
	out := map[string]func(t *testing.T) string{"SQLite": freshSQLite}
	if os.Getenv(postgresEnv) != "" {
		out["PostgreSQL"] = freshPostgres(t)
	}
	return out
}

// describe returns the tables of an open database.
func describe(t *testing.T, s *Store, url string) []table {
	t.Helper()
	out, err := tables(t.Context(), s.db.write, isPostgres(url))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func freshSQLite(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "bot.db") }

// fillAll writes into every column of every table, as the database lists them: what is
// copied cannot depend on anybody's list of columns. Rows of the audit log have to be
// real ones.
func fillAll(t *testing.T, s *Store, url string) {
	t.Helper()
	number := 0
	for _, table := range describe(t, s, url) {
		if table.name == "chain" || table.name == "events" {
			continue
		}
		for row := range 3 {
			values := make(map[string]any)
			for _, column := range table.columns {
				number++
				values[column] = valueFor(t, s, url, table.name, column, number)
			}
			if table.name == "requests" { // CHECKs of the schema
				values["state"] = []any{"pending", "applied", "denied"}[row]
				values["model_id"] = fmt.Sprint("m", row)
				if row == 0 {
					values["ended_at"] = nil
				}
			}
			if _, err := s.db.write.ExecContext(t.Context(), table.insert(1), ordered(table, values)...); err != nil {
				t.Fatalf("fill %s: %v", table.name, err)
			}
		}
	}
	for i := range 250 { // more than are written at once
		event := change.Event{
			Kind: change.EventMoved, Request: change.ID(fmt.Sprintf("R%04d", i)), From: change.Pending, To: change.Approved,
			Actor: authz.Person{ID: "U1", Name: "Ann \u2028 O'Hara", Membership: authz.Member}, Verb: change.VerbApprove,
			Reason: change.Reason{Code: change.SaidNo, Text: "naïve \"text\" 日本"}, Rule: "a rule", Policy: "abc", Channel: "C1",
			ModelID: "m1", Model: "llama", Detail: []byte(`{"command":"x"}`),
		}
		if err := s.Record(t.Context(), change.Delivery{}, event); err != nil {
			t.Fatal(err)
		}
	}
}

func ordered(t table, values map[string]any) []any {
	out := make([]any, len(t.columns))
	for i, c := range t.columns {
		out[i] = values[c]
	}
	return out
}

// valueFor is a value of a column's type that is no other column's.
func valueFor(t *testing.T, s *Store, url, table, column string, number int) any {
	t.Helper()
	text := `SELECT lower(type) FROM pragma_table_info($1) WHERE name = $2`
	if isPostgres(url) {
		text = `SELECT data_type FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND column_name = $2`
	}
	var kind string
	if err := s.db.write.QueryRowContext(t.Context(), text, table, column).Scan(&kind); err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "text":
		return fmt.Sprintf("%s.%s %d é", table, column, number)
	case "bigint", "integer":
		return int64(number)
	case "boolean":
		return true
	default:
		t.Fatalf("%s.%s: no value is known for the type %s", table, column, kind)
		return nil
	}
}

// dump is all that stands in a database, row by row, by table.
func dump(t *testing.T, s *Store, url string) map[string][]string {
	t.Helper()
	out := make(map[string][]string)
	for _, table := range describe(t, s, url) {
		filled := make(map[string]bool)
		err := table.rows(t.Context(), s.db.write, func(values []any) error {
			row := ""
			for i, v := range values {
				text := fmt.Sprint(v)
				switch v {
				case nil:
					text = "NULL"
				case false, int64(0):
					text = "0"
				case true:
					text = "1"
				}
				if v != nil && v != "" && text != "0" {
					filled[table.columns[i]] = true
				}
				row += table.columns[i] + "=" + text + " "
			}
			out[table.name] = append(out[table.name], row)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(out[table.name])
		for _, column := range table.columns {
			if !filled[column] {
				t.Errorf("nothing stands in %s.%s, so the copy of it proves nothing", table.name, column)
			}
		}
	}
	return out
}

// Every column of every table is copied, in all four directions, and what was copied can
// be worked on.
func TestCopyEveryColumn(t *testing.T) {
	ends := bothDatabases(t)
	for from, newFrom := range ends {
		for to, newTo := range ends {
			t.Run(from+" to "+to, func(t *testing.T) {
				fromURL, toURL := newFrom(t), newTo(t)
				s, err := Open(t.Context(), Config{URL: fromURL})
				if err != nil {
					t.Fatal(err)
				}
				fillAll(t, s, fromURL)
				want := dump(t, s, fromURL)
				head, err := s.Head(t.Context())
				if err := errors.Join(err, s.Close()); err != nil {
					t.Fatal(err)
				}
				got, err := Copy(t.Context(), fromURL, toURL)
				if err != nil {
					t.Fatal(err)
				}
				if want := (Copied{Requests: 3, Events: 250, Head: head}); got != want {
					t.Errorf("copied %+v, want %+v", got, want)
				}
				diff(t, want, openBesideAll(t, toURL))
				_, err = Copy(t.Context(), fromURL, toURL)
				if want := "copy the database: target: it is not empty: name a new database"; !errors.Is(err, ErrNotEmpty) || err.Error() != want {
					t.Errorf("copied a second time: %v, want %s", err, want)
				}
				back := openStore(t, toURL)
				create(t, back, pending("ZZZZZ", "d9", 0))
				if err := back.Record(t.Context(), change.Delivery{}, change.Event{Kind: change.EventStarted}); err != nil {
					t.Errorf("the copy cannot be worked on: %v", err)
				}
			})
		}
	}
}

// openBesideAll reads all of a database without opening it for work.
func openBesideAll(t *testing.T, url string) map[string][]string {
	t.Helper()
	addr, err := parseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := dialPostgres(t.Context(), url)
	if addr.postgres == "" {
		db, err = besideSQLite(t.Context(), addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	return dump(t, &Store{db: &database{write: db}}, url)
}

// A copy is all or nothing: where the audit log is not as it was written, nothing is
// copied; a bot that runs keeps it from both ends.
func TestCopyRefuses(t *testing.T) {
	ends := bothDatabases(t)
	for name, fresh := range ends {
		t.Run(name, func(t *testing.T) {
			from, to := fresh(t), fresh(t)
			s, err := Open(t.Context(), Config{URL: from})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Alive(t.Context(), "somebody", time.Minute); err != nil {
				t.Fatal(err)
			}
			fillAll(t, s, from)
			_, err = Copy(t.Context(), from, to)
			wantErr(t, err, ErrRunning)
			if _, err := Copy(t.Context(), to, from); err == nil {
				t.Error("it was copied into what a bot runs on")
			}
			if _, err := Copy(t.Context(), from, from); err == nil {
				t.Error("it was copied into itself")
			}
			const trigger = `DROP TRIGGER events_no_update`
			disable := map[bool]string{false: trigger, true: `ALTER TABLE events DISABLE TRIGGER ALL`}[isPostgres(from)]
			for _, sql := range []string{disable, `UPDATE events SET actor = 'U0EVE' WHERE seq = 7`, `DELETE FROM processes`} {
				if err := raw(s, sql); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, err = Copy(t.Context(), from, to)
			wantErr(t, err, ErrChain)
			if !strings.Contains(err.Error(), "event 7 was altered") {
				t.Errorf("the error is %v", err)
			}
			for table, rows := range emptied(t, to) {
				if rows != 0 {
					t.Errorf("%d rows stand in %s", rows, table)
				}
			}
		})
	}
}

// emptied counts the rows of each table of the target, but for the head of its log.
func emptied(t *testing.T, url string) map[string]int {
	t.Helper()
	s := openStore(t, url)
	out := make(map[string]int)
	for _, table := range describe(t, s, url) {
		if table.name != "chain" {
			out[table.name] = count(t, s, `SELECT count(*) FROM `+table.name)
		}
	}
	return out
}

// A backup is made while the bot writes, is of one moment, and can be worked on.
func TestBackupUnderLoad(t *testing.T) {
	ends := bothDatabases(t)
	for name, fresh := range ends {
		t.Run(name, func(t *testing.T) {
			url := fresh(t)
			s := openStore(t, url)
			fillAll(t, s, url)
			ctx, stop := context.WithCancel(t.Context())
			writes := make(chan int)
			wrote := make(chan struct{}, 1)
			go func() {
				n := 0
				defer func() { writes <- n }()
				for ; ctx.Err() == nil; n++ {
					// One commit: a request and two events.
					r := pending(change.ID(fmt.Sprintf("W%04d", n)), fmt.Sprint("w", n), 0)
					err := s.Create(context.WithoutCancel(ctx), change.Delivery{}, r, func(r *change.Request, _ time.Time) (change.Effects, error) {
						e := change.Event{Kind: change.EventMoved, Request: r.ID}
						return change.Effects{Events: []change.Event{e, e}}, nil
					})
					if err != nil {
						t.Errorf("write %d: %v", n, err)
						return
					}
					select {
					case wrote <- struct{}{}:
					default:
					}
				}
			}()
			for range 20 {
				<-wrote
			}
			path := filepath.Join(t.TempDir(), "backup.db")
			made, err := Backup(t.Context(), url, path)
			stop()
			n := <-writes
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d requests while it was made, %d of them in it", n, made.Requests-3)
			if made.Events-250 != 2*(made.Requests-3) {
				t.Errorf("%d requests and %d events are of no one moment", made.Requests-3, made.Events-250)
			}
			if made.Requests <= 3 || made.Requests-3 > n {
				t.Errorf("%d requests in the backup of %d that were written", made.Requests-3, n)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file is %v, %v; want it private", info, err)
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
			if err != nil || !slices.Equal(left, []string{path}) {
				t.Errorf("files = %v, %v", left, err)
			}
			if _, err := Backup(t.Context(), url, path); err == nil || !strings.Contains(err.Error(), "exists already") {
				t.Errorf("it was written over: %v", err)
			}
			back := openStore(t, "sqlite:"+path)
			if head, err := back.Verify(t.Context(), made.Head); err != nil || head != made.Head {
				t.Errorf("the backup's log: %v, %v", head, err)
			}
			create(t, back, pending("ZZZZZ", "d9", 0))
		})
	}
}

// The backup of a database whose audit log was altered is kept, as what it is.
func TestBackupOfAnAlteredLog(t *testing.T) {
	url := freshSQLite(t)
	s := openStore(t, url)
	fillAll(t, s, url)
	for _, sql := range []string{`DROP TRIGGER events_no_delete`, `DELETE FROM events WHERE seq = 9`} {
		if err := raw(s, sql); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "backup.db")
	_, err := Backup(t.Context(), url, path)
	wantErr(t, err, ErrChain)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("it was not kept: %v", err)
	}
}
