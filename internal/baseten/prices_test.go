package baseten

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPerHour(t *testing.T) {
	l := NewPriceList([]Price{
		{InstanceType{"A10Gx8x32", "A10G"}, 0.02424},
		{InstanceType{"L4-a", "L4"}, 0.01}, {InstanceType{"L4-b", "L4"}, 0.02},
		{InstanceType{"T4-a", "T4"}, 0.005}, {InstanceType{"T4-b", "T4"}, 0.005},
		{InstanceType{"free", "Free"}, 0}, {InstanceType{"", "nameless id"}, 1}, {InstanceType{"nan", "NaN"}, math.Inf(1)},
	})
	for _, c := range []struct {
		name, id string
		want     float64 // 0 is not known
	}{
		{"A10G", "", 1.4544}, {"A10G", "A10Gx8x32", 1.4544}, {"", "A10Gx8x32", 1.4544},
		{"another display name", "A10Gx8x32", 1.4544},
		{"A10G", "unknown id", 0}, // the ID decides
		{"L4", "", 0}, {"L4", "L4-b", 1.2}, {"T4", "", 0.3},
		{"", "", 0}, {"H100", "", 0}, {"Free", "", 0}, {"NaN", "nan", 0},
	} {
		got, ok := l.PerHour(c.name, c.id)
		if ok != (c.want != 0) || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%q %q: %v, %v; want %v", c.name, c.id, got, ok, c.want)
		}
	}
	if _, ok := (PriceList{}).PerHour("A10G", ""); ok {
		t.Error("an empty list knows a price")
	}
}

func TestCost(t *testing.T) {
	l := NewPriceList([]Price{
		{InstanceType{"A10Gx8x32", "A10G"}, 0.025}, {InstanceType{"max", "MAX"}, 1e308 / 60}, {InstanceType{"much", "MUCH"}, 1e9},
	})
	env := func(id, name string) Resolved {
		return Resolved{Environment: &Environment{InstanceType: InstanceType{id, name}}, Deployment: &Deployment{InstanceType: "MAX"}}
	}
	dep := func(name string) Resolved { return Resolved{Deployment: &Deployment{InstanceType: name}} }
	before, after := Settings{MinReplica: 0, MaxReplica: 4}, Settings{MinReplica: 1, MaxReplica: 7}
	want := &Cost{FloorBefore: 0, FloorAfter: 1.5, CeilingBefore: 6, CeilingAfter: 10.5}
	for _, c := range []struct {
		name          string
		found         Resolved
		before, after Settings
		want          *Cost
	}{
		{"environment", env("A10Gx8x32", "A10G"), before, after, want},
		{"environment, by ID alone", env("A10Gx8x32", ""), before, after, want},
		{"deployment", dep("A10G"), before, after, want},
		{"no price of that instance type", dep("H100"), before, after, nil},
		{"no instance type", Resolved{}, before, after, nil},
		{"no max before", dep("A10G"), Settings{MinReplica: 1}, after, nil},
		{"no min afterwards", dep("A10G"), before, Settings{MaxReplica: 1}, nil},
		{"nothing known", dep("A10G"), nil, nil, nil},
		{"more than a number holds", dep("MAX"), before, after, nil},
		{"more than anybody could be charged", dep("MUCH"), before, Settings{MinReplica: 1, MaxReplica: 1000}, nil},
		{"dear, but a price", dep("MUCH"), before, Settings{MinReplica: 0, MaxReplica: 1}, &Cost{CeilingBefore: 2.4e11, CeilingAfter: 6e10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, l.Cost(c.found, c.before, c.after)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	if got := (PriceList{}).Cost(dep("A10G"), before, after); got != nil {
		t.Errorf("an empty list knows a cost: %+v", got)
	}
}

const pricesJSON = `{"instance_types":[{"instance_type":{"id":"A10Gx8x32","name":"A10G"},"price":0.02424}]}`

func TestPricesAreKept(t *testing.T) {
	m := &models{step: say(500, "")}
	s := serve(t, m.ServeHTTP)
	client, _ := dial(t, s)
	now := newClock()
	p := NewPrices(client, now.now, 0)
	known := func() bool {
		list, err := p.List(t.Context())
		_, ok := list.PerHour("A10G", "")
		if ok != (err == nil) {
			t.Errorf("price known %v, error %v", ok, err)
		}
		return ok
	}
	first := known()
	if again := known(); first || again {
		t.Error("a price out of nothing")
	}
	if n := len(s.requests()); n != failedRetries+1 {
		t.Errorf("asked %d times: prices are not worth hammering for", n)
	}
	m.set(say(200, pricesJSON))
	now.add(pricesPause)
	before := len(s.requests())
	for range 3 {
		if !known() {
			t.Error("no price")
		}
	}
	if n := len(s.requests()) - before; n != 1 {
		t.Errorf("asked %d times within the hour", n)
	}
	m.set(hangUp)
	now.add(DefaultPricesTTL)
	if !known() {
		t.Error("the old list is better than none")
	}
	var group sync.WaitGroup
	before = len(s.requests())
	for range 20 {
		group.Go(func() { known() })
	}
	group.Wait()
	if n := len(s.requests()) - before; n != 0 {
		t.Errorf("asked %d times right after a failure", n)
	}
}

func TestPricesCallerMayLeave(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-release
		say(200, pricesJSON)(w, r)
	})
	client, _ := dial(t, s)
	p := NewPrices(client, newClock().now, time.Hour)
	first := make(chan error)
	go func() { _, err := p.List(t.Context()); first <- err }()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left got %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
