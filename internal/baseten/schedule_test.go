package baseten

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// window is a schedule of every day, unless edited, that sets min 0 and max 1.
func window(cadence string, edit ...func(*Schedule)) Schedule {
	s := Schedule{ID: "s1", Name: "evening", Enabled: true, Cadence: cadence, Settings: Settings{MinReplica: 0, MaxReplica: 1}}
	for _, e := range edit {
		e(&s)
	}
	return s
}

func hours(from, to int) func(*Schedule) {
	return func(s *Schedule) { s.StartHour, s.EndHour = new(from), new(to) }
}

func minutes(from, to int) func(*Schedule) {
	return func(s *Schedule) { s.StartMinute, s.EndMinute = from, to }
}

func weekdays(days ...string) func(*Schedule) { return func(s *Schedule) { s.Weekdays = days } }

func from(start, end string) func(*Schedule) {
	return func(s *Schedule) { s.StartAt, s.EndAt = start, end }
}

func local(t *testing.T, zone, text string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04 -0700"} {
		if at, err := time.ParseInLocation(layout, text, loc); err == nil {
			return at.In(loc)
		}
	}
	t.Fatalf("what time is %q?", text)
	return time.Time{}
}

// 2026-11-25 is a Wednesday. Clocks change in Berlin on 2026-03-29 (02:00 → 03:00) and
// 2026-10-25 (03:00 → 02:00).
func TestScheduleWindows(t *testing.T) {
	const berlin = "Europe/Berlin"
	for _, c := range []struct {
		name      string
		s         Schedule
		now       string
		end, next string // "" for none
	}{
		{"daily, in it", window(Daily, hours(9, 17), minutes(30, 15)), "2026-11-25 12:00", "2026-11-25 17:15", "2026-11-26 09:30"},
		{"daily, at its begin", window(Daily, hours(9, 17)), "2026-11-25 09:00", "2026-11-25 17:00", "2026-11-26 09:00"},
		{"daily, at its end", window(Daily, hours(9, 17)), "2026-11-25 17:00", "", "2026-11-26 09:00"},
		{"daily, before it", window(Daily, hours(14, 18), minutes(30, 0)), "2026-11-25 14:20", "", "2026-11-25 14:30"},
		{"daily, not today", window(Daily, hours(9, 17), weekdays("MONDAY", "FRIDAY")), "2026-11-25 12:00", "", ""},
		{"daily, tomorrow", window(Daily, hours(9, 17), weekdays("THURSDAY")), "2026-11-25 12:00", "", "2026-11-26 09:00"},
		{"daily, more than a day ahead", window(Daily, hours(13, 17), weekdays("THURSDAY")), "2026-11-25 12:00", "", ""},
		{"over midnight, evening", window(Daily, hours(22, 6)), "2026-11-25 23:00", "2026-11-26 06:00", "2026-11-26 22:00"},
		{"over midnight, morning", window(Daily, hours(22, 6)), "2026-11-25 03:00", "2026-11-25 06:00", "2026-11-25 22:00"},
		{"over midnight, yesterday's weekday", window(Daily, hours(22, 6), weekdays("TUESDAY")), "2026-11-25 03:00", "2026-11-25 06:00", ""},
		{"over midnight, today's weekday", window(Daily, hours(22, 6), weekdays("WEDNESDAY")), "2026-11-25 03:00", "", "2026-11-25 22:00"},
		{"the whole day", window(Daily, hours(0, 0)), "2026-11-25 12:00", "2026-11-26 00:00", "2026-11-26 00:00"},
		{"daily without hours", window(Daily), "2026-11-25 12:00", "", ""},

		{"hourly, in it", window(Hourly, minutes(10, 30)), "2026-11-25 14:20", "2026-11-25 14:30", "2026-11-25 15:10"},
		{"hourly, after it", window(Hourly, minutes(10, 30)), "2026-11-25 14:30", "", "2026-11-25 15:10"},
		{"hourly, before it", window(Hourly, minutes(10, 30)), "2026-11-25 14:09", "", "2026-11-25 14:10"},
		{"hourly, over the hour", window(Hourly, minutes(50, 10)), "2026-11-25 14:05", "2026-11-25 14:10", "2026-11-25 14:50"},
		{"hourly, over midnight", window(Hourly, minutes(50, 10), weekdays("Wednesday")), "2026-11-26 00:05", "2026-11-26 00:10", ""},
		{"hourly, the first hour", window(Hourly, hours(9, 17), minutes(10, 30)), "2026-11-25 08:20", "", "2026-11-25 09:10"},
		{"hourly, the last hour", window(Hourly, hours(9, 17), minutes(10, 30)), "2026-11-25 17:20", "2026-11-25 17:30", "2026-11-26 09:10"},
		{"hourly, beyond the last hour", window(Hourly, hours(9, 17), minutes(10, 30)), "2026-11-25 18:20", "", "2026-11-26 09:10"},
		{"hourly, on another day", window(Hourly, hours(9, 17), minutes(10, 30), weekdays("MONDAY")), "2026-11-25 14:20", "", ""},
		{"hourly, hours over midnight", window(Hourly, hours(22, 2), minutes(0, 15), weekdays("TUESDAY")), "2026-11-25 01:10", "2026-11-25 01:15", "2026-11-25 02:00"},
		{"hourly, the whole hour", window(Hourly, minutes(0, 0)), "2026-11-25 14:20", "2026-11-25 15:00", "2026-11-25 15:00"},

		{"once, before", window(OneTime, from("2026-11-25T18:00:00+01:00", "2026-11-25T20:00:00+01:00")), "2026-11-25 12:00", "", "2026-11-25 18:00"},
		{"once, in it", window(OneTime, from("2026-11-25T11:00:00Z", "2026-11-26T09:00:00Z")), "2026-11-25 12:00", "2026-11-26 10:00", ""},
		{"once, at its end", window(OneTime, from("2026-11-25T08:00:00Z", "2026-11-25T11:00:00Z")), "2026-11-25 12:00", "", ""},
		{"once, without an offset", window(OneTime, from("2026-11-25T11:00", "2026-11-25T13:00:00")), "2026-11-25 12:00", "2026-11-25 13:00", ""},
		{"once, unreadable", window(OneTime, from("soon", "later")), "2026-11-25 12:00", "", ""},
		{"a newer cadence", window("LUNAR", hours(0, 23)), "2026-11-25 12:00", "", ""},

		{"clocks go forward within it", window(Daily, hours(1, 4)), "2026-03-29 01:30", "2026-03-29 04:00", "2026-03-30 01:00"},
		{"clocks skip it", window(Daily, hours(2, 3)), "2026-03-29 01:30", "", "2026-03-30 02:00"},
		{"clocks go back within it", window(Daily, hours(1, 4)), "2026-10-25 02:30 +0100", "2026-10-25 04:00", "2026-10-26 01:00"},
		{"clocks go back, the next", window(Daily, hours(12, 13)), "2026-10-24 13:30", "", "2026-10-25 12:00"},
		{"hourly, the hour that is skipped", window(Hourly, minutes(10, 30)), "2026-03-29 01:30", "", "2026-03-29 03:10"},
		{"hourly, the hour that comes twice, first", window(Hourly, minutes(10, 30)), "2026-10-25 02:20 +0200", "2026-10-25 02:30 +0200", "2026-10-25 02:10 +0100"},
		{"hourly, the hour that comes twice, second", window(Hourly, minutes(10, 30)), "2026-10-25 02:20 +0100", "2026-10-25 02:30 +0100", "2026-10-25 03:10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Schedules{Timezone: berlin, Schedules: []Schedule{c.s}}
			now := local(t, berlin, c.now).UTC()
			check := func(what string, got time.Time, want string) {
				t.Helper()
				if want == "" {
					if !got.IsZero() {
						t.Errorf("%s %s, want none", what, got)
					}
					return
				}
				if at := local(t, berlin, want); !got.Equal(at) || got.Location().String() != berlin {
					t.Errorf("%s %s, want %s", what, got, at)
				}
			}
			check("ends", s.End(c.s, now), c.end)
			next, ok := s.Next(Settings{MaxReplica: 7}, now)
			check("next", next.Begin, c.next)
			if ok != (c.next != "") || ok && !next.End.After(next.Begin) {
				t.Errorf("next: %v, %v", next, ok)
			}
		})
	}
}

func TestSchedulesNext(t *testing.T) {
	at := func(id string, hour int, settings Settings) Schedule {
		s := window(Daily, hours(hour, hour+1))
		s.ID, s.Settings = id, settings
		return s
	}
	bounds := Settings{MinReplica: 0, MaxReplica: 1}
	off := at("off", 13, bounds)
	off.Enabled = false
	s := &Schedules{Schedules: []Schedule{off, at("late", 20, bounds), at("delay", 15, bounds.With(Settings{ScaleDownDelay: 60})), at("now", 12, bounds)},
		Applied: &AppliedState{ScheduleID: "now"}}
	now := time.Date(2026, 11, 25, 12, 10, 0, 0, time.UTC)
	for _, c := range []struct {
		touched Settings
		want    string
		masks   []Field
	}{
		{Settings{MaxReplica: 7}, "delay", []Field{MaxReplica}},
		{Settings{ScaleDownDelay: 600, MaxReplica: 7}, "delay", []Field{MaxReplica, ScaleDownDelay}},
		{Settings{ScaleDownDelay: 600}, "delay", []Field{ScaleDownDelay}},
		{Settings{ConcurrencyTarget: 4}, "", nil},
		{nil, "", nil},
	} {
		next, ok := s.Next(c.touched, now)
		if next.Schedule.ID != c.want || ok != (c.want != "") || ok && !cmp.Equal(next.Schedule.Masks(c.touched), c.masks) {
			t.Errorf("%v: %+v, %v", c.touched, next, ok)
		}
	}
	if got := s.End(s.Schedules[3], now); got.Hour() != 13 {
		t.Errorf("ends %s", got)
	}
	if _, ok := (*Schedules)(nil).Next(Settings{MaxReplica: 7}, now); ok {
		t.Error("no schedules have a next one")
	}
	s.Timezone = "Middle/Earth"
	if next, ok := s.Next(Settings{MaxReplica: 7}, now); ok || !s.End(s.Schedules[3], now).IsZero() {
		t.Errorf("in a zone that is not known: %+v", next)
	}
}

func TestMasks(t *testing.T) {
	touched := Settings{MaxReplica: 7, ScaleDownDelay: 600}
	for _, c := range []struct {
		sets Settings
		want []Field
	}{
		{Settings{MinReplica: 0, MaxReplica: 1}, []Field{MaxReplica}},
		{Settings{MinReplica: 0, MaxReplica: 1, ScaleDownDelay: 60}, []Field{MaxReplica, ScaleDownDelay}},
		{Settings{MinReplica: 0}, []Field{}},
		{nil, []Field{MaxReplica}}, // not listed: each sets min and max
	} {
		if diff := cmp.Diff(c.want, Schedule{Settings: c.sets}.Masks(touched)); diff != "" {
			t.Errorf("%v: -want +got\n%s", c.sets, diff)
		}
	}
}
