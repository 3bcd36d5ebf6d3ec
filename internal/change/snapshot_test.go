package change

import (
	"slices"
	"testing"
	"time"

	"autoscalebot/internal/baseten"
)

// A window is spoken of where it overrides something that is touched, and only of that.
func TestScheduleNotes(t *testing.T) {
	now := time.Date(2026, 11, 25, 13, 20, 0, 0, time.UTC) // 14:20 in Berlin
	bounds := baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 1}
	hourly := baseten.Schedule{ID: "s1", Name: "burst", Enabled: true, Cadence: baseten.Hourly, StartMinute: 10, EndMinute: 30, Settings: bounds}
	evening := baseten.Schedule{ID: "s2", Name: "evening", Enabled: true, Cadence: baseten.Daily, StartHour: new(14), StartMinute: 30, EndHour: new(18), Settings: bounds}
	applied := &baseten.AppliedState{ScheduleID: "s1"}
	serving := baseten.Deployment{ID: "d1", Name: "v1", Environment: "production", Status: "ACTIVE", Settings: baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 1, baseten.ScaleDownDelay: 60}}
	env := func(s *baseten.Schedules) *baseten.Environment {
		if s != nil {
			s.Timezone = "Europe/Berlin"
		}
		return &baseten.Environment{Name: "production", Current: &serving, Schedules: s,
			Settings: baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 4, baseten.ScaleDownDelay: 60}}
	}
	raise, delay := baseten.Settings{baseten.MaxReplica: 7}, baseten.Settings{baseten.ScaleDownDelay: 600}
	for _, c := range []struct {
		name    string
		s       *baseten.Schedules
		touched baseten.Settings
		own     bool // the serving deployment runs with another value, and no window explains it
		want    []NoteCode
	}{
		{"in force, masks", &baseten.Schedules{Schedules: []baseten.Schedule{hourly}, Applied: applied}, raise, false, []NoteCode{NoteSchedule}},
		{"in force, sets something else", &baseten.Schedules{Schedules: []baseten.Schedule{hourly}, Applied: applied}, delay, false, nil},
		{"in force and another next", &baseten.Schedules{Schedules: []baseten.Schedule{hourly, evening}, Applied: applied}, raise, false, []NoteCode{NoteSchedule, NoteScheduleNext}},
		{"next, sets something else", &baseten.Schedules{Schedules: []baseten.Schedule{evening}, Applied: &baseten.AppliedState{}}, delay, false, nil},
		{"unreadable", &baseten.Schedules{Unreadable: true}, raise, true, []NoteCode{NoteSchedulesOdd}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := env(c.s)
			for kind, f := range map[string]baseten.Resolved{
				"environment": {Environment: e, Deployment: e.Current, Serves: "production"},
				"deployment":  {Deployment: e.Current, Serves: "production", In: e},
			} {
				want := c.want
				if kind == "deployment" {
					want = append([]NoteCode{NoteServes}, want...)
				} else if c.own {
					want = append([]NoteCode{NoteOwnSettings}, want...)
				}
				var got []NoteCode
				for _, n := range notes(&Request{Ask: Ask{Settings: c.touched}}, f, now) {
					got = append(got, n.Code)
					switch n.Code {
					case NoteSchedule:
						if n.Name != "burst" || !n.Until.Equal(now.Add(10*time.Minute)) || !slices.Equal(n.Fields, []baseten.Field{baseten.MaxReplica}) {
							t.Errorf("%s: %+v", kind, n)
						}
					case NoteScheduleNext:
						if n.Name != "evening" || !n.Until.Equal(now.Add(10*time.Minute)) || len(n.Moved) != 2 || *n.Moved[1].Is != 1 {
							t.Errorf("%s: %+v", kind, n)
						}
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: got %v, want %v", kind, got, want)
				}
			}
		})
	}
	// What the serving deployment runs with beside the window is its own.
	serving.Settings[baseten.ScaleDownDelay] = 900
	e := env(&baseten.Schedules{Schedules: []baseten.Schedule{hourly}, Applied: applied})
	got := notes(&Request{Ask: Ask{Settings: raise.With(delay)}}, baseten.Resolved{Environment: e, Deployment: e.Current}, now)
	if len(got) != 2 || got[0].Code != NoteOwnSettings || len(got[0].Moved) != 1 || got[0].Moved[0].Field != baseten.ScaleDownDelay {
		t.Errorf("got %+v", got)
	}
}
