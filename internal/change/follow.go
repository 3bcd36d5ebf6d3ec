package change

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"autoscalebot/internal/baseten"
)

// How an applied change is followed.
const (
	// followFirst is when it is first read back.
	followFirst = time.Second
	// followFor is how long it is followed: long enough to catch an operator or
	// Terraform, whose reconcile loops take minutes, putting the settings back.
	followFor = 15 * time.Minute
	// visibleWithin is how long the settings may take to show.
	visibleWithin = 2 * time.Minute
	// followRate is how many reads a second all followed changes share.
	followRate = 5
)

type pace = rate.Limiter

func newPace(perSecond int) *pace { return rate.NewLimiter(rate.Limit(perSecond), 1) }

// follow reads an applied change back once, notes what became of it, and comes back
// until it is known or the time is up.
func (s *Service) follow(ctx context.Context, id ID) error {
	r, err := s.store.Get(ctx, id)
	if err != nil {
		return err
	}
	if r.State != Applied || r.Outcome.Ended() {
		return nil
	}
	if err := s.gets.Wait(ctx); err != nil {
		return err
	}
	found, err := s.reread(ctx, r.Target)
	now := s.cfg.Now()
	var next Outcome
	if err != nil || found.Settings() == nil {
		s.cfg.Log.Debug("read the change back", zapRequest(id), zap.Error(err))
		next = r.Outcome.unread(r, now)
	} else if next = r.Outcome.after(r, found, now); next.Kind == Overruled {
		later, err := s.store.AppliedSince(ctx, r.Target.Key(), r.ID, r.AppliedAt)
		if err != nil {
			return err
		}
		if later {
			next.Text = "Changed again since, by a later request: " + wordsCurrent(r, found.Settings()) + "."
		}
	}
	if err := s.noteOutcome(ctx, r, next); err != nil || next.Ended() {
		return err
	}
	return later{followEvery(now.Sub(r.AppliedAt))}
}

// noteOutcome keeps what became of a change, if it says something new, and sees to
// it that the thread says it too.
func (s *Service) noteOutcome(ctx context.Context, r *Request, next Outcome) error {
	if next == r.Outcome {
		return nil
	}
	told := next.Text == r.Outcome.Text && next.Ended() == r.Outcome.Ended()
	if told && next.Kind == r.Outcome.Kind && next.InForceAt.Equal(r.Outcome.InForceAt) && next.ReachedAt.Equal(r.Outcome.ReachedAt) {
		return nil
	}
	_, err := s.step(ctx, r, Applied, func(r *Request, e *Effects) error {
		tell := next.Ended() || next.Kind != r.Outcome.Kind
		r.Outcome = next
		if tell {
			e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventOutcome, r.State, Person{}, next.Text))
		}
		if !told {
			r.ResultStale, r.Owed = true, true
			// The card says "changed": where that does not hold, it says so too.
			r.RootStale = r.RootStale || next.Kind == Overruled || next.Kind == Invisible
			e.Jobs = append(e.Jobs, s.promise(r.ID))
		}
		return nil
	})
	if err == nil && !told {
		s.Start(r.ID)
	}
	return err
}

// followEvery is how long to wait until the next look: short at first, when people
// watch, and longer later.
func followEvery(since time.Duration) time.Duration {
	switch {
	case since < 10*time.Second:
		return 2 * time.Second
	case since < time.Minute:
		return 5 * time.Second
	case since < 5*time.Minute:
		return 10 * time.Second
	default:
		return 20 * time.Second
	}
}

// unread is the outcome after a read that failed.
func (o Outcome) unread(r *Request, now time.Time) Outcome {
	if now.Sub(r.AppliedAt) < followFor {
		return o
	}
	o.Kind, o.Final, o.At = Unfollowed, true, now
	if o.InForceAt.IsZero() {
		o.Text = "I could not read the settings back: Baseten did not answer. Please look at Baseten."
	} else {
		o.Text += " Then Baseten did not answer any more."
	}
	return o
}

// after is the outcome once the target was read at now.
func (o Outcome) after(r *Request, f baseten.Resolved, now time.Time) Outcome {
	asked, since := r.Ask.Settings, now.Sub(r.AppliedAt)
	written := f.Settings().Only(asked)
	over := since >= followFor
	if f.Deployment != nil {
		o.Replicas = f.Deployment.ActiveReplicas
	}
	switch {
	case !written.Equal(asked) && !o.InForceAt.IsZero():
		o.Kind, o.Final, o.At = Overruled, true, now
		what := "The settings changed: "
		if written.Equal(r.Reading.Settings.Only(asked)) {
			what = "The settings are back: "
		}
		o.Text = fmt.Sprintf("%s%s. Changed by someone else at %s (Terraform or an operator?).", what, wordsCurrent(r, written), clock(now))
	case !written.Equal(asked):
		if since < visibleWithin || (r.Answer.Status == "QUEUED" && !over) {
			return o
		}
		o.Kind, o.Final, o.At = Invisible, true, now
		o.Text = fmt.Sprintf("Not visible at Baseten after %s: %s. Please look at Baseten.", length(since), wordsCurrent(r, written))
	case !runs(f, asked):
		if _, scheduled := schedule(f); scheduled || since > visibleWithin {
			o.Kind, o.At = InForce, now
			if o.InForceAt.IsZero() {
				o.InForceAt = now
			}
			o.Final = over
			o.Text = notRunning(f)
		}
	default:
		if o.InForceAt.IsZero() {
			o.InForceAt = now
		}
		o = o.replicas(r, f, now)
		o.Final = over
	}
	return o
}

// runs reports whether the deployment that serves runs with the values asked for.
func runs(f baseten.Resolved, asked baseten.Settings) bool {
	return f.Environment == nil || f.Deployment == nil || f.Deployment.Settings == nil || f.Deployment.Settings.Only(asked).Equal(asked)
}

func schedule(f baseten.Resolved) (baseten.Schedule, bool) {
	if f.Environment == nil {
		return baseten.Schedule{}, false
	}
	return f.Environment.Schedules.InForce()
}

func notRunning(f baseten.Resolved) string {
	if sc, ok := schedule(f); ok {
		return fmt.Sprintf("Saved; schedule %s is in force, so it takes effect afterwards.", plain(cmp.Or(sc.Name, sc.ID)))
	}
	return "Saved for the environment, but the serving deployment still runs with its old settings."
}

// replicas says what the replicas did once the settings are in force.
func (o Outcome) replicas(r *Request, f baseten.Resolved, now time.Time) Outcome {
	inForce := "In force after " + length(o.InForceAt.Sub(r.AppliedAt)) + "."
	if f.Deployment == nil || !touchesReplicas(r.Ask.Settings) {
		o.Kind, o.Text = InForce, inForce
		return o
	}
	floor, ceiling := r.After()[baseten.MinReplica], r.After()[baseten.MaxReplica]
	active, before := f.Deployment.ActiveReplicas, r.Reading.Replicas
	raised := ceiling > r.Reading.Settings[baseten.MaxReplica]
	since := now.Sub(r.AppliedAt)
	over := since >= followFor
	o.Kind = InForce
	switch {
	case active < floor && over:
		o.Text = fmt.Sprintf("%s Still %d of %d replicas active after %s: Baseten gives no reason; it may lack capacity.", inForce, active, floor, length(since))
	case active < floor:
		o.Text = fmt.Sprintf("%s %d of %d replicas active.", inForce, active, floor)
	case active > ceiling && over:
		o.Text = fmt.Sprintf("%s Still %d replicas active after %s, above the max of %d.", inForce, active, length(since), ceiling)
	case active > ceiling:
		o.Text = fmt.Sprintf("%s %d replicas active, going down to %d.", inForce, active, ceiling)
	case before < floor:
		return o.reached(r, active, floor, now)
	case before > ceiling, raised && before < ceiling && active == ceiling:
		return o.reached(r, active, ceiling, now)
	case over && raised && active <= before:
		o.Text = fmt.Sprintf("Settings in force; still %s: load does not ask for more.", count(active))
	default:
		o.Text = fmt.Sprintf("%s %s active.", inForce, count(active))
	}
	o.ReachedAt = time.Time{}
	return o
}

// reached says since when the replicas are where they had to go.
func (o Outcome) reached(r *Request, active, goal int, now time.Time) Outcome {
	if o.ReachedAt.IsZero() {
		o.ReachedAt = now
	}
	o.Kind = Reached
	took := length(o.ReachedAt.Sub(r.AppliedAt))
	if o.Text = fmt.Sprintf("%d of %d active after %s.", active, goal, took); active != goal {
		o.Text = fmt.Sprintf("%s active after %s.", count(active), took)
	}
	return o
}

func count(replicas int) string {
	if replicas == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", replicas)
}
