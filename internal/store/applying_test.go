package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// approved creates a request of that target that owes its PATCH since so many
// seconds after t0.
func approved(t *testing.T, s *Store, id change.ID, target baseten.Target, since int) {
	t.Helper()
	r := pending(id, "", 0)
	r.State, r.Target, r.OwedSince = change.Approved, target, t0.Add(time.Duration(since)*time.Second)
	create(t, s, r)
}

func apply(t *testing.T, s *Store, id change.ID) error {
	t.Helper()
	_, err := s.Change(t.Context(), change.Delivery{}, id, move(change.Applying))
	return err
}

var (
	production = baseten.Target{ModelID: "m1", Environment: "production", DeploymentID: "d1", Deployment: "v1", Serves: "production"}
	serving    = baseten.Target{ModelID: "m1", DeploymentID: "d1", Deployment: "v1", Serves: "production"}
	promoted   = baseten.Target{ModelID: "m1", Environment: "production", DeploymentID: "d2", Deployment: "v2", Serves: "production"}
	bare       = baseten.Target{ModelID: "m1", DeploymentID: "d1", Deployment: "v1"}
	staging    = baseten.Target{ModelID: "m1", Environment: "staging", DeploymentID: "d3", Deployment: "v3", Serves: "staging"}
	elsewhere  = baseten.Target{ModelID: "m2", Environment: "production", DeploymentID: "d1", Deployment: "v1", Serves: "production"}
)

// However the target was named and whatever was promoted meanwhile: one at a time.
func testOneApplying(t *testing.T, s *Store) {
	for i, tt := range []struct {
		name    string
		other   baseten.Target
		overlap bool
	}{
		{"the same", production, true},
		{"the deployment that serves it", serving, true},
		{"after a promotion", promoted, true},
		{"the deployment, before it served", bare, true},
		{"another environment", staging, false},
		{"another model", elsewhere, false},
	} {
		first, second := change.ID(fmt.Sprint("A", i)), change.ID(fmt.Sprint("B", i))
		approved(t, s, first, production, 0)
		if err := apply(t, s, first); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		approved(t, s, second, tt.other, 1)
		if err := apply(t, s, second); errors.Is(err, change.ErrBusy) != tt.overlap || !tt.overlap && err != nil {
			t.Errorf("%s: error = %v", tt.name, err)
		}
		// The index says the same to whoever forgets to ask.
		if err := raw(s, `UPDATE requests SET state = 'applying' WHERE id = $1`, second); (err != nil) != tt.overlap {
			t.Errorf("%s: the index: %v", tt.name, err)
		} else if err != nil && !s.db.isUnique(err) {
			t.Errorf("%s: not told as a violation of the index: %v", tt.name, err)
		}
		mustChange(t, s, first, move(change.Applied))
		if tt.overlap {
			if r := get(t, s, second); r.State != change.Approved || r.Version != 1 {
				t.Errorf("%s: state %s, version %d", tt.name, r.State, r.Version)
			}
			if err := apply(t, s, second); err != nil {
				t.Errorf("%s: the target is free: %v", tt.name, err)
			}
		}
		mustChange(t, s, second, move(change.Applied))
	}
}

// Requests of one target are sent in the order in which they became owed.
func testApplyInOrder(t *testing.T, s *Store) {
	approved(t, s, "BBBBB", production, 1)
	approved(t, s, "AAAAA", serving, 2)
	approved(t, s, "CCCCC", promoted, 2)
	wantErr(t, apply(t, s, "AAAAA"), change.ErrBusy)
	wantErr(t, apply(t, s, "CCCCC"), change.ErrBusy)
	if err := apply(t, s, "BBBBB"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, apply(t, s, "AAAAA"), change.ErrBusy)
	// Back to approved, as after a 429, it is still the first.
	mustChange(t, s, "BBBBB", move(change.Approved))
	wantErr(t, apply(t, s, "AAAAA"), change.ErrBusy)
	mustChange(t, s, "BBBBB", move(change.Canceled))
	// Of the same moment, the smaller ID goes first.
	wantErr(t, apply(t, s, "CCCCC"), change.ErrBusy)
	if err := apply(t, s, "AAAAA"); err != nil {
		t.Fatal(err)
	}
	// Who is applying writes on without being asked again.
	mustChange(t, s, "AAAAA", alter(func(r *change.Request) { r.Sends++ }))
	mustChange(t, s, "AAAAA", move(change.Applied))

	// In one commit from requested, as where nobody has to approve.
	r := pending("EEEEE", "", 0)
	r.State, r.Target, r.OwedSince = change.Requested, production, t0.Add(3*time.Second)
	create(t, s, r)
	wantErr(t, apply(t, s, "EEEEE"), change.ErrBusy)
	r.ID = "FFFFF"
	wantErr(t, s.Create(t.Context(), change.Delivery{}, r, move(change.Applying)), change.ErrBusy)

	// Break-glass passes who waits, not who is applying.
	breakGlass := func(r *change.Request, now time.Time) (change.Effects, error) {
		r.Decision.BrokeGlass = true
		return move(change.Applying)(r, now)
	}
	if _, err := s.Change(t.Context(), change.Delivery{}, "EEEEE", breakGlass); err != nil {
		t.Fatalf("break-glass: %v", err)
	}
	approved(t, s, "GGGGG", serving, 9)
	_, err := s.Change(t.Context(), change.Delivery{}, "GGGGG", breakGlass)
	wantErr(t, err, change.ErrBusy)
}

func testApplyingRace(t *testing.T, s *Store) {
	const n = 8
	id := func(i int) change.ID { return change.ID(fmt.Sprintf("R%04d", i)) }
	for i := range n {
		create(t, s, pending(id(i), "d1", i)) // pending: nobody is before anybody
	}
	var won, busy atomic.Int32
	together(n, func(i int) {
		_, err := s.Change(t.Context(), change.Delivery{}, id(i), move(change.Applying))
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
