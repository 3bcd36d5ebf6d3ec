package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// holding creates what holds until so long from now: a temporary change, or a freeze.
func holding(t *testing.T, s *Store, id change.ID, kind change.Kind, target baseten.Target, left time.Duration, more func(*change.Request)) {
	t.Helper()
	r := pending(id, "", 0)
	r.Kind, r.State, r.Target, r.Term.EndsAt = kind, change.Applied, target, databaseNow(t, s).Add(left)
	r.ExpiresAt, r.EndedAt = time.Time{}, t0
	if more != nil {
		more(r)
	}
	create(t, s, r)
}

// databaseNow is what the database takes for now.
func databaseNow(t *testing.T, s *Store) time.Time {
	t.Helper()
	now, err := s.Alive(t.Context(), "clock", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// Nothing enters applying that a freeze keeps changes from, whoever looked before; what
// lies beside the freeze, comes after it or breaks the glass that it leaves does.
func testFrozen(t *testing.T, s *Store) {
	broken := func(r *change.Request) { r.Decision.BrokeGlass = true }
	model := baseten.Target{ModelID: "m1"}
	for i, tt := range []struct {
		name   string
		freeze baseten.Target
		left   time.Duration
		more   func(freeze *change.Request)
		target baseten.Target
		ask    func(*change.Request)
		frozen bool
	}{
		{"the same", production, time.Hour, nil, production, nil, true},
		{"the deployment that serves it", production, time.Hour, nil, serving, nil, true},
		{"its model", model, time.Hour, nil, staging, nil, true},
		{"all models", baseten.Target{}, time.Hour, nil, elsewhere, nil, true},
		{"break-glass", production, time.Hour, nil, production, broken, true},
		{"break-glass that may", production, time.Hour, func(f *change.Request) { f.Ask.BreakGlass = true }, production, broken, false},
		{"no break-glass, where that may", production, time.Hour, func(f *change.Request) { f.Ask.BreakGlass = true }, production, nil, true},
		{"another environment", staging, time.Hour, nil, production, nil, false},
		{"another model", model, time.Hour, nil, elsewhere, nil, false},
		{"after its end", production, -time.Second, nil, production, nil, false},
		{"thawed", production, time.Hour, func(f *change.Request) { f.Term.OverAt = databaseNow(t, s) }, production, nil, false},
	} {
		freeze, id := change.ID(fmt.Sprintf("FR%03d", i)), change.ID(fmt.Sprintf("RQ%03d", i))
		holding(t, s, freeze, change.KindFreeze, tt.freeze, tt.left, tt.more)
		r := pending(id, "", 0)
		r.State, r.Target, r.ExpiresAt = change.Approved, tt.target, time.Time{}
		if tt.ask != nil {
			tt.ask(r)
		}
		create(t, s, r)
		err := apply(t, s, id)
		if errors.Is(err, change.ErrFrozen) != tt.frozen || !tt.frozen && err != nil {
			t.Errorf("%s: error = %v", tt.name, err)
		}
		if tt.frozen && get(t, s, id).State != change.Approved {
			t.Errorf("%s: it is %s", tt.name, get(t, s, id).State)
		}
		over := databaseNow(t, s)
		mustChange(t, s, freeze, alter(func(r *change.Request) { r.Term.OverAt = over }))
		if !tt.frozen {
			mustChange(t, s, id, move(change.Failed))
		} else {
			mustChange(t, s, id, move(change.Canceled))
		}
	}
}

// What holds for a time is listed until it is over, those that end first first.
func testHeld(t *testing.T, s *Store) {
	holding(t, s, "LATER", change.KindChange, production, 2*time.Hour, nil)
	holding(t, s, "0VER0", change.KindChange, production, time.Hour, func(r *change.Request) { r.Term.OverAt = databaseNow(t, s) })
	holding(t, s, "DUE00", change.KindChange, serving, -time.Minute, nil)
	holding(t, s, "STAG0", change.KindChange, staging, time.Hour, nil)
	holding(t, s, "0THER", change.KindChange, elsewhere, time.Minute, nil)
	holding(t, s, "REV00", change.KindRevert, production, time.Hour, nil)
	holding(t, s, "FRZ00", change.KindFreeze, baseten.Target{ModelID: "m1"}, time.Hour, nil)
	holding(t, s, "FRZ0V", change.KindFreeze, baseten.Target{}, -time.Minute, nil)
	for what, tt := range map[string]struct {
		list func() ([]*change.Request, error)
		want []change.ID
	}{
		"of a target":         {func() ([]*change.Request, error) { return s.Holding(t.Context(), production) }, []change.ID{"DUE00", "LATER"}},
		"of a model":          {func() ([]*change.Request, error) { return s.Temporary(t.Context(), "m1", 9) }, []change.ID{"DUE00", "STAG0", "LATER"}},
		"of all":              {func() ([]*change.Request, error) { return s.Temporary(t.Context(), "", 2) }, []change.ID{"DUE00", "0THER"}},
		"freezes of a target": {func() ([]*change.Request, error) { return s.Freezes(t.Context(), &production, databaseNow(t, s)) }, []change.ID{"FRZ00"}},
		"freezes of another":  {func() ([]*change.Request, error) { return s.Freezes(t.Context(), &elsewhere, databaseNow(t, s)) }, nil},
		"freezes of all, an hour": {func() ([]*change.Request, error) {
			return s.Freezes(t.Context(), nil, databaseNow(t, s).Add(2*time.Hour))
		}, nil},
	} {
		list, err := tt.list()
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(list); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", what, got, tt.want)
		}
	}
	if n, err := s.OverdueEnds(t.Context(), databaseNow(t, s)); n != 1 || err != nil {
		t.Errorf("%d ends are overdue, error %v", n, err)
	}
}
