package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
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
	want.Seq, want.Actor.Zone = 1, "" // where somebody lives is no part of the audit log

	got := export(t, s, AuditFilter{})
	if len(got) != 2 || got[1].At.IsZero() || got[1].At.Location() != time.UTC {
		t.Fatalf("an event without a time: %+v", got)
	}
	if d := cmp.Diff([]change.Event{want, {Seq: 2, Kind: change.EventStarted, At: got[1].At}}, got, sameMillis); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
	one, err := s.Events(t.Context(), want.Request)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, got[:1], one)
}

func testAppendOnly(t *testing.T, s *Store) {
	record(t, s, change.Event{Kind: change.EventStarted}, change.Event{Kind: change.EventPolicy})
	before := export(t, s, AuditFilter{})
	var columns string
	for _, name := range eventNames {
		columns += ", " + name
	}
	for _, sql := range []string{
		`UPDATE events SET reason = 'another'`,
		`DELETE FROM events`,
		`DELETE FROM events WHERE seq = 1`,
	} {
		if err := raw(s, sql); err == nil || !strings.Contains(err.Error(), "events are append-only") {
			t.Errorf("%s: error = %v", sql, err)
		}
	}
	// Whatever way a database has to put one row in the place of another.
	for _, sql := range []string{
		`INSERT INTO events (seq, prev, hash` + columns + `) SELECT 1, prev, hash` + columns + ` FROM events WHERE seq = 2`,
		`INSERT OR REPLACE INTO events (seq, prev, hash` + columns + `) SELECT 1, prev, hash` + columns + ` FROM events WHERE seq = 2`,
		`REPLACE INTO events (seq, prev, hash` + columns + `) SELECT 1, prev, hash` + columns + ` FROM events WHERE seq = 2`,
		`INSERT INTO events (seq, prev, hash` + columns + `) SELECT 1, prev, hash` + columns + ` FROM events WHERE seq = 2
			ON CONFLICT (seq) DO UPDATE SET reason = 'another'`,
	} {
		if err := raw(s, sql); err == nil {
			t.Errorf("%s: no error", sql)
		}
	}
	diff(t, before, export(t, s, AuditFilter{}))
}

// unlock takes the triggers away, as whoever owns the database can.
func unlock(t *testing.T, s *Store) {
	t.Helper()
	drop := []string{`DROP TRIGGER events_no_update`, `DROP TRIGGER events_no_delete`, `DROP TRIGGER events_only_next`}
	if s.db.begin != nil { // PostgreSQL
		drop = []string{`DROP TRIGGER events_no_change ON events`}
	}
	for _, sql := range drop {
		if err := raw(s, sql); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever takes the triggers away and rewrites the log is found out, and where.
func testChain(t *testing.T, s *Store) {
	if head, err := s.Verify(t.Context(), Head{}); err != nil || head != (Head{}) {
		t.Fatalf("an empty log: %+v, %v", head, err)
	}
	create(t, s, pending("AAAAA", "d1", 0))
	mustChange(t, s, "AAAAA", move(change.Denied))
	for i := range 5 {
		record(t, s,
			change.Event{Kind: change.EventRefused, Actor: authz.Person{ID: fmt.Sprint("U", i)}, Detail: []byte(`{"a":1}`)},
			change.Event{Kind: change.EventStarted})
	}
	head, err := s.Verify(t.Context(), Head{})
	if err != nil || head.Seq != 11 || len(head.Hash) != 64 {
		t.Fatalf("Verify: %+v, %v", head, err)
	}
	if got, err := s.Head(t.Context()); err != nil || got != head {
		t.Errorf("Head: %+v, %v, want %+v", got, err, head)
	}

	unlock(t, s)
	for _, tt := range []struct {
		name, do, undo, want string
	}{
		{"altered", `UPDATE events SET actor = 'U9' WHERE seq = 4`, `UPDATE events SET actor = 'U1' WHERE seq = 4`, "event 4 was altered"},
		{"moved to another column", `UPDATE events SET rule = actor, actor = '' WHERE seq = 4`, `UPDATE events SET actor = rule, rule = '' WHERE seq = 4`, "event 4 was altered"},
		{"another time", `UPDATE events SET at = at + 1 WHERE seq = 4`, `UPDATE events SET at = at - 1 WHERE seq = 4`, "event 4 was altered"},
		{"moved to the front", `UPDATE events SET seq = -3 WHERE seq = 3`, `UPDATE events SET seq = 3 WHERE seq = -3`, "event -3 was put in"},
		{"first taken out", `UPDATE events SET seq = 99 WHERE seq = 1`, `UPDATE events SET seq = 1 WHERE seq = 99`, "event 1 is missing"},
		{"two taken out", `UPDATE events SET seq = seq + 90 WHERE seq IN (4, 5)`, `UPDATE events SET seq = seq - 90 WHERE seq > 90`, "events 4 to 5 are missing"},
		{"one taken out", `UPDATE events SET seq = 99 WHERE seq = 7`, `UPDATE events SET seq = 7 WHERE seq = 99`, "event 7 is missing"},
		{"head turned back", `UPDATE chain SET seq = 9`, `UPDATE chain SET seq = 11`, "it goes on to event 11, and 9 were written"},
		{"another head", `UPDATE chain SET hash = 'x' || hash`, `UPDATE chain SET hash = substr(hash, 2)`, "event 11 is not the one that was written last"},
		{"no head", `UPDATE chain SET seq = 11`, ``, ""},
		{"tail cut", `DELETE FROM events WHERE seq > 9`, ``, "it ends at event 9, and 11 were written: its end was cut off"},
		{"all cut", `DELETE FROM events`, ``, "it ends at event 0, and 11 were written"},
		{"head gone too", `DELETE FROM chain`, ``, "its head is missing"},
	} {
		if err := raw(s, tt.do); err != nil {
			t.Fatal(err)
		}
		_, err := s.Verify(t.Context(), Head{})
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		} else if !errors.Is(err, ErrChain) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error = %v, want %q", tt.name, err, tt.want)
		}
		if tt.undo != "" {
			if err := raw(s, tt.undo); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Record(t.Context(), change.Delivery{}, change.Event{Kind: change.EventStarted}); !errors.Is(err, ErrChain) {
		t.Errorf("without a head: error = %v", err)
	}
}

// A row rewritten together with its own hash does not fit the next one.
func testChainRehashed(t *testing.T, s *Store) {
	for range 3 {
		record(t, s, change.Event{Kind: change.EventStarted, At: t0})
	}
	unlock(t, s)
	values := map[string]string{"at": fmt.Sprint(t0.UnixMilli()), "kind": "refused"}
	var prev string
	if err := each(t.Context(), s.Reader.db, func(r row) error { return r.Scan(&prev) }, `SELECT prev FROM events WHERE seq = 2`); err != nil {
		t.Fatal(err)
	}
	forged := link(2, prev, func(i int) string { return values[eventNames[i]] })
	if err := raw(s, `UPDATE events SET kind = 'refused', hash = $1 WHERE seq = 2`, forged); err != nil {
		t.Fatal(err)
	}
	_, err := s.Verify(t.Context(), Head{})
	if !errors.Is(err, ErrChain) || !strings.Contains(err.Error(), "event 3 does not follow") {
		t.Errorf("error = %v", err)
	}
}

// Whoever can turn the head back too cuts the end off, or writes it anew, and the log
// alone is whole again. A head that was kept elsewhere shows it.
func testChainKept(t *testing.T, s *Store) {
	started := func(n int) {
		for range n {
			record(t, s, change.Event{Kind: change.EventStarted})
		}
	}
	head := func() Head {
		h, err := s.Verify(t.Context(), Head{})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	started(2)
	early := head()
	started(2)
	kept := head()
	for _, h := range []Head{early, kept} {
		read, err := ParseHead(h.String())
		if err != nil || read != h {
			t.Errorf("ParseHead(%q): %v, %v", h, read, err)
		}
		if _, err := s.Verify(t.Context(), h); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
	unlock(t, s)
	for _, sql := range []string{`DELETE FROM events WHERE seq > 2`, `UPDATE chain SET seq = 2, hash = '` + early.Hash + `'`} {
		if err := raw(s, sql); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(kept Head, want string) {
		t.Helper()
		if _, err := s.Verify(t.Context(), kept); !errors.Is(err, ErrChain) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v, want %q", kept, err, want)
		}
	}
	head()
	wants(kept, "it ends at event 2, and event 4 was kept: its end was cut off")
	record(t, s, change.Event{Kind: change.EventRefused}, change.Event{Kind: change.EventRefused}, change.Event{Kind: change.EventRefused})
	head()
	wants(kept, "event 4 is not the one that was kept")
	if _, err := s.Verify(t.Context(), early); err != nil {
		t.Error(err)
	}
}

func TestParseHead(t *testing.T) {
	hash := strings.Repeat("0f", 32)
	for _, bad := range []string{"", "12", "12:", ":" + hash, "0:" + hash, "-1:" + hash, "12:" + hash[1:], "12:" + strings.ToUpper(hash), strings.Repeat("9", 19) + ":" + hash} {
		if h, err := ParseHead(bad); err == nil {
			t.Errorf("ParseHead(%q) = %v", bad, h)
		}
	}
}

// Many write at once: one chain.
func testChainRace(t *testing.T, stores ...*Store) {
	together(12, func(i int) {
		if err := stores[i%len(stores)].Record(t.Context(), change.Delivery{}, change.Event{Kind: change.EventStarted}, change.Event{Kind: change.EventPolicy}); err != nil {
			t.Error(err)
		}
	})
	if head, err := stores[0].Verify(t.Context(), Head{}); err != nil || head.Seq != 24 {
		t.Errorf("event %d, %v", head.Seq, err)
	}
}

// A person's requests are exported whole, and so are a model's.
func testAudit(t *testing.T, s *Store) {
	asked := pending("ASKED", "d1", 0)
	asked.Requester = authz.Person{ID: "U7", Name: "Zoe"}
	create(t, s, asked)
	person := func(id, name string) authz.Person { return authz.Person{ID: id, Name: name} }
	at := func(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }
	record(t, s,
		change.Event{At: at(1), Request: "AAAAA", Actor: person("U1", "Ann"), To: change.Requested},
		change.Event{At: at(2), Request: "BBBBB", Actor: person("U2", "Bob"), To: change.Requested},
		change.Event{At: at(3), Request: "AAAAA", To: change.Pending, ModelID: "m1", Model: "llama"},
		change.Event{At: at(4), Request: "BBBBB", To: change.Pending, ModelID: "m2", Model: "whisper"},
		change.Event{At: at(5), Request: "AAAAA", Actor: person("U2", "Bob"), To: change.Approved},
		change.Event{At: at(6), Actor: person("U3", "Cid"), Kind: change.EventRefused, ModelID: "m1", Model: "llama"},
		change.Event{At: at(7), Kind: change.EventStarted},
		change.Event{At: at(8), Request: "AAAAA", To: change.Applied},
		change.Event{At: at(9), Request: "ASKED", To: change.Expired},
	)
	for _, tt := range []struct {
		name   string
		filter AuditFilter
		want   []int64
	}{
		{"all", AuditFilter{}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"since", AuditFilter{Since: at(7)}, []int64{7, 8, 9}},
		{"until", AuditFilter{Until: at(3)}, []int64{1, 2}},
		{"between", AuditFilter{Since: at(3), Until: at(5)}, []int64{3, 4}},
		{"nothing since", AuditFilter{Since: at(100)}, nil},
		{"request", AuditFilter{Request: "BBBBB"}, []int64{2, 4}},
		{"requester", AuditFilter{User: "U1"}, []int64{1, 3, 5, 8}},
		{"requester by name", AuditFilter{User: "Ann"}, []int64{1, 3, 5, 8}},
		{"approver, who asked for another", AuditFilter{User: "U2"}, []int64{1, 2, 3, 4, 5, 8}},
		{"refused", AuditFilter{User: "U3"}, []int64{6}},
		{"requester whom no event names", AuditFilter{User: "U7"}, []int64{9}},
		{"nobody", AuditFilter{User: "U8"}, nil},
		{"model", AuditFilter{Model: "m2"}, []int64{2, 4}},
		{"model by name, with a refusal", AuditFilter{Model: "llama"}, []int64{1, 3, 5, 6, 8}},
		{"model of a request whose events do not say", AuditFilter{Model: "m1"}, []int64{1, 3, 5, 6, 8, 9}},
		{"user and model", AuditFilter{User: "U2", Model: "m2"}, []int64{2, 4}},
		{"user since", AuditFilter{User: "U1", Since: at(4)}, []int64{5, 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []int64
			for _, e := range export(t, s, tt.filter) {
				got = append(got, e.Seq)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("events %v, want %v", got, tt.want)
			}
		})
	}

	full := errors.New("disk full")
	seen := 0
	err := s.Audit(t.Context(), AuditFilter{}, func(change.Event) error {
		if seen++; seen == 3 {
			return full
		}
		return nil
	})
	if err != full || seen != 3 {
		t.Errorf("after %d events: error = %v", seen, err)
	}
}
