package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/change"
)

func record(t testing.TB, s *Store, events ...change.Event) {
	t.Helper()
	if err := s.Record(t.Context(), change.Delivery{}, events...); err != nil {
		t.Fatalf("Record: %v", err)
	}
}

func export(t testing.TB, s *Store, f AuditFilter) []change.Event {
	t.Helper()
	var out []change.Event
	err := s.Audit(t.Context(), f, func(e change.Event) error {
		out = append(out, e)
		return nil
	})
	if err != nil {
		t.Fatalf("Audit: %v", err)
	}
	return out
}

// A field that is added to Event and forgotten here is lost and fails this test.
func testEventRoundTrip(t *testing.T, s *Store) {
	var want change.Event
	f := filler{truth: func(int) bool { return true }}
	f.fill(reflect.ValueOf(&want).Elem())
	record(t, s, want, change.Event{Kind: change.EventStarted})
	want.Seq = 1

	got := export(t, s, AuditFilter{})
	if d := cmp.Diff([]change.Event{want, {Seq: 2, Kind: change.EventStarted, At: t0}}, got, sameMillis); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
	one, err := s.Events(t.Context(), want.Request)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, got[:1], one)
}

func testAppendOnly(t *testing.T, s *Store) {
	record(t, s, change.Event{Kind: change.EventStarted})
	before := export(t, s, AuditFilter{})
	for _, sql := range []string{
		`UPDATE events SET why = 'another'`,
		`DELETE FROM events`,
		`DELETE FROM events WHERE seq = 1`,
	} {
		if err := raw(s, sql); err == nil || !strings.Contains(err.Error(), "events are append-only") {
			t.Errorf("%s: error = %v", sql, err)
		}
	}
	diff(t, before, export(t, s, AuditFilter{}))
}

func testAudit(t *testing.T, s *Store) {
	const n = 2*auditPage + 7
	events := make([]change.Event, n)
	for i := range events {
		events[i] = change.Event{
			At: t0.Add(time.Duration(i) * time.Second), Kind: change.EventMoved, Request: "AAAAA",
			Actor:   change.Person{ID: fmt.Sprint("U", i%3), Name: fmt.Sprint("name", i%3)},
			ModelID: fmt.Sprint("m", i%5), ModelName: fmt.Sprint("model-", i%5),
		}
	}
	record(t, s, events...)

	for _, tt := range []struct {
		name   string
		filter AuditFilter
		keep   func(i int) bool
	}{
		{"all", AuditFilter{}, func(int) bool { return true }},
		{"since", AuditFilter{Since: t0.Add(600 * time.Second)}, func(i int) bool { return i >= 600 }},
		{"until", AuditFilter{Until: t0.Add(600 * time.Second)}, func(i int) bool { return i < 600 }},
		{"between", AuditFilter{Since: t0.Add(3 * time.Second), Until: t0.Add(5 * time.Second)}, func(i int) bool { return i == 3 || i == 4 }},
		{"model by ID", AuditFilter{Model: "m2"}, func(i int) bool { return i%5 == 2 }},
		{"model by name", AuditFilter{Model: "model-2"}, func(i int) bool { return i%5 == 2 }},
		{"user by ID", AuditFilter{User: "U1"}, func(i int) bool { return i%3 == 1 }},
		{"user by name", AuditFilter{User: "name1"}, func(i int) bool { return i%3 == 1 }},
		{"user and model", AuditFilter{User: "U1", Model: "m2"}, func(i int) bool { return i%3 == 1 && i%5 == 2 }},
		{"nothing since", AuditFilter{Since: t0.Add(24 * time.Hour)}, func(int) bool { return false }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []change.Event
			for i, e := range events {
				if tt.keep(i) {
					e.Seq = int64(i + 1)
					want = append(want, e)
				}
			}
			diff(t, want, export(t, s, tt.filter))
		})
	}

	full := errors.New("disk full")
	seen := 0
	err := s.Audit(t.Context(), AuditFilter{}, func(change.Event) error {
		// An export may look things up while it runs.
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 3 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || seen != 3 {
		t.Errorf("after %d events: error = %v", seen, err)
	}
}
