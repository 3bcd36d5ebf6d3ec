package change

import (
	"cmp"
	"context"
	"time"

	"autoscalebot/internal/baseten"
)

// pricesWithin bounds how long a card waits for list prices that are not cached.
const pricesWithin = 2 * time.Second

// snapshot keeps of what was read, from at on, what the card shows.
func (s *Service) snapshot(ctx context.Context, r *Request, f baseten.Resolved, at time.Time) Snapshot {
	out := Snapshot{At: at, Settings: f.Settings(), Notes: notes(r, f, s.now())}
	if d := f.Deployment; d != nil {
		out.Status, out.Replicas = d.Status, d.ActiveReplicas
	}
	shown := *r
	shown.Snapshot = out
	if touchesReplicas(r.Ask.Settings) || s.policy().UsesCost() {
		out.Cost = s.cost(ctx, &shown, f, pricesWithin)
	}
	return out
}

func touchesReplicas(touched baseten.Settings) bool {
	_, least := touched[baseten.MinReplica]
	_, most := touched[baseten.MaxReplica]
	return least || most
}

// cost is the list price before and after, nil where it is not known. Of what was
// read only the instance type counts; the settings are the request's.
func (s *Service) cost(ctx context.Context, r *Request, f baseten.Resolved, wait time.Duration) *baseten.Cost {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	list, err := s.prices.List(ctx)
	if err != nil {
		return nil
	}
	return list.Cost(f, r.Snapshot.Settings, r.After())
}

// moved lists the fields of touched whose values differ.
func moved(touched, was, is baseten.Settings) []Moved {
	var out []Moved
	for _, f := range touched.Fields() {
		a, b := value(was, f), value(is, f)
		if a == nil && b == nil || a != nil && b != nil && *a == *b {
			continue
		}
		out = append(out, Moved{Field: f, Was: a, Is: b})
	}
	return out
}

func value(s baseten.Settings, f baseten.Field) *int {
	if v, ok := s[f]; ok {
		return &v
	}
	return nil
}

// notes says what stands in the way of the change taking effect or lasting; nothing
// where nothing does. Fields that an older or newer API leaves out are simply not
// spoken of.
func notes(r *Request, f baseten.Resolved, now time.Time) []Note {
	var out []Note
	touched, current := r.Ask.Settings, f.Settings()
	if f.Environment == nil {
		if f.Serves != "" {
			out = append(out, Note{Code: NoteServes, Name: f.Serves})
		}
		for _, env := range f.Promoting {
			out = append(out, Note{Code: NotePromoting, Name: env})
		}
	} else {
		out = append(out, environmentNotes(f.Environment, touched, now)...)
	}
	if d := f.Deployment; d != nil {
		switch d.Status {
		case "INACTIVE", "DEACTIVATING":
			out = append(out, Note{Code: NoteInactive})
		case "SCALED_TO_ZERO":
			if touched[baseten.MinReplica] == 0 {
				out = append(out, Note{Code: NoteScaledToZero})
			}
		case "BUILDING", "DEPLOYING", "LOADING_MODEL":
			out = append(out, Note{Code: NoteDeploying, Status: d.Status})
		case "FAILED", "BUILD_FAILED", "DEPLOY_FAILED", "BUILD_STOPPED":
			out = append(out, Note{Code: NoteNotRunning, Status: d.Status})
		}
	}
	if n, ok := touched[baseten.MinReplica]; ok && n == 0 && current[baseten.MinReplica] > 0 {
		out = append(out, Note{Code: NoteMayScaleDown})
	}
	if _, ok := touched[baseten.ConcurrencyTarget]; ok && current[baseten.TargetInFlightTokens] > 0 {
		out = append(out, Note{Code: NoteTokensRule})
	}
	if fields := sticky(touched, current); len(fields) > 0 {
		out = append(out, Note{Code: NoteCannotClear, Fields: fields})
	}
	return out
}

// sticky are the touched fields that are not set now and can never be cleared again.
func sticky(touched, current baseten.Settings) []baseten.Field {
	var out []baseten.Field
	for _, f := range touched.Fields() {
		row, _ := baseten.Lookup(f)
		if _, set := current[f]; row.Sticky && !set {
			out = append(out, f)
		}
	}
	return out
}

func environmentNotes(env *baseten.Environment, touched baseten.Settings, now time.Time) []Note {
	var out []Note
	if env.Current == nil {
		out = append(out, Note{Code: NoteNothingServes})
	}
	if env.Promotion.Running() {
		note := Note{Code: NotePromotionRuns, Status: env.Promotion.Status}
		if p := env.Promotion.Percent; p != nil {
			percent := float64(*p)
			note.Percent = &percent
		}
		out = append(out, note)
	}
	schedule, scheduled := env.Schedules.InForce()
	// A schedule masks only what it sets; of one that is not listed nobody knows.
	masked := touched.Only(schedule.Settings).Fields()
	if scheduled && (len(masked) > 0 || len(schedule.Settings) == 0) {
		until, zone := scheduleEnd(schedule, env.Schedules.Timezone, now)
		out = append(out, Note{Code: NoteSchedule, Name: cmp.Or(schedule.Name, schedule.ID), Until: until, Zone: zone, Fields: masked})
	}
	if d := env.Current; d != nil && d.Settings != nil && env.Settings != nil && !scheduled {
		if differ := moved(touched, env.Settings, d.Settings); len(differ) > 0 {
			out = append(out, Note{Code: NoteOwnSettings, Name: d.Name, Moved: differ})
		}
	}
	return out
}

// scheduleEnd is when a schedule's window ends, zero where it cannot be told, and
// the zone in which it is written.
func scheduleEnd(s baseten.Schedule, zone string, now time.Time) (time.Time, string) {
	loc, err := time.LoadLocation(cmp.Or(zone, "UTC"))
	if err != nil {
		return time.Time{}, ""
	}
	if end, err := time.Parse(time.RFC3339, s.EndAt); err == nil {
		return end.In(loc), loc.String()
	}
	if s.EndHour == nil {
		return time.Time{}, loc.String()
	}
	here := now.In(loc)
	end := time.Date(here.Year(), here.Month(), here.Day(), *s.EndHour, s.EndMinute, 0, 0, loc)
	if end.Before(here) {
		end = end.AddDate(0, 0, 1)
	}
	return end, loc.String()
}
