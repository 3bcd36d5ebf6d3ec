package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/change"
)

// filled returns a request with a value in every field. truth decides its bools.
func filled(id change.ID, truth func(i int) bool) *change.Request {
	r := new(change.Request)
	f := filler{truth: truth}
	f.fill(reflect.ValueOf(r).Elem())
	r.ID, r.Version, r.State = id, 1, change.Applied
	return r
}

// A field that is added to Request and forgotten here is lost and fails this test.
func testRequestRoundTrip(t *testing.T, s *Store) {
	// Each bool has a pattern of its own over the rounds, so that no two are swapped.
	for round := range 6 {
		truth := func(i int) bool { return round == 0 || (i+1)>>(round-1)&1 == 1 }
		for _, by := range []string{"Create", "Change"} {
			id := change.ID(fmt.Sprintf("%s%d", by[:4], round))
			want := filled(id, truth)
			if by == "Create" {
				create(t, s, filled(id, truth))
			} else {
				create(t, s, pending(id, "", 0))
				mustChange(t, s, id, func(r *change.Request) (change.Effects, error) {
					*r = *filled(id, truth)
					return change.Effects{}, nil
				})
				want.Version = 2
			}
			got := get(t, s, id)
			if d := cmp.Diff(want, got, sameMillis); d != "" {
				t.Fatalf("%s, round %d (-want +got)\n%s", by, round, d)
			}
			eachTime(reflect.ValueOf(*got), func(at time.Time) {
				if at.Location() != time.UTC || at.Nanosecond()%1e6 != 0 {
					t.Errorf("%s: time %v is not in milliseconds, UTC", by, at)
				}
			})
		}
	}

	empty := &change.Request{ID: "EMPTY", State: change.Requested, CreatedAt: t0}
	create(t, s, empty)
	diff(t, &change.Request{ID: "EMPTY", Version: 1, State: change.Requested, CreatedAt: t0}, get(t, s, "EMPTY"))
}

// Create and Change leave the caller with exactly what Get returns.
func testChangeReturned(t *testing.T, s *Store) {
	r := filled("AAAAA", func(int) bool { return true })
	create(t, s, r)
	diff(t, get(t, s, "AAAAA"), r)

	r = pending("BBBBB", "d1", 0)
	create(t, s, r)
	at := t0.Add(1234567 * time.Nanosecond).In(time.FixedZone("somewhere", -7200))
	votes := []change.Vote{{Person: change.Person{ID: "U2"}, Approve: true, At: at}}
	got := mustChange(t, s, "BBBBB", func(r *change.Request) (change.Effects, error) {
		r.Votes, r.OwedSince = votes, at
		return change.Effects{}, nil
	})
	diff(t, get(t, s, "BBBBB"), got)
	if got.Version != 2 {
		t.Errorf("version = %d, want 2", got.Version)
	}
	if votes[0].At != at {
		t.Error("the caller's votes were altered")
	}
}

func testIDTaken(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	again := pending("AAAAA", "d2", 5)
	err := s.Create(t.Context(), change.Delivery{Key: "E1"}, again, change.Effects{Events: []change.Event{{Kind: change.EventMoved}}})
	wantErr(t, err, change.ErrIDTaken)
	if again.Version != 0 {
		t.Errorf("version = %d of a request that was not created", again.Version)
	}
	if n := count(t, s, `SELECT count(*) FROM events`); n != 0 {
		t.Errorf("%d events of a request that was not created", n)
	}
	// The delivery is free for the next ID.
	again.ID = "BBBBB"
	if err := s.Create(t.Context(), change.Delivery{Key: "E1"}, again, change.Effects{}); err != nil {
		t.Fatalf("Create under another ID: %v", err)
	}
}

func testChangeNotFound(t *testing.T, s *Store) {
	step := func(*change.Request) (change.Effects, error) {
		t.Error("step was called")
		return change.Effects{}, nil
	}
	_, err := s.Change(t.Context(), change.Delivery{Key: "E1"}, "NNNNN", step)
	wantErr(t, err, change.ErrNotFound)
	_, err = s.Get(t.Context(), "NNNNN")
	wantErr(t, err, change.ErrNotFound)
	if n := count(t, s, `SELECT count(*) FROM deliveries`); n != 0 {
		t.Errorf("%d deliveries were recorded", n)
	}
}

func testChangeAllOrNothing(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	before := get(t, s, "AAAAA")
	refused := errors.New("not allowed")

	_, err := s.Change(t.Context(), change.Delivery{Key: "E1"}, "AAAAA", func(r *change.Request) (change.Effects, error) {
		r.Why = "half done"
		return change.Effects{Events: []change.Event{{Kind: change.EventVoted}}}, refused
	})
	if err != refused {
		t.Fatalf("error = %v, want step's own", err)
	}
	// An effect that cannot be written takes the rest back.
	_, err = s.Change(t.Context(), change.Delivery{Key: "E1"}, "AAAAA", func(r *change.Request) (change.Effects, error) {
		r.Why = "half done"
		return change.Effects{Events: []change.Event{{Kind: change.EventVoted}, {Detail: []byte(`{`)}}}, nil
	})
	if err == nil {
		t.Fatal("an event with broken JSON was written")
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = s.Change(t.Context(), change.Delivery{Key: "E1"}, "AAAAA", func(*change.Request) (change.Effects, error) {
			panic("bug in step")
		})
	}()

	diff(t, before, get(t, s, "AAAAA"))
	if n := count(t, s, `SELECT count(*) FROM events`); n != 0 {
		t.Errorf("%d events of steps that failed", n)
	}
	// The delivery was not used up either.
	if _, err := s.Change(t.Context(), change.Delivery{Key: "E1"}, "AAAAA", move(change.Denied, t0)); err != nil {
		t.Fatalf("Change: %v", err)
	}
}

// Sixteen people press at once: one of them is first.
func testChangeRace(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	late := errors.New("too late")
	var won, lost atomic.Int32
	together(16, func(int) {
		_, err := s.Change(t.Context(), change.Delivery{}, "AAAAA", func(r *change.Request) (change.Effects, error) {
			if r.State != change.Pending {
				return change.Effects{}, late
			}
			return move(change.Approved, t0)(r)
		})
		switch {
		case err == nil:
			won.Add(1)
		case errors.Is(err, late):
			lost.Add(1)
		default:
			t.Errorf("Change: %v", err)
		}
	})
	if won.Load() != 1 || lost.Load() != 15 {
		t.Errorf("%d won and %d lost, want 1 and 15", won.Load(), lost.Load())
	}
	if r := get(t, s, "AAAAA"); r.Version != 2 || r.State != change.Approved {
		t.Errorf("version %d, state %s", r.Version, r.State)
	}
	if n := count(t, s, `SELECT count(*) FROM events`); n != 1 {
		t.Errorf("%d events of one step", n)
	}
}

// together runs n goroutines that begin at the same moment, and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	wg.Wait()
}

func testEndIsForGood(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	mustChange(t, s, "AAAAA", move(change.Denied, t0))
	_, err := s.Change(t.Context(), change.Delivery{}, "AAAAA", func(r *change.Request) (change.Effects, error) {
		r.State, r.EndedAt = change.Approved, time.Time{}
		return change.Effects{}, nil
	})
	wantErr(t, err, change.ErrState)
	// What is learned after the end can still be written.
	r := mustChange(t, s, "AAAAA", func(r *change.Request) (change.Effects, error) {
		r.ResultStale = true
		return change.Effects{}, nil
	})
	if r.State != change.Denied || !r.ResultStale {
		t.Errorf("state %s, stale %t", r.State, r.ResultStale)
	}
}

// A replica of the next version wrote something that this one does not know.
func testKeepsUnknown(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	newer := `{"effect":"approve","quorum":{"sre":2}}`
	if err := raw(s, `UPDATE requests SET ruling = $1 WHERE id = 'AAAAA'`, newer); err != nil {
		t.Fatal(err)
	}
	mustChange(t, s, "AAAAA", func(r *change.Request) (change.Effects, error) {
		if r.Ruling.Effect != "approve" {
			t.Errorf("effect = %q", r.Ruling.Effect)
		}
		r.Why = "something else"
		return change.Effects{}, nil
	})
	if count(t, s, `SELECT count(*) FROM requests WHERE ruling = $1`, newer) != 1 {
		t.Error("the newer version's words were lost")
	}
}

func testStatesChecked(t *testing.T, s *Store) {
	if err := raw(s, `UPDATE requests SET state = 'x' WHERE id = ''`); err != nil {
		t.Fatalf("the statement itself: %v", err)
	}
	for i, state := range append(change.States(), "approve") {
		for _, ended := range []bool{false, true} {
			r := pending(change.ID(fmt.Sprintf("%05d", i)), fmt.Sprint("d", i), 0)
			r.State = state
			if ended {
				r.EndedAt = t0
			}
			err := s.Create(t.Context(), change.Delivery{}, r, change.Effects{})
			if allowed := state != "approve" && ended == state.Ended(); (err == nil) != allowed {
				t.Errorf("state %s, ended %t: error = %v", state, ended, err)
			}
		}
	}
	r := pending("ZZZZZ", "d", 0)
	r.State, r.Target = change.Applying, change.Target{}
	if err := s.Create(t.Context(), change.Delivery{}, r, change.Effects{}); err == nil {
		t.Error("a request without a target is applying")
	}
}

func testOneApplying(t *testing.T, s *Store) {
	for i, id := range []change.ID{"AAAAA", "BBBBB", "CCCCC"} {
		dep := "d1"
		if id == "CCCCC" {
			dep = "d2"
		}
		create(t, s, pending(id, dep, i))
		mustChange(t, s, id, move(change.Approved, t0))
	}
	mustChange(t, s, "AAAAA", move(change.Applying, t0))
	mustChange(t, s, "CCCCC", move(change.Applying, t0)) // another target
	_, err := s.Change(t.Context(), change.Delivery{Key: "E1"}, "BBBBB", move(change.Applying, t0))
	wantErr(t, err, change.ErrBusy)
	if r := get(t, s, "BBBBB"); r.State != change.Approved || r.Version != 2 {
		t.Errorf("state %s, version %d", r.State, r.Version)
	}
	busy := pending("DDDDD", "d1", 9)
	busy.State = change.Applying
	wantErr(t, s.Create(t.Context(), change.Delivery{}, busy, change.Effects{}), change.ErrBusy)

	mustChange(t, s, "AAAAA", move(change.Applied, t0))
	if _, err := s.Change(t.Context(), change.Delivery{Key: "E1"}, "BBBBB", move(change.Applying, t0)); err != nil {
		t.Fatalf("the target is free: %v", err)
	}
}

func testApplyingRace(t *testing.T, s *Store) {
	const n = 8
	id := func(i int) change.ID { return change.ID(fmt.Sprintf("R%04d", i)) }
	for i := range n {
		create(t, s, pending(id(i), "d1", i))
	}
	var won, busy atomic.Int32
	together(n, func(i int) {
		_, err := s.Change(t.Context(), change.Delivery{}, id(i), move(change.Applying, t0))
		switch {
		case err == nil:
			won.Add(1)
		case errors.Is(err, change.ErrBusy):
			busy.Add(1)
		default:
			t.Errorf("Change: %v", err)
		}
	})
	if won.Load() != 1 || busy.Load() != n-1 {
		t.Errorf("%d are applying, %d found it busy", won.Load(), busy.Load())
	}
}

func testDeadlineBeforeCommit(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	before := get(t, s, "AAAAA")

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, s.Create(gone, change.Delivery{Key: "E1"}, pending("BBBBB", "d1", 0), change.Effects{}), context.Canceled)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := s.Change(ctx, change.Delivery{Key: "E2"}, "AAAAA", func(r *change.Request) (change.Effects, error) {
		cancel()
		return move(change.Approved, t0)(r)
	})
	wantErr(t, err, context.Canceled)

	diff(t, before, get(t, s, "AAAAA"))
	_, err = s.Get(t.Context(), "BBBBB")
	wantErr(t, err, change.ErrNotFound)
	for _, table := range []string{"deliveries", "events"} {
		if n := count(t, s, `SELECT count(*) FROM `+table); n != 0 {
			t.Errorf("%d %s stayed", n, table)
		}
	}
	mustChange(t, s, "AAAAA", move(change.Approved, t0)) // nothing is left locked
}

func testDeadlineWhileWaiting(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	inside, leave, left := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := s.Change(t.Context(), change.Delivery{}, "AAAAA", func(r *change.Request) (change.Effects, error) {
			close(inside)
			<-leave
			return move(change.Approved, t0)(r)
		})
		left <- err
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Change(ctx, change.Delivery{Key: "E1"}, "AAAAA", move(change.Denied, t0))
	wantErr(t, err, context.DeadlineExceeded)
	close(leave)
	if err := <-left; err != nil {
		t.Fatalf("the first: %v", err)
	}
	if r := get(t, s, "AAAAA"); r.State != change.Approved || r.Version != 2 {
		t.Errorf("state %s, version %d", r.State, r.Version)
	}
	if n := count(t, s, `SELECT count(*) FROM deliveries`); n != 0 {
		t.Errorf("%d deliveries stayed", n)
	}
}

func testClaim(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	at := func(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }
	for _, tt := range []struct {
		name       string
		owner      string
		now, until int
		want       bool
	}{
		{"free", "p1", 0, 15, true},
		{"held by another", "p2", 14, 29, false},
		{"held by itself", "p1", 14, 29, true},
		{"given until now", "p2", 29, 44, true},
		{"the first comes back late", "p1", 30, 45, false},
		{"given back", "p2", 31, 31, true},
		{"free again", "p1", 31, 46, true},
	} {
		mine, err := s.Claim(t.Context(), "AAAAA", tt.owner, at(tt.now), at(tt.until))
		if err != nil || mine != tt.want {
			t.Fatalf("%s: claimed = %t, %v, want %t", tt.name, mine, err, tt.want)
		}
	}
	r := get(t, s, "AAAAA")
	if r.ClaimedBy != "p1" || !r.ClaimedUntil.Equal(at(46)) || r.Version != 1 {
		t.Errorf("claimed by %s until %v, version %d", r.ClaimedBy, r.ClaimedUntil, r.Version)
	}
	_, err := s.Claim(t.Context(), "NNNNN", "p1", t0, t0)
	wantErr(t, err, change.ErrNotFound)

	var won atomic.Int32
	together(8, func(i int) {
		mine, err := s.Claim(t.Context(), "AAAAA", fmt.Sprint("q", i), at(100), at(115))
		if err != nil {
			t.Errorf("Claim: %v", err)
		}
		if mine {
			won.Add(1)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d hold the request", won.Load())
	}
}
