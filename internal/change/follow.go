package change

import (
	"cmp"
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// Outcome is what became of a change that was sent: whether the settings are in
// force, and what the replicas did. It is found by reading, after the answer; it is
// not a state, because the request's life has ended.
type Outcome struct {
	Kind OutcomeKind `json:"kind,omitempty"`
	// At is when Kind was found.
	At time.Time `json:"at,omitzero"`
	// InForceAt is when the settings were first read as asked, ReachedAt when the
	// replicas were first where they had to go.
	InForceAt time.Time `json:"in_force_at,omitzero"`
	ReachedAt time.Time `json:"reached_at,omitzero"`
	// Replicas is the last count of active replicas that was read, Goal where they
	// had to go (the new floor or ceiling), 0 where the change asks for no number.
	Replicas int `json:"replicas,omitempty"`
	Goal     int `json:"goal,omitempty"`
	// Schedule names the schedule that masks the change, with OldSettings the
	// serving deployment runs with its old settings for no reason that is known.
	Schedule    string `json:"schedule,omitempty"`
	OldSettings bool   `json:"old_settings,omitempty"`
	// Current holds what stands there instead of what was asked, By who put it there;
	// zero where Baseten does not tell.
	Current baseten.Settings `json:"current,omitempty"`
	By      baseten.Changer  `json:"by,omitzero"`
	// Final tells that it is no longer followed.
	Final bool `json:"final,omitempty"`
}

// OutcomeKind names an outcome.
type OutcomeKind string

// Outcomes. The empty kind is a request of which nothing was sent.
const (
	// Following: the settings are being read back.
	Following OutcomeKind = "following"
	// Watching: no answer told what became of it; it may still land.
	Watching OutcomeKind = "watching"
	// InForce: the settings were read as asked.
	InForce OutcomeKind = "in_force"
	// Reached: in force, and the active replicas reached Goal.
	Reached OutcomeKind = "reached"
	// Short: in force, but after a quarter of an hour the replicas are not at Goal.
	Short OutcomeKind = "short"
	// NotVisible: Baseten took it, but the settings did not show in time.
	NotVisible OutcomeKind = "not_visible"
	// Overruled: it was in force and then changed by somebody else.
	Overruled OutcomeKind = "overruled"
	// Rescheduled: a window of Schedule began or ended, and it put other values there.
	Rescheduled OutcomeKind = "rescheduled"
	// Superseded: a later request of ours changed it again.
	Superseded OutcomeKind = "superseded"
	// NotRead: Baseten could not be read until the time was up.
	NotRead OutcomeKind = "not_read"
	// Landed: it was told as failed or unknown, and took effect later.
	Landed OutcomeKind = "landed"
	// NeverLanded: it was told as failed or unknown, and never took effect.
	NeverLanded OutcomeKind = "never_landed"
)

// Outcomes lists what may be learned after a change was sent.
func Outcomes() []OutcomeKind {
	return []OutcomeKind{InForce, Reached, Short, NotVisible, Overruled, Rescheduled, Superseded, NotRead, Landed, NeverLanded}
}

// Bad reports whether it is news that the requester has to be told by a message of
// its own.
func (k OutcomeKind) Bad() bool {
	switch k {
	case Short, NotVisible, Overruled, Rescheduled, NotRead, Landed:
		return true
	default:
		return false
	}
}

// overturns reports whether what the card says of the end does not hold any more.
func (k OutcomeKind) overturns() bool {
	return k == Overruled || k == Rescheduled || k == NotVisible || k == Landed
}

// News is bad news of a request that was told as done, or as failed: it is one new
// reply, since an edit notifies nobody.
type News struct {
	Code OutcomeKind `json:"code,omitempty"`
	At   time.Time   `json:"at,omitzero"`
	// With is the request whose news tells of this one too: one hand change may
	// overrule several. That one lists them in Also.
	With ID   `json:"with,omitempty"`
	Also []ID `json:"also,omitempty"`
}

// How a change is followed.
const (
	// followFirst is when it is first read back.
	followFirst = time.Second
	// followFor is how long it is followed: long enough to catch an operator or
	// Terraform, whose reconcile loops take minutes, putting the settings back.
	followFor = 15 * time.Minute
	// visibleWithin is how long the settings may take to show.
	visibleWithin = 2 * time.Minute
	// followReads is how many calls a second all followed changes share.
	followReads = 5
	// followers is how many models are read at the same time: one that hangs must not
	// keep the others from being looked at.
	followers = 4
	// oneNews is for how long one message tells of all that one hand change overruled.
	oneNews = time.Hour
)

// follower remembers the changes that this process follows. They stay leased, and
// nothing is written of them until there is something to say: if the process dies,
// they are due at once, and whoever leases them follows on.
type follower struct {
	calls *rate.Limiter
	busy  chan struct{}
	news  chan struct{} // there may be something to read earlier

	mu   sync.Mutex
	rows map[ID]*followed
}

type followed struct {
	id        ID
	model     string
	appliedAt time.Time
	outcome   Outcome
	next      time.Time
	reading   bool
	// retryAt is when a message of it may be tried again or its term wants attention, zero
	// where nothing is owed: the dispatcher takes no row that is leased.
	retryAt time.Time
}

func newFollower() *follower {
	return &follower{
		calls: rate.NewLimiter(followReads, followReads), busy: make(chan struct{}, followers),
		news: make(chan struct{}, 1), rows: make(map[ID]*followed),
	}
}

// add begins to follow a change, or goes on with what is known of it.
func (f *follower) add(r *Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, known := f.rows[r.ID]
	if !known {
		since := later(r.AppliedAt, r.Outcome.At)
		row = &followed{id: r.ID, model: r.Target.ModelID, appliedAt: since, outcome: r.Outcome, next: since.Add(followFirst)}
		f.rows[r.ID] = row
	}
	row.retryAt = r.Term.due()
	if len(r.owedMessages()) > 0 {
		row.retryAt = firstTime(row.retryAt, r.RetryAt)
	}
	f.wake()
}

// owing takes the followed changes of which a message may be tried again.
func (f *follower) owing(now time.Time) (ids []ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, row := range f.rows {
		if !row.retryAt.IsZero() && !row.retryAt.After(now) {
			row.retryAt = time.Time{} // whoever looks says when again
			ids = append(ids, id)
		}
	}
	return ids
}

// wake makes the loop look what comes next.
func (f *follower) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

func (f *follower) drop(id ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rows, id)
}

func (f *follower) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.rows)
}

// due returns the model to be read next, and all changes of it: that of the newest
// change whose time has come. Otherwise it returns how long to wait.
func (f *follower) due(now time.Time) (model string, rows []*followed, wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var newest *followed
	wait = followFor
	for _, row := range f.rows {
		switch {
		case row.reading:
		case row.next.After(now):
			wait = min(wait, row.next.Sub(now))
		case newest == nil || row.appliedAt.After(newest.appliedAt):
			newest = row
		}
	}
	if newest == nil {
		return "", nil, wait
	}
	for _, row := range f.rows {
		if row.model == newest.model && !row.reading {
			row.reading = true
			rows = append(rows, row)
		}
	}
	return newest.model, rows, 0
}

// looked notes a look, and when the next one is.
func (f *follower) looked(row *followed, o Outcome, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row.outcome, row.reading = o, false
	row.next = now.Add(followEvery(now.Sub(row.appliedAt)))
	f.wake()
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

// follow reads changes back until ctx ends, one read for all changes of a model.
func (s *Service) follow(ctx context.Context) {
	var reads sync.WaitGroup
	defer reads.Wait()
	for {
		model, rows, wait := s.follower.due(s.now())
		if rows == nil {
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-s.follower.news:
			case <-timer.C:
			}
			timer.Stop()
			continue
		}
		if enter(ctx, s.follower.busy) != nil || s.follower.calls.WaitN(ctx, baseten.TargetsReads) != nil {
			return
		}
		reads.Go(func() {
			defer func() { <-s.follower.busy }()
			s.lookBack(ctx, model, rows)
		})
	}
}

// lookBack reads a model and says what became of the changes of it.
func (s *Service) lookBack(ctx context.Context, model string, rows []*followed) {
	ctx, cancel := context.WithTimeout(ctx, 2*readWithin)
	defer cancel()
	targets, err := s.names.TargetsOnce(ctx, model)
	if err != nil {
		s.cfg.Log.Debug("read changes back", zap.String("model_id", model), zap.Error(err))
	}
	slices.SortFunc(rows, func(a, b *followed) int { return b.appliedAt.Compare(a.appliedAt) })
	for _, row := range rows {
		s.lookAt(ctx, row, targets, err == nil)
	}
}

// lookAt holds one followed change against what was read.
func (s *Service) lookAt(ctx context.Context, row *followed, targets baseten.Targets, read bool) {
	now := s.now()
	defer func() {
		if p := recover(); p != nil { // this one rests; the others go on
			s.follower.drop(row.id)
			s.broken(row.id, zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
		}
	}()
	r, err := s.store.Get(ctx, row.id)
	switch {
	case err != nil:
		s.follower.looked(row, row.outcome, now)
		return
	case !r.Followed() || r.LeasedBy != s.lease.owner():
		s.follower.drop(row.id)
		return
	}
	next := row.outcome
	found, exists := targets.Exactly(r.Target.Environment, r.Target.DeploymentID)
	if !read || !exists || found.Settings() == nil {
		next = next.unread(row.appliedAt, now)
	} else {
		next = next.after(r, row.appliedAt, found, now)
	}
	if next.Kind == Overruled || next.Kind == Rescheduled || next.Kind == NotVisible {
		ours, underWay, err := s.superseded(ctx, r, next.Current)
		if err != nil || underWay {
			s.follower.looked(row, row.outcome, now)
			return
		}
		switch {
		case ours:
			next.Kind = Superseded
		case next.Kind == Overruled:
			next.By = s.changedBy(ctx, r.Target, moved(r.Ask.Settings, r.Ask.Settings, next.Current), r.AppliedAt)
		}
	}
	if next.says(row.outcome) {
		if err := s.noteOutcome(ctx, r, next); err != nil {
			s.storeFailed("note outcome", zapRequest(r.ID), zap.Error(err))
			next = row.outcome
		} else if next.Final {
			s.follower.drop(row.id)
			s.Start(r.ID)
			return
		} else {
			s.Start(r.ID)
		}
	}
	s.follower.looked(row, next, now)
}

// changedBy asks Baseten's audit log, once, who moved the target's settings to what they
// are, no earlier than since; zero where it does not tell.
func (s *Service) changedBy(ctx context.Context, t baseten.Target, moved []Moved, since time.Time) baseten.Changer {
	stands := baseten.Settings{}
	for _, m := range moved {
		if m.Is != nil {
			stands[m.Field] = *m.Is
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	by, _, err := s.api.ChangedBy(ctx, t, stands, since)
	if err != nil {
		s.cfg.Log.Debug("read who changed the settings", zap.String("model_id", t.ModelID), zap.Error(err))
	}
	return by
}

// superseded reports whether later requests of ours asked for all that stands there
// now instead of what this one asked for. UnderWay tells that this cannot be said yet:
// one of them may have put it there, and nobody knows so far.
func (s *Service) superseded(ctx context.Context, r *Request, current baseten.Settings) (ours, underWay bool, err error) {
	past, err := s.store.History(ctx, r.Target.ModelID, "", mostWaiting)
	if err != nil {
		return false, false, err
	}
	ours = true
	for _, m := range moved(r.Ask.Settings, r.Ask.Settings, current) {
		ours = ours && slices.ContainsFunc(past, func(o *Request) bool {
			v, asked := o.Ask.Settings[m.Field]
			if o.ID == r.ID || !o.Target.Overlaps(r.Target) || !asked || m.Is == nil || *m.Is != v || o.SentAt.Before(r.AppliedAt) {
				return false
			}
			underWay = underWay || o.State == Applying
			return o.State == Applied || o.Outcome.Kind == Watching || o.Outcome.Kind == Landed
		})
	}
	return ours, underWay, nil
}

// says reports whether an outcome is worth saying after the one before: when the
// settings are in force, and at the end. What happens between is not.
func (o Outcome) says(before Outcome) bool {
	return o.Final || !o.InForceAt.IsZero() && before.InForceAt.IsZero() || o.Kind.Bad()
}

// noteOutcome keeps what became of a change, and sees to it that the thread says it:
// good news by an edit, bad news by a message of its own, one for all that the same
// hand overruled.
func (s *Service) noteOutcome(ctx context.Context, r *Request, next Outcome) error {
	var with *Request
	if next.Kind == Overruled {
		told, err := s.store.Told(ctx, r.Target, s.now().Add(-oneNews))
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(told, func(o *Request) bool { return o.ID != r.ID && o.News.Code == Overruled }); i >= 0 {
			with = told[i]
		}
	}
	_, err := s.change(ctx, Delivery{}, r.ID, func(r *Request, e *Effects, now time.Time) error {
		if !r.Followed() {
			return ErrState // somebody else said it
		}
		r.Outcome = next
		r.Attempts, r.RetryAt = 0, time.Time{}
		if next.Kind == Landed {
			r.beginTerm(now)
			r.tellOrigin(e, now)
		}
		r.owe(Reply)
		if next.Kind.overturns() {
			r.owe(Card) // it says something else
		}
		r.oweReview()
		if next.Kind.Bad() {
			r.News = News{Code: next.Kind, At: now}
			if with != nil {
				r.News.With = with.ID
			} else {
				r.owe(BadNews)
			}
		}
		e.Events = append(e.Events, r.event(EventOutcome, r.State, authz.Person{}, Reason{Code: Code(next.Kind)}, now))
		return nil
	})
	if err != nil || with == nil {
		return err
	}
	_, err = s.change(ctx, Delivery{}, with.ID, func(o *Request, _ *Effects, _ time.Time) error {
		s.take(o)
		if !slices.Contains(o.News.Also, r.ID) {
			o.News.Also = append(o.News.Also, r.ID)
			o.owe(BadNews)
		}
		return nil
	})
	s.Start(with.ID)
	return err
}

// unread is the outcome after a read that failed.
func (o Outcome) unread(since, now time.Time) Outcome {
	if now.Sub(since) < followFor {
		return o
	}
	o.Final, o.At = true, now
	switch {
	case o.Kind == Watching:
		o.Kind = NeverLanded
	case o.InForceAt.IsZero():
		o.Kind = NotRead
	}
	return o
}

// after is the outcome once the target was read at now.
func (o Outcome) after(r *Request, since time.Time, f baseten.Resolved, now time.Time) Outcome {
	asked, age := r.Ask.Settings, now.Sub(since)
	written := f.Settings().Only(asked)
	over := age >= followFor
	if f.Deployment != nil {
		o.Replicas = f.Deployment.ActiveReplicas
	}
	if o.Kind == Watching {
		switch {
		case written.Equal(asked):
			o.Kind, o.Final, o.At = Landed, true, now
		case over:
			o.Kind, o.Final, o.At = NeverLanded, true, now
		}
		return o
	}
	switch {
	case !written.Equal(asked) && !o.InForceAt.IsZero():
		o.Kind, o.Final, o.At, o.Current = Overruled, true, now, written
		if schedule, edge := edgeOf(f, moved(asked, asked, written), o.InForceAt, now); edge {
			o.Kind, o.Schedule = Rescheduled, cmp.Or(schedule.Name, schedule.ID)
		}
	case !written.Equal(asked):
		if age < visibleWithin || r.Answer.Status == "QUEUED" && !over {
			return o
		}
		o.Kind, o.Final, o.At, o.Current = NotVisible, true, now, written
	case !runs(f, asked):
		schedule, scheduled := scheduleOf(f)
		if scheduled || age > visibleWithin {
			o.Kind, o.At = InForce, now
			o.Schedule, o.OldSettings = cmp.Or(schedule.Name, schedule.ID), !scheduled
			o.InForceAt = firstOf(o.InForceAt, now)
			o.Final = over
		}
	default:
		o.InForceAt, o.Schedule, o.OldSettings = firstOf(o.InForceAt, now), "", false
		o = o.replicas(r, f, over, now)
		o.Final = over
	}
	return o
}

func firstOf(at, now time.Time) time.Time {
	if at.IsZero() {
		return now
	}
	return at
}

// runs reports whether the deployment that serves runs with the values asked for.
func runs(f baseten.Resolved, asked baseten.Settings) bool {
	return f.Environment == nil || f.Deployment == nil || f.Deployment.Settings == nil || f.Deployment.Settings.Only(asked).Equal(asked)
}

func scheduleOf(f baseten.Resolved) (baseten.Schedule, bool) {
	if f.Environment == nil {
		return baseten.Schedule{}, false
	}
	return f.Environment.Schedules.InForce()
}

// edgeOf returns the schedule whose window began or ended since then, where that is why
// other values stand at a deployment: its environment's schedules rewrite it.
func edgeOf(f baseten.Resolved, values []Moved, since, now time.Time) (baseten.Schedule, bool) {
	if f.In == nil {
		return baseten.Schedule{}, false
	}
	stands := f.In.Settings
	schedule, edge := f.In.Schedules.InForce()
	if edge {
		stands = stands.With(schedule.Settings)
	} else {
		schedule, edge = f.In.Schedules.Ended(since, now)
	}
	return schedule, edge && !slices.ContainsFunc(values, func(m Moved) bool {
		v, set := stands[m.Field]
		return m.Is == nil || !set || *m.Is != v
	})
}

// replicas says what the replicas did once the settings are in force.
func (o Outcome) replicas(r *Request, f baseten.Resolved, over bool, now time.Time) Outcome {
	o.Kind, o.At, o.Goal = InForce, now, 0
	if f.Deployment == nil || !touchesReplicas(r.Ask.Settings) {
		return o
	}
	floor, ceiling := r.After()[baseten.MinReplica], r.After()[baseten.MaxReplica]
	active, before := o.Replicas, r.Snapshot.Replicas
	raised := ceiling > r.Snapshot.Settings[baseten.MaxReplica]
	switch {
	case active < floor:
		o.Goal = floor
	case active > ceiling:
		o.Goal = ceiling
	case before < floor:
		o.Kind, o.Goal = Reached, floor
	case before > ceiling, raised && before < ceiling && active == ceiling:
		o.Kind, o.Goal = Reached, ceiling
	default:
		return o // load does not ask for more
	}
	switch {
	case o.Kind == Reached:
		o.ReachedAt = firstOf(o.ReachedAt, now)
	case over && active < floor:
		o.Kind = Short
	default:
		o.ReachedAt = time.Time{}
	}
	return o
}
