package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"autoscalebot/internal/change"
)

func testDeliveredOnce(t *testing.T, s *Store) {
	d := change.Delivery{Key: "E1"}
	if err := s.Create(t.Context(), d, pending("AAAAA", "d1", 0), same); err != nil {
		t.Fatal(err)
	}
	wantErr(t, s.Create(t.Context(), d, pending("BBBBB", "d1", 0), same), change.ErrDelivered)
	_, err := s.Change(t.Context(), d, "AAAAA", move(change.Denied))
	wantErr(t, err, change.ErrDelivered)
	wantErr(t, s.Record(t.Context(), d, change.Event{Kind: change.EventRefused}), change.ErrDelivered)

	if r := get(t, s, "AAAAA"); r.State != change.Pending {
		t.Errorf("state %s", r.State)
	}
	if n := count(t, s, `SELECT count(*) FROM requests`); n != 1 {
		t.Errorf("%d requests", n)
	}
	if n := count(t, s, `SELECT count(*) FROM events`); n != 0 {
		t.Errorf("%d events", n)
	}
}

// Slack sends one envelope to two connections.
func testDeliveryRace(t *testing.T, s *Store) {
	var won atomic.Int32
	together(8, func(i int) {
		err := s.Create(t.Context(), change.Delivery{Key: "E1"}, pending(change.ID(fmt.Sprintf("R%04d", i)), "d1", 0), same)
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, change.ErrDelivered) {
			t.Errorf("Create: %v", err)
		}
	})
	if n := count(t, s, `SELECT count(*) FROM requests`); won.Load() != 1 || n != 1 {
		t.Errorf("%d were created, %d requests are there", won.Load(), n)
	}
}

func testPrune(t *testing.T, s *Store) {
	const old = 1203
	for i := range old {
		if err := raw(s, `INSERT INTO deliveries (key, at) VALUES ($1, 1000)`, fmt.Sprint("old", i)); err != nil {
			t.Fatal(err)
		}
	}
	young := change.Delivery{Key: "young"}
	if err := s.Record(t.Context(), young); err != nil {
		t.Fatal(err)
	}
	alive(t, s, "p1")
	if err := raw(s, `INSERT INTO processes (owner, alive_until) VALUES ('p0', 1000)`); err != nil {
		t.Fatal(err)
	}
	n, err := s.Prune(t.Context(), time.UnixMilli(2000))
	if err != nil || n != old {
		t.Fatalf("pruned %d, %v, want %d", n, err, old)
	}
	wantErr(t, s.Record(t.Context(), young), change.ErrDelivered)
	if err := s.Record(t.Context(), change.Delivery{Key: "old1"}); err != nil {
		t.Errorf("a forgotten delivery: %v", err)
	}
	if n := count(t, s, `SELECT count(*) FROM processes`); n != 1 {
		t.Errorf("%d processes, want the one that lives", n)
	}
}

func testPolicy(t *testing.T, s *Store) {
	var last time.Time
	want := func(text string) {
		t.Helper()
		got, accepted, err := s.Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got != text || accepted.IsZero() != (text == "") || accepted.Before(last) {
			t.Errorf("policy %q of %v, want %q", got, accepted, text)
		}
		last = accepted
	}
	keep := func(text, sha string) {
		t.Helper()
		if err := s.KeepPolicy(t.Context(), text, sha, change.Event{Kind: change.EventPolicy, Policy: sha}); err != nil {
			t.Fatal(err)
		}
	}
	want("")
	keep("version: 1", "aa")
	want("version: 1")
	keep("version: 1 # b", "bb")
	want("version: 1 # b")
	// Back to the first.
	keep("version: 1", "aa")
	want("version: 1")

	var shas []string
	for _, e := range export(t, s, AuditFilter{}) {
		shas = append(shas, e.Policy)
	}
	diff(t, []string{"aa", "bb", "aa"}, shas)
}

func testTeamID(t *testing.T, s *Store) {
	for range 2 {
		if err := s.TeamID(t.Context(), "T1"); err != nil {
			t.Fatal(err)
		}
	}
	wantErr(t, s.TeamID(t.Context(), "T2"), ErrOtherWorkspace)
	if err := s.TeamID(t.Context(), "T1"); err != nil {
		t.Fatal(err)
	}
}

func testPing(t *testing.T, s *Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	// An answer from elsewhere than the tables is none.
	if err := raw(s, `DROP TABLE chain`); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a database without its tables answers")
	}
}
