package moment

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseMoment(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"18:00": "18:00", "8:00": "08:00", "08:05": "08:05", "00:00": "00:00", "23:59": "23:59",
		"8am": "08:00", "6pm": "18:00", "6 PM": "18:00", "6:30pm": "18:30", "12am": "00:00", "12pm": "12:00", "12:15am": "00:15",
		"Mon 08:00": "Mon 08:00", "mon 8:00": "Mon 08:00", "MONDAY 8am": "Mon 08:00", "sunday  23:00": "Sun 23:00",
		"2026-12-01 08:00": "2026-12-01 08:00", "2026-12-01T08:00": "2026-12-01 08:00", "2026-12-01t8:00": "2026-12-01 08:00", "2028-02-29 6pm": "2028-02-29 18:00",
		"": "", "24:00": "", "18:60": "", "18": "", "18h": "", "0am": "", "13pm": "", "18:00:00": "", "18:00Z": "", "18:00 CET": "",
		"Mon": "", "Mon, 08:00": "", "Mond 08:00": "", "2026-12-01": "", "2026-02-30 08:00": "", "2026-13-01 08:00": "", "1999-12-01 08:00": "",
		"Mon 2026-12-01 08:00": "", "tomorrow 08:00": "", "noon": "", "-1:00": "", "１８:00": "",
	} {
		m, ok := Parse(text)
		if m.String() != want || ok != (want != "") || m.IsZero() == ok {
			t.Errorf("%q is %q, %t, want %q", text, m, ok, want)
		}
		again, ok := Parse(m.String())
		if want != "" && (!ok || again != m) {
			t.Errorf("%q is spelled %q, which is %+v", text, m, again)
		}
	}
}

func TestFormatSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		5 * time.Minute: "5m", time.Hour: "1h", 90 * time.Minute: "1h30m", 23 * time.Hour: "23h", 24 * time.Hour: "1d", 48 * time.Hour: "2d",
		25 * time.Hour: "25h", 49*time.Hour + 5*time.Minute: "49h5m", 7 * 24 * time.Hour: "7d",
	} {
		if got := FormatSpan(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestMomentIn(t *testing.T) {
	t.Parallel()
	const newYork, berlin, lordHowe = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"
	for _, tt := range []struct {
		name, zone, now, moment string
		want                    string // a time, or the words of the error
	}{
		{"later today", berlin, "2026-11-26T10:00:00+01:00", "18:00", "2026-11-26T18:00:00+01:00"},
		{"passed today", berlin, "2026-11-26T18:00:01+01:00", "18:00", "2026-11-27T18:00:00+01:00"},
		{"this very moment", berlin, "2026-11-26T18:00:00+01:00", "18:00", "2026-11-27T18:00:00+01:00"},
		{"today is the zone's", newYork, "2026-11-26T23:30:00Z", "18:45", "2026-11-26T18:45:00-05:00"},
		{"tomorrow is next year", newYork, "2026-12-31T23:00:00-05:00", "08:00", "2027-01-01T08:00:00-05:00"},
		{"a weekday of next year", berlin, "2026-12-30T09:00:00+01:00", "Mon 08:00", "2027-01-04T08:00:00+01:00"},
		{"a weekday still today", berlin, "2026-11-26T07:00:00+01:00", "Thu 08:00", "2026-11-26T08:00:00+01:00"},
		{"a weekday passed today", berlin, "2026-11-26T09:00:00+01:00", "Thu 08:00", "2026-12-03T08:00:00+01:00"},
		{"a date", berlin, "2026-11-26T09:00:00+01:00", "2026-12-01 08:00", "2026-12-01T08:00:00+01:00"},
		{"a leap day", berlin, "2028-02-28T09:00:00+01:00", "2028-02-29 08:00", "2028-02-29T08:00:00+01:00"},
		{"a date passed", berlin, "2026-11-26T09:00:00+01:00", "2026-11-26 08:00", "2026-11-26 08:00 has passed"},
		{"a summer date seen from winter", newYork, "2026-03-01T09:00:00-05:00", "2026-03-20 08:00", "2026-03-20T08:00:00-04:00"},
		{"over the night that is an hour short", newYork, "2026-03-07T22:00:00-05:00", "08:00", "2026-03-08T08:00:00-04:00"},
		{"over the night that is an hour long", berlin, "2026-10-24T22:00:00+02:00", "08:00", "2026-10-25T08:00:00+01:00"},

		{"skipped tonight", newYork, "2026-03-07T22:00:00-05:00", "02:30", "02:30 does not exist on 2026-03-08: the clocks go from 02:00 to 03:00"},
		{"the first skipped minute", newYork, "2026-03-07T22:00:00-05:00", "02:00", "02:00 does not exist on 2026-03-08: the clocks go from 02:00 to 03:00"},
		{"the last minute before", newYork, "2026-03-07T22:00:00-05:00", "01:59", "2026-03-08T01:59:00-05:00"},
		{"the first minute after", newYork, "2026-03-07T22:00:00-05:00", "03:00", "2026-03-08T03:00:00-04:00"},
		{"skipped last night", newYork, "2026-03-08T12:00:00-04:00", "02:30", "2026-03-09T02:30:00-04:00"},
		{"skipped on a weekday", berlin, "2026-03-28T12:00:00+01:00", "Sun 02:15", "Sun 02:15 does not exist on 2026-03-29: the clocks go from 02:00 to 03:00"},
		{"skipped on a date", berlin, "2026-03-20T12:00:00+01:00", "2026-03-29 02:15", "2026-03-29 02:15 does not exist on 2026-03-29: the clocks go from 02:00 to 03:00"},
		{"skipped on a date that passed", berlin, "2026-03-30T12:00:00+02:00", "2026-03-29 02:15", "2026-03-29 02:15 has passed"},
		{"half an hour is skipped", lordHowe, "2026-10-03T22:00:00+10:30", "02:15", "02:15 does not exist on 2026-10-04: the clocks go from 02:00 to 02:30"},
		{"after half an hour", lordHowe, "2026-10-03T22:00:00+10:30", "02:30", "2026-10-04T02:30:00+11:00"},

		{"twice, before both", berlin, "2026-10-25T01:00:00+02:00", "02:30", "2026-10-25T02:30:00+02:00"},
		{"twice, between them", berlin, "2026-10-25T02:45:00+02:00", "02:30", "2026-10-25T02:30:00+01:00"},
		{"twice, at the first", berlin, "2026-10-25T02:30:00+02:00", "02:30", "2026-10-25T02:30:00+01:00"},
		{"twice, after both", berlin, "2026-10-25T02:30:00+01:00", "02:30", "2026-10-26T02:30:00+01:00"},
		{"twice in New York", newYork, "2026-11-01T01:40:00-04:00", "Sun 01:30", "2026-11-01T01:30:00-05:00"},
		{"half an hour comes twice", lordHowe, "2026-04-05T01:50:00+11:00", "01:45", "2026-04-05T01:45:00+10:30"},
		{"a date twice", berlin, "2026-10-20T12:00:00+02:00", "2026-10-25 02:00", "2026-10-25T02:00:00+02:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339, tt.now)
			m, ok := Parse(tt.moment)
			if err != nil || !ok {
				t.Fatal(err, ok)
			}
			got, err := m.In(now, zone(t, tt.zone))
			text := got.Format(time.RFC3339)
			var e *Error
			if errors.As(err, &e) {
				text = e.Error()
				if e.Time != m || e.Passed == e.Skipped || e.Skipped && !e.From.Equal(e.To) {
					t.Errorf("error %+v", e)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	m := Time{Hour: 18, Set: true}
	if got, err := m.In(time.Date(2026, 5, 4, 17, 0, 0, 0, time.UTC), nil); err != nil || got.Format(time.RFC3339) != "2026-05-04T18:00:00Z" {
		t.Errorf("without a zone: %s, %v", got, err)
	}
}

// Whatever the zone and the moment: it is to come, the clocks show it, and no earlier
// minute that is to come shows it.
func TestMomentInIsTheFirst(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{
		zone(t, "America/New_York"), zone(t, "Europe/Berlin"), zone(t, "Australia/Lord_Howe"), zone(t, "America/Havana"),
		zone(t, "Asia/Kathmandu"), zone(t, "Pacific/Kiritimati"), zone(t, "Africa/Casablanca"), time.UTC,
	}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		// Around the nights on which clocks are changed, and anywhere in two years.
		changes := []string{"2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2026-02-15", "2026-12-31"}
		day, err := time.Parse(time.DateOnly, rapid.SampledFrom(changes).Draw(t, "night"))
		if err != nil {
			t.Fatal(err)
		}
		now := day.Add(time.Duration(rapid.IntRange(-36*60, 36*60).Draw(t, "minutes")) * time.Minute)
		m := Time{Hour: rapid.IntRange(0, 23).Draw(t, "hour"), Minute: rapid.IntRange(0, 59).Draw(t, "minute"), Set: true}
		got, err := m.In(now, loc)
		shows := func(at time.Time) bool { return at.In(loc).Hour() == m.Hour && at.In(loc).Minute() == m.Minute }
		var e *Error
		switch {
		case errors.As(err, &e):
			from, to := e.From.Format("15:04"), e.To.Format("15:04")
			if !e.Skipped || !e.To.After(now) || from < to && (m.String() < from || m.String() >= to) {
				t.Fatalf("%s after %s: %v", m, now.In(loc), err)
			}
			got = e.To
		case !got.After(now) || !shows(got):
			t.Fatalf("%s after %s is %s", m, now.In(loc), got)
		}
		for at := now.Add(time.Minute); at.Before(got); at = at.Add(time.Minute) {
			if shows(at) {
				t.Fatalf("%s after %s is %s, not %s (%v)", m, now.In(loc), at.In(loc), got, err)
			}
		}
	})
}
