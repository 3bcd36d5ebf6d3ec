package store

import (
	"testing"
	"time"

	"autoscalebot/internal/change"
)

func testOwed(t *testing.T, s *Store) {
	owe := func(id change.ID, seconds int, by string, until time.Time) {
		r := pending(id, "d1", seconds)
		r.Owed, r.ClaimedBy, r.ClaimedUntil = true, by, until
		create(t, s, r)
	}
	owe("NEWER", 9, "", time.Time{})
	owe("FIRST", 1, "", time.Time{})
	owe("MINE0", 2, "me", t0.Add(time.Hour))
	owe("THEIR", 3, "other", t0.Add(time.Hour))
	owe("LEFT0", 4, "other", t0)
	create(t, s, pending("DONE0", "d1", 0))

	got, err := s.Owed(t.Context(), "me", t0, 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, []change.ID{"FIRST", "MINE0", "LEFT0", "NEWER"}, got)
	got, err = s.Owed(t.Context(), "me", t0, 2)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, []change.ID{"FIRST", "MINE0"}, got)
}

func testPending(t *testing.T, s *Store) {
	create(t, s, pending("SECND", "d1", 2))
	create(t, s, pending("FIRST", "d1", 1))
	create(t, s, pending("OTHER", "d2", 3))
	create(t, s, pending("ENDED", "d1", 0))
	mustChange(t, s, "ENDED", move(change.Expired, t0))

	for _, tt := range []struct {
		key   string
		limit int
		want  []change.ID
	}{
		{"", 10, []change.ID{"FIRST", "SECND", "OTHER"}},
		{"", 2, []change.ID{"FIRST", "SECND"}},
		{"m1/d1", 10, []change.ID{"FIRST", "SECND"}},
		{"m1/d3", 10, nil},
	} {
		got, err := s.Pending(t.Context(), tt.key, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, tt.want, ids(got))
	}
}

func testAppliedSince(t *testing.T, s *Store) {
	const key = "m1/d1"
	since := func(id change.ID, at time.Time) bool {
		t.Helper()
		found, err := s.AppliedSince(t.Context(), key, id, at)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	want := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %t, want %t", what, got, want)
		}
	}
	create(t, s, pending("AAAAA", "d1", 0))
	create(t, s, pending("OTHER", "d2", 0))
	mustChange(t, s, "OTHER", move(change.Applying, t0))
	want("only pending", since("BBBBB", t0), false)
	mustChange(t, s, "AAAAA", move(change.Applying, t0))
	want("applying", since("BBBBB", t0.Add(time.Hour)), true)
	want("itself", since("AAAAA", t0), false)
	mustChange(t, s, "AAAAA", move(change.Applied, t0.Add(time.Minute)))
	want("applied before", since("BBBBB", t0.Add(2*time.Minute)), false)
	want("applied then", since("BBBBB", t0.Add(time.Minute)), true)
	want("applied since", since("BBBBB", t0), true)
	want("itself applied", since("AAAAA", t0), false)
}

func testHistory(t *testing.T, s *Store) {
	add := func(id change.ID, seconds int, target change.Target) {
		r := pending(id, "", seconds)
		r.Target = target
		create(t, s, r)
	}
	add("PROD1", 1, change.Target{ModelID: "m1", Environment: "production", DeploymentID: "d1"})
	add("PROD2", 2, change.Target{ModelID: "m1", Environment: "production", DeploymentID: "d2"})
	add("DEPL1", 3, change.Target{ModelID: "m1", DeploymentID: "d1", DeploymentName: "v1"})
	add("ELSE1", 4, change.Target{ModelID: "m2", Environment: "production"})
	create(t, s, &change.Request{ID: "RAW01", State: change.Requested, CreatedAt: t0.Add(5 * time.Second)})
	mustChange(t, s, "PROD2", move(change.Denied, t0))

	for _, tt := range []struct {
		model, target string
		limit         int
		want          []change.ID
	}{
		{"", "", 10, []change.ID{"RAW01", "ELSE1", "DEPL1", "PROD2", "PROD1"}},
		{"", "", 2, []change.ID{"RAW01", "ELSE1"}},
		{"m1", "", 10, []change.ID{"DEPL1", "PROD2", "PROD1"}},
		{"m1", "production", 10, []change.ID{"PROD2", "PROD1"}},
		{"m1", "v1", 10, []change.ID{"DEPL1"}},
		{"m1", "d1", 10, []change.ID{"DEPL1", "PROD1"}},
		{"m3", "", 10, nil},
	} {
		got, err := s.History(t.Context(), tt.model, tt.target, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, tt.want, ids(got))
	}
}

func testCountByState(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	create(t, s, pending("BBBBB", "d1", 0))
	create(t, s, pending("CCCCC", "d1", 0))
	create(t, s, pending("DDDDD", "d1", 0))
	mustChange(t, s, "CCCCC", move(change.Applying, t0))
	mustChange(t, s, "DDDDD", move(change.Failed, t0))
	got, err := s.CountByState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	diff(t, map[change.State]int{change.Pending: 2, change.Applying: 1}, got)
}
