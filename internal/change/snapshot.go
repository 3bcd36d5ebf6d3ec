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
		out = append(out, environmentNotes(f.Environment, touched)...)
	}
	out = append(out, scheduleNotes(f.Schedules(), touched, now)...)
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

func environmentNotes(env *baseten.Environment, touched baseten.Settings) []Note {
	var out []Note
	if env.Current == nil {
		out = append(out, Note{Code: NoteNothingServes})
	}
	if env.Promotion.Running() {
		out = append(out, Note{Code: NotePromotionRuns, Status: env.Promotion.Status, Percent: env.Promotion.Percent})
	}
	if d := env.Current; d != nil && d.Settings != nil && env.Settings != nil {
		own := touched
		if schedule, scheduled := env.Schedules.InForce(); scheduled {
			for _, f := range schedule.Masks(touched) { // its doing, and told as such
				own = own.Without(baseten.Settings{f: 0})
			}
		}
		if differ := moved(own, env.Settings, d.Settings); len(differ) > 0 {
			out = append(out, Note{Code: NoteOwnSettings, Name: d.Name, Moved: differ})
		}
	}
	return out
}

// scheduleNotes tells of the windows that override what is touched: the one in force,
// and the next within a day. Those that override nothing of it are not spoken of.
func scheduleNotes(s *baseten.Schedules, touched baseten.Settings, now time.Time) []Note {
	if s == nil {
		return nil
	}
	var out []Note
	if s.Unreadable {
		out = append(out, Note{Code: NoteSchedulesOdd})
	}
	if one, ok := s.InForce(); ok {
		if masked := one.Masks(touched); len(masked) > 0 {
			out = append(out, Note{Code: NoteSchedule, Name: cmp.Or(one.Name, one.ID), Until: s.End(one, now), Zone: s.Timezone, Fields: masked})
		}
	}
	if next, ok := s.Next(touched, now); ok {
		one := next.Schedule
		out = append(out, Note{
			Code: NoteScheduleNext, Name: cmp.Or(one.Name, one.ID), Until: next.Begin, Zone: s.Timezone,
			Fields: one.Masks(touched), Moved: moved(one.Settings, nil, one.Settings),
		})
	}
	return out
}

// lookUpTerm finds out, for a request whose settings were just read, until when it holds,
// what it goes back to, and which temporary changes hold what it touches.
func (s *Service) lookUpTerm(ctx context.Context, r *Request, f baseten.Resolved) *refusal {
	if no := s.resolveClock(r); no != nil {
		return no
	}
	current := r.Snapshot.Settings
	if fields := r.Ask.Settings.Without(current).Fields(); r.Temporary() && len(fields) > 0 {
		return &refusal{state: Failed, why: Reason{Code: CannotGoBack, Fields: fields}}
	}
	st, err := s.standingOn(ctx, r, current)
	if err != nil {
		return &refusal{Failed, Reason{Code: Broken}, err}
	}
	if r.Kind != KindRevert {
		r.Snapshot.Notes = append(r.Snapshot.Notes, heldNotes(r, st)...)
	}
	if !r.Temporary() {
		return nil
	}
	ends := r.Ask.end(s.now())
	r.Snapshot.Back = st.settings(r.Ask.Settings, ends, r.prolonged()...).Only(r.Ask.Settings)
	if w, ok := f.Schedules().At(r.Ask.Settings, ends); ok {
		one := w.Schedule
		r.Snapshot.Notes = append(r.Snapshot.Notes, Note{
			Code: NoteEndInWindow, Name: cmp.Or(one.Name, one.ID), Until: ends, Zone: f.Schedules().Timezone,
			Fields: one.Masks(r.Ask.Settings), Moved: moved(one.Settings, nil, one.Settings),
		})
	}
	return nil
}

// heldNotes tells of the temporary changes that hold a setting which is touched, but for
// one that the request lets hold longer.
func heldNotes(r *Request, st standing) []Note {
	var out []Note
	for _, h := range st.holdersOf(r.Ask.Settings) {
		if h.ID == r.Origin.ID && r.prolongs() {
			continue
		}
		then := st.settings(r.Ask.Settings, h.Term.EndsAt)
		if differ := moved(r.Ask.Settings, st.current, then); len(differ) > 0 {
			out = append(out, Note{Code: NoteHeld, Request: h.ID, Until: h.Term.EndsAt, Moved: differ})
		}
	}
	return out
}
