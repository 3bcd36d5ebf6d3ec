package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// t0 is when the tests begin, for a database without a clock of its own.
var t0 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func openStore(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: url, LockWait: 10 * time.Second, Now: func() time.Time { return t0 }})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// pending returns a request that waits for people, created so many seconds after t0.
// The deployment dep of model m1 serves an environment of its own.
func pending(id change.ID, dep string, seconds int) *change.Request {
	created := t0.Add(time.Duration(seconds) * time.Second)
	return &change.Request{
		ID: id, Kind: change.KindChange, State: change.Pending, CreatedAt: created, ExpiresAt: created.Add(time.Hour), Audience: change.Audience{Introduced: true},
		Requester: authz.Person{ID: "U1", Name: "Ann"}, Channel: "C1", ChannelName: "ops",
		Ask:    change.Ask{Text: "m1 production max=7", Settings: baseten.Settings{baseten.MaxReplica: 7}},
		Target: baseten.Target{ModelID: "m1", Model: "llama", Environment: "env-" + dep, DeploymentID: dep},
	}
}

// same is a step that leaves the request as it is.
func same(*change.Request, time.Time) (change.Effects, error) { return change.Effects{}, nil }

func create(t testing.TB, s *Store, r *change.Request) {
	t.Helper()
	if err := s.Create(t.Context(), change.Delivery{}, r, same); err != nil {
		t.Fatalf("Create: %v", err)
	}
}

func get(t testing.TB, s *Store, id change.ID) *change.Request {
	t.Helper()
	r, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return r
}

// alter is a step that sets something.
func alter(set func(r *change.Request)) change.Step {
	return func(r *change.Request, _ time.Time) (change.Effects, error) {
		set(r)
		return change.Effects{}, nil
	}
}

// move is a step that puts the request into a state.
func move(to change.State) change.Step {
	return func(r *change.Request, now time.Time) (change.Effects, error) {
		r.State = to
		if to.Ended() {
			r.EndedAt = now
		}
		return change.Effects{Events: []change.Event{{At: now, Kind: change.EventMoved, Request: r.ID, To: to}}}, nil
	}
}

func mustChange(t testing.TB, s *Store, id change.ID, step change.Step) *change.Request {
	t.Helper()
	r, err := s.Change(t.Context(), change.Delivery{}, id, step)
	if err != nil {
		t.Fatalf("Change: %v", err)
	}
	return r
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error = %v, want %v", err, want)
	}
}

func diff(t testing.TB, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
}

func ids(rs []*change.Request) []change.ID {
	var out []change.ID
	for _, r := range rs {
		out = append(out, r.ID)
	}
	return out
}

// count asks the database for a number.
func count(t testing.TB, s *Store, sql string, args ...any) int {
	t.Helper()
	n, err := one(context.Background(), s.Reader.db, nil, first[int64], sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return int(n)
}

// raw runs a statement as it stands.
func raw(s *Store, sql string, args ...any) error {
	_, err := s.db.run(context.Background(), "test", sql, args...)
	return err
}

// filler puts a value that occurs nowhere else into every field of a struct, so
// that a field which is lost or swapped on the way shows.
type filler struct {
	n     int
	bools int
	// truth is the value of the i-th bool.
	truth func(i int) bool
}

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch v.Interface().(type) {
	case time.Time:
		at := t0.Add(time.Duration(f.n)*time.Minute + 123456789*time.Nanosecond)
		v.Set(reflect.ValueOf(at.In(time.FixedZone("somewhere", 3600))))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(fmt.Sprintf(`{"n":%d}`, f.n))))
		return
	case baseten.Settings:
		v.Set(reflect.ValueOf(baseten.Settings{baseten.MinReplica: f.n}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Tag.Get("json") != "-" && field.Type != reflect.PointerTo(v.Type()) {
				f.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", f.n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.5)
	case reflect.Bool:
		v.SetBool(f.truth(f.bools))
		f.bools++
	default:
		panic("fill: no value for " + v.Type().String())
	}
}

// eachTime visits the times in a value.
func eachTime(v reflect.Value, visit func(time.Time)) {
	if at, ok := v.Interface().(time.Time); ok {
		visit(at)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			eachTime(v.Field(i), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachTime(v.Index(i), visit)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			eachTime(v.Elem(), visit)
		}
	default: // holds no time
	}
}

// sameMillis compares times as the database keeps them.
var sameMillis = cmp.Comparer(func(a, b time.Time) bool { return a.UnixMilli() == b.UnixMilli() })
