package store

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

func testPending(t *testing.T, s *Store) {
	create(t, s, pending("SECND", "d1", 2))
	create(t, s, pending("FIRST", "d1", 1))
	other := pending("OTHER", "d2", 3)
	other.Target.ModelID = "m2"
	create(t, s, other)
	create(t, s, pending("ENDED", "d1", 0))
	mustChange(t, s, "ENDED", move(change.Expired))

	for _, tt := range []struct {
		model string
		limit int
		want  []change.ID
	}{
		{"", 10, []change.ID{"FIRST", "SECND", "OTHER"}},
		{"", 2, []change.ID{"FIRST", "SECND"}},
		{"m1", 10, []change.ID{"FIRST", "SECND"}},
		{"m2", 1, []change.ID{"OTHER"}},
		{"m3", 10, nil},
	} {
		got, err := s.Pending(t.Context(), tt.model, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, tt.want, ids(got))
	}
}

func testNeighbours(t *testing.T, s *Store) {
	for i, target := range []baseten.Target{production, serving, promoted, bare, staging, elsewhere} {
		r := pending(change.ID([]string{"PRODU", "SERVI", "PROMO", "BARE0", "STAGI", "ELSEW"}[i]), "", i)
		r.Target = target
		create(t, s, r)
	}
	create(t, s, &change.Request{ID: "RAW00", Kind: change.KindChange, State: change.Requested, CreatedAt: t0})
	for _, tt := range []struct {
		of    baseten.Target
		limit int
		want  []change.ID
	}{
		{production, 10, []change.ID{"PRODU", "SERVI", "PROMO", "BARE0"}},
		{production, 2, []change.ID{"PRODU", "SERVI"}},
		{promoted, 10, []change.ID{"PRODU", "SERVI", "PROMO"}},
		{bare, 10, []change.ID{"PRODU", "SERVI", "BARE0"}},
		{staging, 10, []change.ID{"STAGI"}},
		{elsewhere, 10, []change.ID{"ELSEW"}},
		{baseten.Target{}, 10, nil},
	} {
		got, err := s.Neighbours(t.Context(), tt.of, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, tt.want, ids(got))
		for _, r := range got {
			if !r.Target.Overlaps(tt.of) {
				t.Errorf("%s does not overlap", r.ID)
			}
		}
	}
}

func testOvertaken(t *testing.T, s *Store) {
	since := func(target baseten.Target, id change.ID, at time.Time) bool {
		t.Helper()
		found, err := s.Overtaken(t.Context(), target, id, at)
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
	approved(t, s, "AAAAA", serving, 0)
	approved(t, s, "OTHER", staging, 0)
	if err := apply(t, s, "OTHER"); err != nil {
		t.Fatal(err)
	}
	want("only approved", since(production, "BBBBB", t0), false)
	if err := apply(t, s, "AAAAA"); err != nil {
		t.Fatal(err)
	}
	want("applying", since(production, "BBBBB", t0.Add(1000*time.Hour)), true)
	want("itself", since(production, "AAAAA", t0), false)
	ended := mustChange(t, s, "AAAAA", move(change.Applied)).EndedAt
	want("applied before", since(production, "BBBBB", ended.Add(time.Millisecond)), false)
	want("applied then", since(production, "BBBBB", ended), true)
	want("applied since", since(production, "BBBBB", ended.Add(-time.Minute)), true)
	want("another target", since(elsewhere, "BBBBB", ended.Add(-time.Minute)), false)
	want("itself applied", since(production, "AAAAA", ended), false)
}

func testTold(t *testing.T, s *Store) {
	tell := func(id change.ID, target baseten.Target, n change.News) {
		r := pending(id, "", 0)
		r.State, r.EndedAt, r.Target, r.News = change.Applied, t0, target, n
		create(t, s, r)
	}
	at := func(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }
	tell("OLDER", production, change.News{Code: change.Overruled, At: at(1)})
	tell("NEWER", serving, change.News{Code: change.Short, At: at(2)})
	tell("WITH0", production, change.News{Code: change.Overruled, At: at(3), With: "NEWER"})
	tell("OTHER", staging, change.News{Code: change.Overruled, At: at(3)})
	tell("GOOD0", production, change.News{})
	for minutes, want := range map[int][]change.ID{0: {"NEWER", "OLDER"}, 1: {"NEWER", "OLDER"}, 2: {"NEWER"}, 3: nil} {
		got, err := s.Told(t.Context(), production, at(minutes))
		if err != nil {
			t.Fatal(err)
		}
		diff(t, want, ids(got))
	}
}

func testDenied(t *testing.T, s *Store) {
	deny := func(id change.ID, target baseten.Target, by authz.Person) time.Time {
		t.Helper()
		r := pending(id, "", 0)
		r.Target = target
		create(t, s, r)
		return mustChange(t, s, id, func(r *change.Request, now time.Time) (change.Effects, error) {
			r.DeniedBy = by
			return move(change.Denied)(r, now)
		}).EndedAt
	}
	lea := authz.Person{ID: "U0LEA", Name: "lea"}
	first := deny("FIRST", production, lea)
	deny("POLIC", production, authz.Person{}) // by the policy
	deny("OTHER", staging, lea)
	deny("ELSEW", elsewhere, lea)
	create(t, s, pending("WAITS", "d1", 0))
	last := deny("LATER", serving, lea)

	for _, tt := range []struct {
		of    baseten.Target
		since time.Time
		want  []change.ID
	}{
		{production, first, []change.ID{"LATER", "FIRST"}},
		{bare, first.Add(-time.Hour), []change.ID{"LATER", "FIRST"}},
		{production, last.Add(time.Millisecond), nil},
		{staging, first, []change.ID{"OTHER"}},
		{baseten.Target{}, first, nil},
	} {
		got, err := s.Denied(t.Context(), tt.of, tt.since)
		if err != nil {
			t.Fatal(err)
		}
		if first.Equal(last) { // in one millisecond
			slices.SortFunc(got, func(a, b *change.Request) int { return cmp.Compare(b.ID, a.ID) })
		}
		diff(t, tt.want, ids(got))
	}
}

func testUnreviewed(t *testing.T, s *Store) {
	for i, id := range []change.ID{"SECND", "FIRST", "CLOSE", "THIRD"} {
		r := pending(id, "d1", []int{2, 1, 0, 3}[i])
		r.Review.Open = id != "CLOSE"
		create(t, s, r)
	}
	mustChange(t, s, "SECND", move(change.Applied)) // an end is not a signature
	for limit, want := range map[int][]change.ID{10: {"FIRST", "SECND", "THIRD"}, 2: {"FIRST", "SECND"}} {
		got, err := s.Unreviewed(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, want, ids(got))
	}
	mustChange(t, s, "FIRST", alter(func(r *change.Request) { r.Review = change.Review{By: authz.Person{ID: "U0LEA"}} }))
	got, err := s.Unreviewed(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, []change.ID{"SECND", "THIRD"}, ids(got))
}

func testOpenOf(t *testing.T, s *Store) {
	add := func(id change.ID, seconds int, state change.State, who, channel string) {
		r := pending(id, "d1", seconds)
		r.State, r.Requester.ID, r.Channel = state, who, channel
		create(t, s, r)
	}
	add("WAITS", 2, change.Pending, "U1", "C1")
	add("ASKED", 1, change.Requested, "U1", "C1")
	add("GOING", 3, change.Approved, "U1", "C1")
	add("ENDED", 0, change.Pending, "U1", "C1")
	mustChange(t, s, "ENDED", move(change.Canceled))
	add("WHERE", 0, change.Pending, "U1", "C2")
	add("WHOSE", 0, change.Pending, "U2", "C1")
	for _, tt := range []struct {
		who, channel string
		limit        int
		want         []change.ID
	}{
		{"U1", "C1", 10, []change.ID{"ASKED", "WAITS"}},
		{"U1", "C1", 1, []change.ID{"ASKED"}},
		{"U1", "C2", 10, []change.ID{"WHERE"}},
		{"U2", "C1", 10, []change.ID{"WHOSE"}},
		{"U2", "C2", 10, nil},
	} {
		got, err := s.OpenOf(t.Context(), tt.who, tt.channel, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, tt.want, ids(got))
	}
}

func testHistory(t *testing.T, s *Store) {
	add := func(id change.ID, seconds int, target baseten.Target) {
		r := pending(id, "", seconds)
		r.Target = target
		create(t, s, r)
	}
	add("PROD1", 1, baseten.Target{ModelID: "m1", Environment: "production", DeploymentID: "d1"})
	add("PROD2", 2, baseten.Target{ModelID: "m1", Environment: "production", DeploymentID: "d2"})
	add("DEPL1", 3, baseten.Target{ModelID: "m1", DeploymentID: "d1", Deployment: "v1"})
	add("ELSE1", 4, baseten.Target{ModelID: "m2", Environment: "production"})
	create(t, s, &change.Request{ID: "RAW01", Kind: change.KindChange, State: change.Requested, CreatedAt: t0.Add(5 * time.Second)})
	mustChange(t, s, "PROD2", move(change.Denied))

	for _, tt := range []struct {
		model, target string
		limit         int
		want          []change.ID
	}{
		{"", "", 10, []change.ID{"RAW01", "ELSE1", "DEPL1", "PROD2", "PROD1"}},
		{"", "", 2, []change.ID{"RAW01", "ELSE1"}},
		{"m1", "", 10, []change.ID{"DEPL1", "PROD2", "PROD1"}},
		{"m1", "", 2, []change.ID{"DEPL1", "PROD2"}},
		{"m1", "production", 10, []change.ID{"PROD2", "PROD1"}},
		{"m1", "production", 1, []change.ID{"PROD2"}},
		{"m1", "v1", 10, []change.ID{"DEPL1"}},
		{"m1", "d1", 10, []change.ID{"DEPL1", "PROD1"}},
		{"m1", "d1", 1, []change.ID{"DEPL1"}},
		{"m3", "", 10, nil},
	} {
		got, err := s.History(t.Context(), tt.model, tt.target, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, tt.want, ids(got))
	}
}

func testReached(t *testing.T, s *Store) {
	add := func(id change.ID, sent int, target baseten.Target) {
		r := pending(id, "", 100-sent) // what was asked first is sent last
		r.Target = target
		if sent > 0 {
			r.Sends, r.SentAt = 1, t0.Add(time.Duration(sent)*time.Second)
		}
		create(t, s, r)
	}
	add("PROD1", 1, baseten.Target{ModelID: "m1", Environment: "production", DeploymentID: "d1"})
	add("PROD2", 2, baseten.Target{ModelID: "m1", Environment: "production", DeploymentID: "d2"})
	add("DEPL1", 3, baseten.Target{ModelID: "m1", DeploymentID: "d1", Deployment: "v1"})
	add("ELSE1", 4, baseten.Target{ModelID: "m2", Environment: "production"})
	add("NEVER", 0, baseten.Target{ModelID: "m1", Environment: "production", DeploymentID: "d1"})
	add("TAKEN", 5, baseten.Target{ModelID: "m1", Environment: "production", DeploymentID: "d1"})
	mustChange(t, s, "TAKEN", alter(func(r *change.Request) { r.Sends = 0 })) // Baseten took nothing of it
	for _, tt := range []struct {
		model, target string
		limit         int
		want          []change.ID
	}{
		{"", "", 10, []change.ID{"ELSE1", "DEPL1", "PROD2", "PROD1"}},
		{"", "", 2, []change.ID{"ELSE1", "DEPL1"}},
		{"m1", "", 10, []change.ID{"DEPL1", "PROD2", "PROD1"}},
		{"m1", "production", 10, []change.ID{"PROD2", "PROD1"}},
		{"m1", "production", 1, []change.ID{"PROD2"}},
		{"m1", "v1", 10, []change.ID{"DEPL1"}},
		{"m1", "d1", 10, []change.ID{"DEPL1", "PROD1"}},
		{"m3", "", 10, nil},
	} {
		got, err := s.Reached(t.Context(), tt.model, tt.target, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, tt.want, ids(got))
	}
}

func testResolved(t *testing.T, s *Store) {
	create(t, s, pending("FIRST", "d1", 1))
	create(t, s, &change.Request{ID: "TYPO0", Kind: change.KindChange, State: change.Requested, CreatedAt: t0.Add(2 * time.Second)})
	create(t, s, pending("SECND", "d1", 3))
	for limit, want := range map[int][]change.ID{10: {"SECND", "FIRST"}, 1: {"SECND"}} {
		got, err := s.Resolved(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, want, ids(got))
	}
}

func testOwn(t *testing.T, s *Store) {
	add := func(id change.ID, who string, created, ended int) {
		r := pending(id, "d1", created)
		r.Requester.ID = who
		if ended > 0 {
			r.State, r.EndedAt = change.Denied, t0.Add(time.Duration(ended)*time.Second)
		}
		create(t, s, r)
	}
	add("WAITS", "U1", 1, 0)
	add("ENDED", "U1", 2, 60)
	add("LONG0", "U1", 3, 10)
	add("WHOSE", "U2", 4, 0)
	typo := pending("TYPO0", "d1", 5)
	typo.Target = baseten.Target{}
	create(t, s, typo)
	for _, tt := range []struct {
		who   string
		since int
		limit int
		want  []change.ID
	}{
		{"U1", 60, 10, []change.ID{"ENDED", "WAITS"}},
		{"U1", 61, 10, []change.ID{"WAITS"}},
		{"U1", 0, 10, []change.ID{"LONG0", "ENDED", "WAITS"}},
		{"U1", 0, 1, []change.ID{"ENDED"}},
		{"U3", 0, 10, nil},
	} {
		got, err := s.Own(t.Context(), tt.who, t0.Add(time.Duration(tt.since)*time.Second), tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, tt.want, ids(got))
	}
}

func testCounts(t *testing.T, s *Store) {
	for i, id := range []change.ID{"BBBBB", "AAAAA", "CCCCC", "DDDDD", "EEEEE"} {
		create(t, s, pending(id, "d1", i))
	}
	mustChange(t, s, "CCCCC", move(change.Applying))
	mustChange(t, s, "DDDDD", move(change.Failed))
	mustChange(t, s, "EEEEE", func(r *change.Request, now time.Time) (change.Effects, error) {
		r.Review.Open = true
		return move(change.Applied)(r, now)
	})
	got, err := s.CountByState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	diff(t, map[change.State]Waiting{
		change.Pending:  {Requests: 2, Oldest: t0},
		change.Applying: {Requests: 1, Oldest: t0.Add(2 * time.Second)},
	}, got)

	for want := 1; want >= 0; want-- {
		if n, err := s.OpenReviews(t.Context()); err != nil || n != want {
			t.Errorf("%d reviews are open, %v, want %d", n, err, want)
		}
		mustChange(t, s, "EEEEE", alter(func(r *change.Request) { r.Review.Open = false }))
	}
}

// Only what was denied and owes nothing is forgotten. The audit log keeps it.
func testForget(t *testing.T, s *Store) {
	for i, id := range []change.ID{"GONE0", "OWES0", "ENDED", "WAITS"} {
		create(t, s, pending(id, "d1", i))
	}
	mustChange(t, s, "GONE0", alter(func(r *change.Request) { r.State, r.EndedAt, r.Told = change.Denied, t0, change.WayPrivate }))
	mustChange(t, s, "OWES0", alter(func(r *change.Request) { r.State, r.EndedAt = change.Denied, t0 }))
	mustChange(t, s, "ENDED", alter(func(r *change.Request) { r.State, r.EndedAt, r.Told = change.Canceled, t0, change.WayPrivate }))
	record(t, s, change.Event{Kind: change.EventRefused, Request: "GONE0"})
	for _, id := range []change.ID{"GONE0", "OWES0", "ENDED", "WAITS", "NEVER"} {
		if err := s.Forget(t.Context(), id); err != nil {
			t.Errorf("forget %s: %v", id, err)
		}
	}
	_, err := s.Get(t.Context(), "GONE0")
	wantErr(t, err, change.ErrNotFound)
	for _, id := range []change.ID{"OWES0", "ENDED", "WAITS"} {
		get(t, s, id)
	}
	if events := export(t, s, AuditFilter{}); len(events) != 1 || events[0].Request != "GONE0" {
		t.Errorf("%d events are left", len(events))
	}
}
