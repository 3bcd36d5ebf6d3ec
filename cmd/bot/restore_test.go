package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // to make and alter databases on a server

	"autoscalebot/internal/sandbox"
)

// running starts the bot and returns what stops it.
func running(t *testing.T, w *sandbox.World, env map[string]string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	var log bytes.Buffer
	go func() { ended <- run(ctx, nil, env, new(bytes.Buffer), &log) }()
	connected(t, w)
	return func() {
		t.Helper()
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("run: code %d, log:\n%s", code, &log)
		}
	}
}

// target is an empty database for a copy: on the PostgreSQL server of the tests, where
// there is one.
func target(t *testing.T) string {
	t.Helper()
	server := os.Getenv("AUTOSCALE_TEST_POSTGRES")
	if server == "" {
		return "sqlite:" + filepath.Join(t.TempDir(), "copy.db")
	}
	name := "test_" + strings.ToLower(rand.Text())
	for _, statement := range []string{`CREATE DATABASE ` + name, `DROP DATABASE ` + name + ` WITH (FORCE)`} {
		do := func() {
			db, err := sql.Open("pgx", server)
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.ExecContext(context.Background(), statement) // the test is over where it is dropped
			if err := errors.Join(err, db.Close()); err != nil {
				t.Error(err)
			}
		}
		if strings.HasPrefix(statement, "DROP") {
			t.Cleanup(do)
		} else {
			do()
		}
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// What an operator does on a bad day: a backup is taken while people type, the database
// is lost and restored, moved to another one, and an altered audit log is found. A
// request that waited goes on through all of it.
func TestBackupRestoreAndMove(t *testing.T) {
	w := newWorld(t)
	env := w.Env()
	env["LOG_FORMAT"] = "json"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file := strings.TrimPrefix(env["DATABASE_URL"], "sqlite:")
	backup := filepath.Join(t.TempDir(), "backup.db")
	database := func(address string) map[string]string { return map[string]string{"DATABASE_URL": address} }

	stop := running(t, w, env)
	if err := w.As("Ana").Slash("#ml-oncall", "/autoscale llama-70b production max=12").WaitAck(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := w.As("Lea").Sees(ctx, "Waits for one of @lea, @leo"); err != nil {
		t.Fatal(err)
	}
	typed := make(chan error, 1)
	go func() {
		for range 20 { // each is recorded, and denied
			if err := w.As("Lea").Slash("#ml-oncall", "/autoscale llama-70b production min=0").WaitAck(ctx); err != nil {
				typed <- err
				return
			}
		}
		typed <- nil
	}()
	code, out, errs := runs(t, database(env["DATABASE_URL"]), "backup", backup)
	head := regexp.MustCompile(`(?m)^head  (\d+:[0-9a-f]{64})$`).FindStringSubmatch(out)
	if code != 0 || !strings.HasPrefix(out, "ok    "+backup+" holds ") || errs != "" || head == nil {
		t.Fatalf("backup: code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	if code, _, errs := runs(t, database(env["DATABASE_URL"]), "backup", backup); code != 1 || !strings.Contains(errs, "exists already") {
		t.Errorf("a second backup: code %d, stderr %q", code, errs)
	}
	if err := <-typed; err != nil {
		t.Fatal(err)
	}
	if code, _, errs := runs(t, nil, "copy", "--from", env["DATABASE_URL"], "--to", target(t)); code != 1 || !strings.Contains(errs, "a bot is running on it: stop it first") {
		t.Errorf("a copy beside the bot: code %d, stderr %q", code, errs)
	}
	stop()

	// Lost.
	if err := os.WriteFile(file, bytes.Repeat([]byte("U"), 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs = runs(t, env)
	if code != 1 || !strings.Contains(said(t, errs), "DATABASE_URL: the database file is damaged: restore a backup: ") {
		t.Errorf("start on a damaged file: code %d, log %q", code, errs)
	}
	if code, out, _ := runs(t, env, "check"); code != 1 || !strings.Contains(out, "the database file is damaged: restore a backup") {
		t.Errorf("check of a damaged file: code %d, %s", code, out)
	}

	// Restored.
	kept, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = runs(t, database(env["DATABASE_URL"]), "audit", "verify", "--head", head[1])
	if code != 0 || errs != "" {
		t.Errorf("verify what was restored: code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	stop = running(t, w, env)
	stop()

	// Moved.
	moved := maps.Clone(env)
	moved["DATABASE_URL"] = target(t)
	code, out, errs = runs(t, nil, "copy", "--from", env["DATABASE_URL"], "--to", moved["DATABASE_URL"])
	if code != 0 || !strings.HasPrefix(out, "ok    the copy holds ") || errs != "" {
		t.Fatalf("copy: code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	if code, out, errs := runs(t, database(moved["DATABASE_URL"]), "audit", "verify", "--head", head[1]); code != 0 || errs != "" {
		t.Errorf("verify the copy: code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	stop = running(t, w, moved)
	if _, err := w.As("Lea").Click(ctx, "Approve Change"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.As("Ana").Sees(ctx, "Max replicas: 4 to 12 (+8). Baseten: ACCEPTED"); err != nil {
		t.Error(err)
	}
	stop()

	// Altered.
	driver, drop := "sqlite", `DROP TRIGGER events_no_update`
	name := strings.TrimPrefix(moved["DATABASE_URL"], "sqlite:")
	if !strings.HasPrefix(moved["DATABASE_URL"], "sqlite:") {
		driver, drop = "pgx", `ALTER TABLE events DISABLE TRIGGER ALL`
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{drop, `UPDATE events SET actor = 'U0EVE' WHERE seq = 3`} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := runs(t, database(moved["DATABASE_URL"]), "audit", "verify"); code != 1 || !strings.Contains(out, "event 3 was altered") {
		t.Errorf("verify an altered log: code %d, %s", code, out)
	}
	code, out, errs = runs(t, database(moved["DATABASE_URL"]), "backup", filepath.Join(t.TempDir(), "altered.db"))
	if code != 1 || !strings.Contains(out+errs, "event 3 was altered") {
		t.Errorf("backup of an altered log: code %d, stdout %q, stderr %q", code, out, errs)
	}
	if code, _, errs := runs(t, nil, "copy", "--from", moved["DATABASE_URL"], "--to", target(t)); code != 1 || !strings.Contains(errs, "event 3 was altered") {
		t.Errorf("copy of an altered log: code %d, stderr %q", code, errs)
	}
}
