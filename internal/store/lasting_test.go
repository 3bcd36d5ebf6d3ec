package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"autoscalebot/internal/change"
)

func testReopened(t *testing.T, url string) {
	s := openStore(t, url)
	create(t, s, pending("AAAAA", "d1", 0))
	record(t, s, change.Event{Kind: change.EventStarted})
	want := get(t, s, "AAAAA")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, url)
	diff(t, want, get(t, s, "AAAAA"))
	if n := len(export(t, s, AuditFilter{})); n != 1 {
		t.Errorf("%d events", n)
	}
}

// bot audit reads beside a bot that writes.
func testBeside(t *testing.T, url string) {
	if r, err := OpenBeside(t.Context(), Config{URL: url}); err == nil {
		_ = r.Close()
		t.Fatal("opened a database that no bot has made")
	}
	s := openStore(t, url)
	create(t, s, pending("AAAAA", "d1", 0))
	record(t, s, change.Event{Kind: change.EventStarted})
	r, err := OpenBeside(t.Context(), Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = r.Audit(t.Context(), AuditFilter{}, func(change.Event) error { seen++; return nil })
	if err != nil || seen != 1 {
		t.Errorf("%d events, %v", seen, err)
	}
	record(t, s, change.Event{Kind: change.EventStarted}) // the bot writes on
	if head, err := r.Verify(t.Context(), Head{}); err != nil || head.Seq != 1 {
		t.Errorf("Verify: event %d, %v", head.Seq, err)
	}
	if _, err := one(t.Context(), r.db, nil, first[int], `INSERT INTO meta (key, value) VALUES ('a', 'b') RETURNING 1`); err == nil {
		t.Error("a reader wrote")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	create(t, s, pending("BBBBB", "d1", 0))
	// Also when the bot is gone.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = OpenBeside(t.Context(), Config{URL: url}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(t.Context(), "BBBBB"); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func testNewerSchema(t *testing.T, url string) {
	s := openStore(t, url)
	insert := fmt.Sprintf(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, $1)`, newest+1)
	if err := raw(s, insert, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{URL: url})
	wantErr(t, err, ErrNewerSchema)
	_, err = OpenBeside(t.Context(), Config{URL: url})
	wantErr(t, err, ErrNewerSchema)
}

// childEnv makes TestChild a process that writes and waits to be killed.
const childEnv = "AUTOSCALE_STORE_CHILD"

func testKilled(t *testing.T, url string) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "in step" {
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); !strings.Contains(fmt.Sprint(err), "killed") {
		t.Fatalf("child ended with %v", err)
	}

	s := openStore(t, url)
	if r := get(t, s, "AAAAA"); r.State != change.Denied || r.Version != 2 {
		t.Errorf("the committed request: state %s, version %d", r.State, r.Version)
	}
	if r := get(t, s, "BBBBB"); r.State != change.Pending || r.Version != 1 {
		t.Errorf("the request in the middle of a step: state %s, version %d", r.State, r.Version)
	}
	if n := count(t, s, `SELECT count(*) FROM events`); n != 1 {
		t.Errorf("%d events, want that of the commit", n)
	}
	if head, err := s.Verify(t.Context(), Head{}); err != nil || head.Seq != 1 {
		t.Errorf("Verify: event %d, %v", head.Seq, err)
	}
	mustChange(t, s, "BBBBB", move(change.Denied)) // nothing is left locked
}

// TestChild is the process that testKilled kills.
func TestChild(t *testing.T) {
	url := os.Getenv(childEnv)
	if url == "" {
		t.Skip("runs only as the child of another test")
	}
	s := openStore(t, url)
	create(t, s, pending("AAAAA", "d1", 0))
	create(t, s, pending("BBBBB", "d1", 0))
	mustChange(t, s, "AAAAA", move(change.Denied))
	_, err := s.Change(context.Background(), change.Delivery{Key: "E1"}, "BBBBB", alter(func(*change.Request) {
		_, _ = os.Stdout.WriteString("in step\n")
		select {}
	}))
	t.Fatalf("Change returned %v", err)
}
