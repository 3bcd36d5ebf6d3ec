package store

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"autoscalebot/internal/change"
)

// owing returns a request that owes work, the longer the fewer seconds.
func owing(id change.ID, seconds int) *change.Request {
	r := pending(id, "d-"+string(id), seconds-3600)
	r.State, r.ExpiresAt = change.Requested, time.Time{}
	return r
}

func lease(t testing.TB, s *Store, owner string, limit int) []change.ID {
	t.Helper()
	got, err := s.Lease(t.Context(), owner, limit)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantLease(t testing.TB, s *Store, owner string, want ...change.ID) {
	t.Helper()
	if got := lease(t, s, owner, 10); !slices.Equal(got, want) {
		t.Fatalf("%s leased %v, want %v", owner, got, want)
	}
}

func alive(t testing.TB, s *Store, owner string) {
	t.Helper()
	if _, err := s.Alive(t.Context(), owner, 8*time.Second); err != nil {
		t.Fatal(err)
	}
}

// die lets the time pass that a process said it lives.
func die(t testing.TB, s *Store, owner string) {
	t.Helper()
	if err := raw(s, `UPDATE processes SET alive_until = alive_until - 8000 WHERE owner = $1`, owner); err != nil {
		t.Fatal(err)
	}
}

// Those due first come first, and only those that are due and of a known kind.
func testLeaseOrder(t *testing.T, s *Store) {
	alive(t, s, "p1")
	for i, id := range []change.ID{"THIRD", "FIRST", "SECND"} {
		create(t, s, owing(id, []int{3, 1, 2}[i]))
	}
	create(t, s, pending("WAITS", "d1", 0))
	if err := raw(s, `UPDATE requests SET due_at = $1 WHERE id = 'WAITS'`, time.Now().Add(1000*time.Hour).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	strange := owing("STRNG", 0)
	strange.Kind = "of a newer version"
	create(t, s, strange)
	done := pending("DONE0", "d1", 0)
	done.State, done.EndedAt, done.Told = change.Failed, t0, change.WayDirect
	create(t, s, done)

	if got := lease(t, s, "p1", 2); !slices.Equal(got, []change.ID{"FIRST", "SECND"}) {
		t.Errorf("leased %v", got)
	}
	wantLease(t, s, "p1", "THIRD")
	wantLease(t, s, "p1")
	r := get(t, s, "FIRST")
	if r.LeasedBy != "p1" || r.Version != 1 {
		t.Errorf("leased by %q, version %d", r.LeasedBy, r.Version)
	}
}

func testLeases(t *testing.T, s *Store) {
	alive(t, s, "p1")
	alive(t, s, "p2")
	create(t, s, owing("AAAAA", 1))
	held := owing("BBBBB", 2) // inserted already leased
	held.LeasedBy = "p1"
	create(t, s, held)

	wantLease(t, s, "p1", "AAAAA")
	wantLease(t, s, "p2")
	// One who died loses what it held to others, and does not get it twice itself.
	die(t, s, "p1")
	wantLease(t, s, "p1")
	wantLease(t, s, "p2", "AAAAA", "BBBBB")
	// Alive again, it has not lost what nobody took.
	create(t, s, owing("CCCCC", 3))
	wantLease(t, s, "p1", "CCCCC")
	alive(t, s, "p1")
	wantLease(t, s, "p2")
	// Gone is at once.
	if err := s.Gone(t.Context(), "p2"); err != nil {
		t.Fatal(err)
	}
	wantLease(t, s, "p1", "AAAAA", "BBBBB")
	// Nobody has heard of it.
	stray := owing("DDDDD", 4)
	stray.LeasedBy = "p0"
	create(t, s, stray)
	wantLease(t, s, "p1", "DDDDD")
}

func testRelease(t *testing.T, s *Store) {
	alive(t, s, "p1")
	create(t, s, owing("AAAAA", 1))
	wantLease(t, s, "p1", "AAAAA")
	for _, tt := range []struct {
		name    string
		owner   string
		version int64
		want    bool
	}{
		{"another", "p2", 1, false},
		{"of an older version", "p1", 0, false},
		{"its own", "p1", 1, true},
		{"twice", "p1", 1, false},
	} {
		got, err := s.Release(t.Context(), "AAAAA", tt.owner, tt.version)
		if err != nil || got != tt.want {
			t.Errorf("%s: released = %t, %v", tt.name, got, err)
		}
	}
	if r := get(t, s, "AAAAA"); r.LeasedBy != "" || r.Version != 1 {
		t.Errorf("leased by %q, version %d", r.LeasedBy, r.Version)
	}
	wantLease(t, s, "p1", "AAAAA")
	// What came in meanwhile is not put to rest.
	mustChange(t, s, "AAAAA", same)
	if got, err := s.Release(t.Context(), "AAAAA", "p1", 1); err != nil || got {
		t.Errorf("released over a change: %t, %v", got, err)
	}
}

// A row that nobody can read is put to rest all the same, longer each time.
func testPostpone(t *testing.T, s *Store) {
	alive(t, s, "p1")
	create(t, s, owing("AAAAA", 1))
	if err := raw(s, `UPDATE requests SET snapshot = '{' WHERE id = 'AAAAA'`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "AAAAA"); err == nil {
		t.Fatal("the broken document was read")
	}
	for i, minutes := range []int{1, 2, 4, 8, 16, 32, 64, 128, 240, 240} {
		if err := raw(s, `UPDATE requests SET due_at = 1`); err != nil {
			t.Fatal(err)
		}
		wantLease(t, s, "p1", "AAAAA")
		if _, err := s.Postpone(t.Context(), "AAAAA", "p2"); err == nil {
			t.Error("another postponed it")
		}
		panics, err := s.Postpone(t.Context(), "AAAAA", "p1")
		if err != nil || panics != i+1 {
			t.Fatalf("postponed with %d panics, %v", panics, err)
		}
		// alive_until is 8 s after a now that is not much older.
		alive(t, s, "p1")
		rest := count(t, s, `SELECT retry_at - (SELECT alive_until - 8000 FROM processes) FROM requests WHERE due_at = retry_at`)
		if want := minutes * 60_000; rest > want || rest < want-5000 {
			t.Errorf("panic %d: rests %d ms, want %d min", panics, rest, minutes)
		}
		wantLease(t, s, "p1")
	}
	if n := count(t, s, `SELECT count(*) FROM requests WHERE leased_by = '' AND version = 1`); n != 1 {
		t.Error("it was not given back as it was")
	}
}

// However many ask at once, each request goes to one of them.
func testLeaseRace(t *testing.T, stores ...*Store) {
	const requests = 40
	for i := range requests {
		create(t, stores[0], owing(change.ID(fmt.Sprintf("R%04d", i)), i))
	}
	var mu sync.Mutex
	holders := make(map[change.ID][]string)
	together(8, func(i int) {
		s, owner := stores[i%len(stores)], fmt.Sprint("p", i)
		if _, err := s.Alive(t.Context(), owner, time.Minute); err != nil {
			t.Error(err)
		}
		for empty := 0; empty < 3; {
			got, err := s.Lease(t.Context(), owner, 3)
			if err != nil {
				t.Error(err)
				return
			}
			if len(got) > 3 {
				t.Errorf("leased %d, at most 3 were asked for", len(got))
			}
			if len(got) == 0 {
				empty++
			}
			mu.Lock()
			for _, id := range got {
				holders[id] = append(holders[id], owner)
			}
			mu.Unlock()
		}
	})
	if len(holders) != requests {
		t.Errorf("%d of %d were leased", len(holders), requests)
	}
	for id, by := range holders {
		if len(by) != 1 {
			t.Errorf("%s went to %v", id, by)
		}
	}
}
