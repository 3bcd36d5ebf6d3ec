package store

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
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
	for round := range 7 {
		truth := func(i int) bool { return round == 0 || (i+1)>>(round-1)&1 == 1 }
		for _, by := range []string{"Create", "Change"} {
			id := change.ID(fmt.Sprintf("%s%d", by[:4], round))
			want := filled(id, truth)
			if by == "Create" {
				create(t, s, filled(id, truth))
			} else {
				create(t, s, pending(id, "", 0))
				mustChange(t, s, id, alter(func(r *change.Request) { *r = *filled(id, truth) }))
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

	empty := &change.Request{ID: "EMPTY", Kind: change.KindChange, State: change.Requested, CreatedAt: t0}
	create(t, s, empty)
	diff(t, &change.Request{ID: "EMPTY", Version: 1, Kind: change.KindChange, State: change.Requested, CreatedAt: t0}, get(t, s, "EMPTY"))
}

// Create and Change leave the caller with exactly what Get returns.
func testChangeReturned(t *testing.T, s *Store) {
	r := filled("AAAAA", func(int) bool { return true })
	create(t, s, r)
	diff(t, get(t, s, "AAAAA"), r)

	r = pending("BBBBB", "d1", 0)
	create(t, s, r)
	at := t0.Add(1234567 * time.Nanosecond).In(time.FixedZone("somewhere", -7200))
	votes := []change.Vote{{Person: authz.Person{ID: "U2"}, At: at}}
	notes := []change.Note{{Code: change.NoteSchedule, Until: at}}
	got := mustChange(t, s, "BBBBB", alter(func(r *change.Request) {
		r.Votes, r.OwedSince, r.Snapshot.Notes = votes, at, notes
	}))
	diff(t, get(t, s, "BBBBB"), got)
	if got.Version != 2 {
		t.Errorf("version = %d, want 2", got.Version)
	}
	if votes[0].At != at || notes[0].Until != at {
		t.Error("the caller's values were altered")
	}
}

// Whatever the caller's own clock says, the step gets the database's.
func testNow(t *testing.T, s *Store) {
	var created, changed time.Time
	r := pending("AAAAA", "d1", 0)
	err := s.Create(t.Context(), change.Delivery{}, r, func(r *change.Request, now time.Time) (change.Effects, error) {
		created, r.CreatedAt = now, now
		return change.Effects{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	again := pending("BBBBB", "d2", 0)
	err = s.Create(t.Context(), change.Delivery{Key: "E1"}, again, func(r *change.Request, now time.Time) (change.Effects, error) {
		r.CreatedAt = now
		return change.Effects{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustChange(t, s, "AAAAA", func(_ *change.Request, now time.Time) (change.Effects, error) {
		changed = now
		return change.Effects{}, nil
	})
	for _, at := range []time.Time{created, again.CreatedAt, changed} {
		if at.IsZero() || at.Location() != time.UTC || at.Nanosecond()%1e6 != 0 {
			t.Errorf("now = %v, want milliseconds, UTC", at)
		}
	}
	if changed.Before(created) || again.CreatedAt.Before(created) {
		t.Errorf("created at %v and %v, changed at %v", created, again.CreatedAt, changed)
	}
	if !get(t, s, "AAAAA").CreatedAt.Equal(created) {
		t.Error("the step's time was not stored")
	}
}

func testIDTaken(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	again := pending("AAAAA", "d2", 5)
	err := s.Create(t.Context(), change.Delivery{Key: "E1"}, again, move(change.Pending))
	wantErr(t, err, change.ErrIDTaken)
	if again.Version != 0 {
		t.Errorf("version = %d of a request that was not created", again.Version)
	}
	if n := count(t, s, `SELECT count(*) FROM events`); n != 0 {
		t.Errorf("%d events of a request that was not created", n)
	}
	// The delivery is free for the next ID.
	again.ID = "BBBBB"
	if err := s.Create(t.Context(), change.Delivery{Key: "E1"}, again, same); err != nil {
		t.Fatalf("Create under another ID: %v", err)
	}
}

func testChangeNotFound(t *testing.T, s *Store) {
	step := alter(func(*change.Request) { t.Error("step was called") })
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
	half := func(e ...change.Event) change.Step {
		return func(r *change.Request, _ time.Time) (change.Effects, error) {
			r.Told = "half done"
			return change.Effects{Events: e}, nil
		}
	}

	_, err := s.Change(t.Context(), change.Delivery{Key: "E1"}, "AAAAA", func(r *change.Request, now time.Time) (change.Effects, error) {
		e, _ := half(change.Event{Kind: change.EventVoted})(r, now)
		return e, refused
	})
	if err != refused {
		t.Fatalf("error = %v, want step's own", err)
	}
	wantErr(t, s.Create(t.Context(), change.Delivery{Key: "E1"}, pending("BBBBB", "d1", 0), func(*change.Request, time.Time) (change.Effects, error) {
		return change.Effects{}, refused
	}), refused)
	// An effect that cannot be written takes the rest back.
	_, err = s.Change(t.Context(), change.Delivery{Key: "E1"}, "AAAAA",
		half(change.Event{Kind: change.EventVoted}, change.Event{Detail: []byte(`{`)}))
	wantErr(t, err, change.ErrUnwritable)
	func() {
		defer func() { _ = recover() }()
		_, _ = s.Change(t.Context(), change.Delivery{Key: "E1"}, "AAAAA", alter(func(*change.Request) { panic("bug in step") }))
	}()

	diff(t, before, get(t, s, "AAAAA"))
	if n := count(t, s, `SELECT count(*) FROM events`); n != 0 {
		t.Errorf("%d events of steps that failed", n)
	}
	// The delivery was not used up either.
	if _, err := s.Change(t.Context(), change.Delivery{Key: "E1"}, "AAAAA", move(change.Denied)); err != nil {
		t.Fatalf("Change: %v", err)
	}
}

// What no database holds is refused by that name, wherever it stands, and the same on
// both.
func testUnwritable(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	for name, set := range map[string]func(r *change.Request){
		"infinite":     func(r *change.Request) { r.Snapshot.Cost = &baseten.Cost{CeilingAfter: math.Inf(1)} },
		"not a number": func(r *change.Request) { r.Snapshot.Cost = &baseten.Cost{FloorAfter: math.NaN()} },
		"NUL":          func(r *change.Request) { r.ChannelName = "a\x00b" },
		"not UTF-8":    func(r *change.Request) { r.ChannelName = "a\xffb" },
	} {
		_, err := s.Change(t.Context(), change.Delivery{}, "AAAAA", alter(set))
		if !errors.Is(err, change.ErrUnwritable) {
			t.Errorf("%s: Change = %v", name, err)
		}
		r := pending("BBBBB", "d1", 0)
		set(r)
		if err := s.Create(t.Context(), change.Delivery{}, r, same); !errors.Is(err, change.ErrUnwritable) {
			t.Errorf("%s: Create = %v", name, err)
		}
	}
	wantErr(t, s.Record(t.Context(), change.Delivery{}, change.Event{Rule: "a\x00b"}), change.ErrUnwritable)
	// In a document both can stand.
	got := mustChange(t, s, "AAAAA", alter(func(r *change.Request) { r.Ask.Reason = "a\x00b" }))
	if got.Version != 2 || get(t, s, "AAAAA").Ask.Reason != "a\x00b" {
		t.Errorf("version %d, reason %q", got.Version, get(t, s, "AAAAA").Ask.Reason)
	}
}

// Sixteen people press at once: one of them is first.
func testChangeRace(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	late := errors.New("too late")
	var won, lost atomic.Int32
	together(16, func(int) {
		_, err := s.Change(t.Context(), change.Delivery{}, "AAAAA", func(r *change.Request, now time.Time) (change.Effects, error) {
			if r.State != change.Pending {
				return change.Effects{}, late
			}
			return move(change.Approved)(r, now)
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
	mustChange(t, s, "AAAAA", move(change.Denied))
	_, err := s.Change(t.Context(), change.Delivery{}, "AAAAA", alter(func(r *change.Request) {
		r.State, r.EndedAt = change.Approved, time.Time{}
	}))
	wantErr(t, err, change.ErrState)
	// What is learned after the end can still be written.
	r := mustChange(t, s, "AAAAA", alter(func(r *change.Request) { r.Messages.Reply.Owed = 1 }))
	if r.State != change.Denied || r.Messages.Reply.Owed != 1 {
		t.Errorf("state %s, owed %d", r.State, r.Messages.Reply.Owed)
	}
}

// A replica of the next version wrote something that this one does not know.
func testKeepsUnknown(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	newer := `{"effect":"approve","quorum":{"sre":2}}`
	onlyNew := `{"mood":"good"}`
	if err := raw(s, `UPDATE requests SET decision = $1, outcome = $2 WHERE id = 'AAAAA'`, newer, onlyNew); err != nil {
		t.Fatal(err)
	}
	mustChange(t, s, "AAAAA", alter(func(r *change.Request) {
		if r.Decision.Effect != authz.Approve {
			t.Errorf("effect = %q", r.Decision.Effect)
		}
		r.Told = change.WayDirect
	}))
	if count(t, s, `SELECT count(*) FROM requests WHERE decision = $1 AND outcome = $2`, newer, onlyNew) != 1 {
		t.Error("the newer version's words were lost")
	}
	mustChange(t, s, "AAAAA", alter(func(r *change.Request) { r.Decision.Rule = "another" }))
	if get(t, s, "AAAAA").Decision.Rule != "another" {
		t.Error("an altered document was not written")
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
			err := s.Create(t.Context(), change.Delivery{}, r, same)
			if allowed := state != "approve" && ended == state.Ended(); (err == nil) != allowed {
				t.Errorf("state %s, ended %t: error = %v", state, ended, err)
			}
		}
	}
	r := pending("ZZZZZ", "d", 0)
	r.State, r.Target = change.Applying, baseten.Target{ModelID: "m1"}
	if err := s.Create(t.Context(), change.Delivery{}, r, same); err == nil {
		t.Error("a request without a target is applying")
	}
	r = pending("ZZZZZ", "d", 0)
	r.Kind = ""
	if err := s.Create(t.Context(), change.Delivery{}, r, same); err == nil {
		t.Error("a request has no kind")
	}
}

// The clock of a row is written with the row, whatever wrote it.
func testDueWritten(t *testing.T, s *Store) {
	due := func(id change.ID) int {
		t.Helper()
		return count(t, s, `SELECT COALESCE(due_at, 0) FROM requests WHERE id = $1`, id)
	}
	want := func(what string, at time.Time) {
		t.Helper()
		if got := due("AAAAA"); int64(got) != at.UnixMilli() {
			t.Errorf("%s: due at %v, want %v", what, time.UnixMilli(int64(got)).UTC(), at)
		}
	}
	create(t, s, pending("AAAAA", "d1", 0))
	want("pending", t0.Add(time.Hour))
	mustChange(t, s, "AAAAA", alter(func(r *change.Request) { r.RemindAt = t0.Add(time.Minute) }))
	want("to be reminded", t0.Add(time.Minute))
	mustChange(t, s, "AAAAA", alter(func(r *change.Request) { r.State, r.RetryAt = change.Approved, t0.Add(time.Second) }))
	want("to be sent", t0.Add(time.Second))
	mustChange(t, s, "AAAAA", func(r *change.Request, now time.Time) (change.Effects, error) {
		r.Told = change.WayDirect
		return move(change.Failed)(r, now)
	})
	if got := due("AAAAA"); got != 0 {
		t.Errorf("a request that owes nothing is due at %d", got)
	}
}

// A step may change the request that its own comes from, in the same transaction.
func testOrigin(t *testing.T, s *Store) {
	create(t, s, pending("FIRST", "d1", 0))
	mustChange(t, s, "FIRST", move(change.Applied))
	undo := func(apply func(*change.Request, *change.Effects) error) change.Step {
		return func(*change.Request, time.Time) (change.Effects, error) {
			return change.Effects{
				Origin: apply,
				Events: []change.Event{{Kind: change.EventMoved}},
			}, nil
		}
	}
	second := pending("SECND", "d1", 1)
	second.Origin = change.Origin{ID: "FIRST", Kind: change.OriginUndo}
	use := func(origin *change.Request, e *change.Effects) error {
		if origin.UndoneBy != "" {
			return change.ErrState
		}
		e.Events = append(e.Events, change.Event{Kind: change.EventOver, Request: "FIRST"})
		origin.UndoneBy, origin.RetryAt, origin.Messages.Card = "SECND", t0.Add(time.Hour), change.Message{Ref: change.MessageRef{TS: "1"}, Owed: 1}
		return nil
	}
	if err := s.Create(t.Context(), change.Delivery{}, second, undo(use)); err != nil {
		t.Fatal(err)
	}
	first := get(t, s, "FIRST")
	if first.UndoneBy != "SECND" || first.Version != 3 || second.Version != 1 {
		t.Errorf("undone by %q, version %d; the other's %d", first.UndoneBy, first.Version, second.Version)
	}
	if n := count(t, s, `SELECT due_at FROM requests WHERE id = 'FIRST'`); int64(n) != t0.Add(time.Hour).UnixMilli() {
		t.Errorf("the origin is due at %d", n)
	}

	// Its error, and an origin that moved or is not there, take everything back.
	third := pending("THIRD", "d1", 2)
	third.Origin = second.Origin
	wantErr(t, s.Create(t.Context(), change.Delivery{Key: "E1"}, third, undo(use)), change.ErrState)
	moved := undo(func(origin *change.Request, _ *change.Effects) error { origin.State = change.Failed; return nil })
	if _, err := s.Change(t.Context(), change.Delivery{Key: "E1"}, "SECND", moved); err == nil {
		t.Error("the state of the origin was moved")
	}
	third.Origin.ID = "NNNNN"
	wantErr(t, s.Create(t.Context(), change.Delivery{Key: "E1"}, third, undo(use)), change.ErrNotFound)
	if n := count(t, s, `SELECT count(*) FROM requests`); n != 2 {
		t.Errorf("%d requests", n)
	}
	if n := count(t, s, `SELECT count(*) FROM deliveries`); n != 0 {
		t.Errorf("%d deliveries", n)
	}
	if n := count(t, s, `SELECT count(*) FROM events WHERE kind = 'over' AND request = 'FIRST'`); n != 1 {
		t.Errorf("%d events of the origin, want that of the step that was written", n)
	}
	diff(t, first, get(t, s, "FIRST"))
}
