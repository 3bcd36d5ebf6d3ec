package change

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"autoscalebot/internal/baseten"
)

// What stands when. At any moment a setting has the value of the latest change of ours
// that still holds, one for good that was not undone or one for a time that is not over,
// since somebody else last changed it; where none holds, the value from before them all.
// An end and an undo hold nothing: they show what stood below. So a short raise
// within a long one falls back to the long one, and whatever order changes end in, they
// go back to where they began. Nothing is kept of that: it is worked out from the rows,
// and from what was read at Baseten, whenever it is asked.

// mostStanding is how many changes of one target are looked at. Where more of them follow
// each other for a time only, the value from before the last so many is the first.
const mostStanding = 400

// standing is what our changes put on one object at Baseten, and what was read there.
type standing struct {
	current baseten.Settings
	// rows took effect on the object, latest first.
	rows []*Request
	// ends are the temporary changes that hold, those that end first first.
	ends []*Request
}

// standingOn reads what our changes put on the request's target, where a temporary one
// holds there: otherwise nothing but what was read counts, but for an undo.
func (s *Service) standingOn(ctx context.Context, r *Request, current baseten.Settings) (standing, error) {
	out := standing{current: current}
	holding, err := s.store.Holding(ctx, r.Target)
	if err != nil {
		return out, fmt.Errorf("read temporary changes of %s: %w", r.Target.ModelID, err)
	}
	holding = slices.DeleteFunc(holding, func(o *Request) bool { return !o.Target.SameObject(r.Target) })
	if len(holding) == 0 && r.Origin.Kind != OriginUndo {
		return out, nil
	}
	slices.SortStableFunc(holding, func(a, b *Request) int { return a.Term.EndsAt.Compare(b.Term.EndsAt) })
	out.ends = holding
	past, err := s.store.Reached(ctx, r.Target.ModelID, cmp.Or(r.Target.Environment, r.Target.DeploymentID), mostStanding)
	if err != nil {
		return out, fmt.Errorf("read changes of %s: %w", r.Target.ModelID, err)
	}
	out.rows = slices.DeleteFunc(past, func(o *Request) bool { return !o.tookEffect() || !o.Target.SameObject(r.Target) })
	return out, nil
}

// tookEffect reports whether the request put its values there.
func (r *Request) tookEffect() bool {
	return r.State == Applied && r.Sends > 0 && r.Reason.Code != AlreadyDone || r.Outcome.Kind == Landed
}

// holdsAt reports whether the request is a change that still holds at t, as if the
// requests in without were over.
func (st standing) holdsAt(r *Request, t time.Time, without []ID) bool {
	if r.Kind != KindChange || r.Origin.Kind == OriginUndo || slices.Contains(without, r.ID) || st.undone(r, without) {
		return false
	}
	return r.Term.EndsAt.IsZero() || r.Term.OverAt.IsZero() && r.Term.EndsAt.After(t)
}

// undone reports whether the request was undone, and the undo was not, nor is in without.
func (st standing) undone(r *Request, without []ID) bool {
	i := slices.IndexFunc(st.rows, func(o *Request) bool { return o.ID == r.UndoneBy })
	if i < 0 || slices.Contains(without, r.UndoneBy) {
		return false
	}
	return !st.undone(st.rows[i], without)
}

// overruledIn tells that the request was followed and something else put another value
// there.
func (r *Request) overruledIn(f baseten.Field) bool {
	if r.Outcome.Kind != Overruled && r.Outcome.Kind != Rescheduled {
		return false
	}
	v, set := r.Outcome.Current[f]
	return !set || v != r.Ask.Settings[f]
}

// at is the value of one setting at t, nil for not set, as if the requests in without
// were over. By is the change that holds it, nil where none does.
func (st standing) at(f baseten.Field, t time.Time, without ...ID) (v *int, by *Request) {
	v = value(st.current, f)
	for _, r := range st.rows {
		put, touched := r.Ask.Settings[f]
		switch {
		case !touched:
			continue
		case v == nil || *v != put || r.overruledIn(f): // somebody else changed it since
			return v, nil
		case st.holdsAt(r, t, without):
			return v, r
		}
		v = value(r.Snapshot.Settings, f)
	}
	return v, nil
}

// ours reports whether the setting has the value that our latest change of it put there;
// if not, which.
func (st standing) ours(f baseten.Field) (put int, ours bool) {
	for _, r := range st.rows {
		if put, touched := r.Ask.Settings[f]; touched {
			v := value(st.current, f)
			return put, v != nil && *v == put && !r.overruledIn(f)
		}
	}
	return 0, false
}

// settings are all settings as they stand at t, those of touched as the rows have it.
func (st standing) settings(touched baseten.Settings, t time.Time, without ...ID) baseten.Settings {
	out := st.current.With(nil)
	for f := range touched {
		v, _ := st.at(f, t, without...)
		if v == nil {
			delete(out, f)
		} else {
			out[f] = *v
		}
	}
	return out
}

// holdersOf are the temporary changes that hold one of the settings, or are to give it
// back, those that end first first.
func (st standing) holdersOf(touched baseten.Settings) []*Request {
	var out []*Request
	for _, r := range st.ends {
		if len(touched.Only(r.Ask.Settings)) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// befores are the settings that a request is held against, each once: what stands now,
// and what would stand at each end of a temporary change that holds a setting which it
// touches. Without the latter a raise for an hour would be a ladder: whoever may only
// lower could make the most of it for good. One that extends or keeps another is held
// against what would stand at that one's end.
func (st standing) befores(r *Request, now time.Time) []baseten.Settings {
	if r.Kind == KindRevert { // it shows what stands below
		return []baseten.Settings{st.current}
	}
	holders := st.holdersOf(r.Ask.Settings)
	var out []baseten.Settings
	add := func(s baseten.Settings) {
		if !slices.ContainsFunc(out, s.Equal) {
			out = append(out, s)
		}
	}
	without := r.prolonged()
	if without == nil {
		add(st.current)
	}
	if len(holders) > 0 {
		add(st.settings(r.Ask.Settings, now, without...))
	}
	for _, h := range holders {
		if h.Term.EndsAt.After(now) {
			add(st.settings(r.Ask.Settings, h.Term.EndsAt, without...))
		}
	}
	if len(out) == 0 {
		add(st.current)
	}
	return out
}

// prolongs reports whether it lets a temporary change hold longer, or for good.
func (r *Request) prolongs() bool {
	return r.Origin.Kind == OriginExtends || r.Origin.Kind == OriginKeeps
}

// prolonged is the change whose place it takes: none, or one.
func (r *Request) prolonged() []ID {
	if !r.prolongs() {
		return nil
	}
	return []ID{r.Origin.ID}
}
