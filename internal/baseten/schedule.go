package baseten

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Schedules are the windows in which an environment runs other settings than its
// own.
type Schedules struct {
	// Timezone is an IANA name, "" where no schedule exists.
	Timezone  string
	Schedules []Schedule
	// Applied is what the serving deployment runs now, nil if none serves.
	Applied *AppliedState
	// Unreadable is set when Baseten has schedules in a form that this version
	// cannot read: then more may be in force than is known here.
	Unreadable bool
}

// AppliedState is what the serving deployment of an environment runs now.
type AppliedState struct {
	// ScheduleID is "" while the environment's own settings are in force.
	ScheduleID string
	Settings   Settings
}

// Cadences of a schedule.
const (
	Daily   = "DAILY"    // from one time of the day to another
	Hourly  = "HOURLY"   // from one minute of the hour to another, every hour
	OneTime = "ONE_TIME" // from one moment to another
)

// Schedule is one window. Recurring ones have hours and minutes in the schedules'
// timezone, a ONE_TIME one has StartAt and EndAt.
type Schedule struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// Cadence is DAILY, HOURLY, ONE_TIME or a newer word.
	Cadence string `json:"cadence"`
	// Weekdays are those on which a window begins. None named are all.
	Weekdays []string `json:"weekdays"`
	// StartHour and EndHour are nil for an HOURLY schedule without bounds.
	StartHour   *int `json:"start_hour"`
	StartMinute int  `json:"start_minute"`
	EndHour     *int `json:"end_hour"`
	EndMinute   int  `json:"end_minute"`
	// StartAt is inclusive, EndAt exclusive; RFC 3339 as Baseten wrote it.
	StartAt string `json:"start_at"`
	EndAt   string `json:"end_at"`
	// Settings holds what the window sets, always min and max; of the rest the
	// environment's values are in force in it too. Nil where that is not known.
	Settings Settings `json:"autoscaling_settings"`
}

// UnmarshalJSON reads the schedules. Their form is a beta's: one that cannot be
// read must not hide the environment, nor the others.
func (s *Schedules) UnmarshalJSON(data []byte) error {
	var wire struct {
		Timezone  json.RawMessage   `json:"timezone"`
		Schedules []json.RawMessage `json:"schedules"`
		Applied   json.RawMessage   `json:"applied_state"`
	}
	*s = Schedules{}
	if !readsInto(data, &wire) {
		s.Unreadable = true
		return nil
	}
	s.Timezone = scalar(wire.Timezone)
	for _, raw := range wire.Schedules {
		var one Schedule
		if err := json.Unmarshal(raw, &one); err != nil {
			s.Unreadable = true
			one = Schedule{ID: one.ID, Name: one.Name}
		}
		s.Schedules = append(s.Schedules, one)
	}
	if absent(wire.Applied) {
		return nil
	}
	var applied struct {
		ID       *string         `json:"schedule_id"`
		Settings json.RawMessage `json:"autoscaling_settings"`
	}
	if !readsInto(wire.Applied, &applied) {
		s.Unreadable = true
		return nil
	}
	s.Applied = &AppliedState{}
	if applied.ID != nil {
		s.Applied.ScheduleID = *applied.ID
	}
	s.Applied.Settings, _ = readSettings(applied.Settings) // nil where it cannot be read
	return nil
}

// InForce returns the schedule whose settings run now, as Baseten says. A schedule that
// is named as applied but not listed has only its ID.
func (s *Schedules) InForce() (Schedule, bool) {
	if s == nil || s.Applied == nil || s.Applied.ScheduleID == "" {
		return Schedule{}, false
	}
	for _, one := range s.Schedules {
		if one.ID == s.Applied.ScheduleID {
			return one, true
		}
	}
	return Schedule{ID: s.Applied.ScheduleID}, true
}

// Masks returns those of the touched fields that a window overrides. Of one whose
// settings are not known it is assumed that it overrides min and max, as each does.
func (s Schedule) Masks(touched Settings) []Field {
	if s.Settings == nil {
		return touched.Only(Settings{MinReplica: 0, MaxReplica: 0}).Fields()
	}
	return touched.Only(s.Settings).Fields()
}

// Window is one stretch of time in which a schedule is in force.
type Window struct {
	Schedule Schedule
	// Begin is inclusive, End exclusive; both in the schedules' timezone.
	Begin, End time.Time
}

// End returns when the window of one that is in force now ends, in the schedules'
// timezone. It is zero where that cannot be told.
func (s *Schedules) End(one Schedule, now time.Time) time.Time {
	zone, ok := s.zone()
	if !ok {
		return time.Time{}
	}
	for _, w := range one.windows(now.In(zone)) {
		if !w.Begin.After(now) && w.End.After(now) {
			return w.End
		}
	}
	return time.Time{}
}

// Next returns the next window that begins within a day and overrides a touched field.
// The schedule in force now is left out: that it comes back is its nature.
func (s *Schedules) Next(touched Settings, now time.Time) (next Window, ok bool) {
	if s == nil {
		return Window{}, false
	}
	zone, known := s.zone()
	current, _ := s.InForce()
	for _, one := range s.Schedules {
		if !known || !one.Enabled || one.ID == current.ID || len(one.Masks(touched)) == 0 {
			continue
		}
		for _, w := range one.windows(now.In(zone)) {
			if soon := w.Begin.After(now) && !w.Begin.After(now.Add(24*time.Hour)); soon && (!ok || w.Begin.Before(next.Begin)) {
				next, ok = w, true
			}
		}
	}
	return next, ok
}

// At returns the window that overrides a touched field at t, in the schedules' timezone.
func (s *Schedules) At(touched Settings, t time.Time) (Window, bool) {
	if s == nil {
		return Window{}, false
	}
	zone, known := s.zone()
	for _, one := range s.Schedules {
		if !known || !one.Enabled || len(one.Masks(touched)) == 0 {
			continue
		}
		for _, w := range one.windows(t.In(zone)) {
			if !w.Begin.After(t) && w.End.After(t) {
				return w, true
			}
		}
	}
	return Window{}, false
}

// Ended returns a schedule of which a window ended after since, and no later than now.
func (s *Schedules) Ended(since, now time.Time) (Schedule, bool) {
	if s == nil {
		return Schedule{}, false
	}
	zone, known := s.zone()
	for _, one := range s.Schedules {
		if !known || !one.Enabled {
			continue
		}
		for _, w := range one.windows(now.In(zone)) {
			if w.End.After(since) && !w.End.After(now) {
				return one, true
			}
		}
	}
	return Schedule{}, false
}

// zone is UTC where none is named, and not known where its name is not.
func (s *Schedules) zone() (*time.Location, bool) {
	loc, err := time.LoadLocation(cmp.Or(s.Timezone, "UTC"))
	return loc, err == nil
}

// windows returns the windows around now, whose location is the schedules' timezone:
// all that hold it or begin within a day after it, and some that ended before.
func (s Schedule) windows(now time.Time) []Window {
	switch s.Cadence {
	case OneTime:
		return s.oneTime(now.Location())
	case Daily:
		return s.daily(now)
	case Hourly:
		return s.hourly(now)
	default:
		return nil
	}
}

func (s Schedule) oneTime(zone *time.Location) []Window {
	begin, err := moment(s.StartAt, zone)
	if err != nil {
		return nil
	}
	end, err := moment(s.EndAt, zone)
	if err != nil {
		return nil
	}
	return []Window{{s, begin, end}}
}

// moment reads RFC 3339, also without an offset.
func moment(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	t, err := time.Parse(time.RFC3339, text)
	return t.In(zone), err
}

// daily windows begin on the selected weekdays, and end on the next day where they go
// over midnight.
func (s Schedule) daily(now time.Time) []Window {
	if s.StartHour == nil || s.EndHour == nil {
		return nil
	}
	over := 0
	if *s.EndHour*60+s.EndMinute <= *s.StartHour*60+s.StartMinute {
		over = 1
	}
	var out []Window
	for day := -1; day <= 1; day++ {
		begin := time.Date(now.Year(), now.Month(), now.Day()+day, *s.StartHour, s.StartMinute, 0, 0, now.Location())
		end := time.Date(now.Year(), now.Month(), now.Day()+day+over, *s.EndHour, s.EndMinute, 0, 0, now.Location())
		// Where the clocks go forward a window may have no time left.
		if s.on(begin.Weekday()) && end.After(begin) {
			out = append(out, Window{s, begin, end})
		}
	}
	return out
}

// hourly windows begin in each hour from the first to the last, which may lie after
// midnight; then they belong to the weekday before. An hour that a change of the clocks
// repeats has two of them.
func (s Schedule) hourly(now time.Time) []Window {
	length := time.Duration((s.EndMinute-s.StartMinute+60)%60) * time.Minute
	if length == 0 {
		length = time.Hour
	}
	first, last := 0, 23
	if s.StartHour != nil && s.EndHour != nil {
		first, last = *s.StartHour, *s.EndHour
	}
	var out []Window
	for h := -2; h <= 25; h++ {
		hour := now.Add(time.Duration(h) * time.Hour)
		begin := hour.Add(time.Duration(s.StartMinute-hour.Minute())*time.Minute - time.Duration(hour.Second())*time.Second - time.Duration(hour.Nanosecond()))
		day, in := begin.Weekday(), first <= begin.Hour() && begin.Hour() <= last
		if last < first { // over midnight
			in = begin.Hour() >= first || begin.Hour() <= last
			if begin.Hour() <= last {
				day = (day + 6) % 7
			}
		}
		if in && s.on(day) {
			out = append(out, Window{s, begin, begin.Add(length)})
		}
	}
	return out
}

// on reports whether a window begins on that day.
func (s Schedule) on(day time.Weekday) bool {
	return len(s.Weekdays) == 0 || slices.ContainsFunc(s.Weekdays, func(name string) bool { return strings.EqualFold(name, day.String()) })
}
