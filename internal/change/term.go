package change

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

const (
	// noticeBefore is how long before its end people are reminded of a temporary change,
	// where it holds for noticeFrom or longer.
	noticeBefore = 10 * time.Minute
	noticeFrom   = 30 * time.Minute
	// askEvery is how often people are asked what to do about a change that could not
	// end.
	askEvery = 24 * time.Hour
	// thawedWithin is how often an end that a freeze stopped looks whether it is over,
	// if nobody says so: whoever thaws it does.
	thawedWithin = 10 * time.Minute
)

// Term is how long a request holds: a temporary change until its settings go back, a
// freeze until it is over. It begins when the request is applied.
type Term struct {
	// EndsAt is when it is to end, as was agreed to.
	EndsAt time.Time `json:"ends_at,omitzero"`
	// Since is when the values were first put there: before it began, where it extends
	// another one. The policy's max_for counts from then.
	Since time.Time `json:"since,omitzero"`
	// OverAt is when it ceased to hold: its settings went back, another took its place, or
	// it was thawed. Zero while it holds.
	OverAt time.Time `json:"over_at,omitzero"`
	// By is the request that reverts it, or did; or that extended or kept it. Once it is
	// over How tells which, and Back what went back; nothing where others hold it all.
	By   ID               `json:"by,omitempty"`
	How  OriginKind       `json:"how,omitempty"`
	Back baseten.Settings `json:"back,omitempty"`

	// What is owed. NoticeAt is when people are told that it ends soon, DueAt when the bot
	// sees to the end, AskAt when people are asked what to do where it could not. Zero is
	// never.
	NoticeAt time.Time `json:"notice_at,omitzero"`
	DueAt    time.Time `json:"due_at,omitzero"`
	AskAt    time.Time `json:"ask_at,omitzero"`
	// Frozen tells that a freeze stopped the end, which waits for the thaw.
	Frozen bool `json:"frozen,omitempty"`
}

// due is when something is owed next.
func (t Term) due() time.Time { return firstTime(t.NoticeAt, t.DueAt, t.AskAt) }

func (t Term) dueAt(now time.Time) bool {
	due := t.due()
	return !due.IsZero() && !due.After(now)
}

// open reports whether it began and is not over, whatever the clock says.
func (t Term) open() bool { return !t.EndsAt.IsZero() && t.OverAt.IsZero() }

// owesNothing is the term once nothing is left to be done about it.
func (t Term) owesNothing() Term {
	t.NoticeAt, t.DueAt, t.AskAt, t.Frozen = time.Time{}, time.Time{}, time.Time{}, false
	return t
}

// firstTime is the earliest of those that are not zero.
func firstTime(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Temporary reports whether it is a change that is to go back by itself.
func (r *Request) Temporary() bool {
	return r.Kind == KindChange && (r.Ask.For > 0 || !r.Ask.Until.IsZero() || r.Ask.Clock != "")
}

// Holds reports whether its settings are in force for a time and have not gone back yet.
func (r *Request) Holds() bool { return r.Kind == KindChange && r.Term.open() }

// beginTerm begins the term of what has just taken effect.
func (r *Request) beginTerm(now time.Time) {
	if !r.Temporary() {
		return
	}
	ends := r.Ask.end(now)
	since := r.Term.Since
	if since.IsZero() {
		since = now
	}
	r.Term = Term{EndsAt: ends, Since: since, DueAt: ends}
	if ends.Sub(now) >= noticeFrom {
		r.Term.NoticeAt = r.Term.notice(now)
	}
}

// notice is when people are to be told of the end, zero where that time has passed.
func (t Term) notice(now time.Time) time.Time {
	at := t.EndsAt.Add(-noticeBefore)
	if !at.After(now) {
		return time.Time{}
	}
	return at
}

// duration is how long the change is to hold in all, as the policy sees it at now; zero
// for good.
func (r *Request) duration(now time.Time) time.Duration {
	switch {
	case r.Ask.For > 0:
		return r.Ask.For
	case r.Ask.Until.IsZero():
		return 0
	}
	began := firstTime(r.Term.Since, r.AppliedAt)
	if began.IsZero() {
		began = now
	}
	return max(r.Ask.Until.Sub(began), time.Second)
}

// endTerm notes that it ceased to hold, because of that request.
func (r *Request) endTerm(e *Effects, now time.Time, by *Request) {
	r.Term = r.Term.owesNothing()
	r.Term.OverAt, r.Term.By, r.Term.How = now, by.ID, by.Origin.Kind
	if by.Kind == KindRevert && by.State == Applied {
		r.Term.Back = by.Ask.Settings
	}
	if r.Followed() { // what stands there now is not its doing
		if r.Outcome.Kind == Following {
			r.Outcome.Kind, r.Outcome.At = Superseded, now
		}
		r.Outcome.Final = true
	}
	r.owe(Card)
	r.oweSteps()
	var actor authz.Person
	if by.Origin.Kind != OriginTimeUp {
		actor = by.Requester
	}
	e.Events = append(e.Events, r.event(EventOver, r.State, actor, Reason{Code: Code(by.Origin.Kind), Request: by.ID}, now))
}

// attendTerm does what is owed for a term.
func (s *Service) attendTerm(ctx context.Context, r *Request, now time.Time) (*Request, error) {
	switch {
	case r.Kind == KindFreeze:
		r, err := s.change(ctx, Delivery{}, r.ID, func(r *Request, e *Effects, now time.Time) error {
			if r.Term.dueAt(now) {
				r.thaw(e, authz.Person{}, now)
			}
			return nil
		})
		if err == nil {
			s.wakeFrozen(r)
		}
		return r, err
	case !r.Term.DueAt.IsZero() && !r.Term.DueAt.After(now):
		return s.timeUp(ctx, r)
	case !r.Term.NoticeAt.IsZero() && !r.Term.NoticeAt.After(now):
		return s.change(ctx, Delivery{}, r.ID, func(r *Request, _ *Effects, now time.Time) error {
			if due := r.Term.NoticeAt; !due.IsZero() && !due.After(now) {
				r.Term.NoticeAt = time.Time{}
				if now.Before(r.Term.EndsAt) { // later the end tells it
					r.owe(EndNotice)
				}
			}
			return nil
		})
	default:
		return s.askAboutEnd(ctx, r)
	}
}

// askAboutEnd asks people what to do about a change that could not end. As with other
// reminders that is noted before it is posted; where it certainly was not posted it is
// owed at once.
func (s *Service) askAboutEnd(ctx context.Context, r *Request) (*Request, error) {
	ask := false
	r, err := s.change(ctx, Delivery{}, r.ID, func(r *Request, _ *Effects, now time.Time) error {
		if ask = !r.Term.AskAt.IsZero() && !r.Term.AskAt.After(now); ask {
			r.Term.AskAt = now.Add(askEvery)
		}
		return nil
	})
	if err == nil && ask {
		s.background(r.ID, func() { s.postQuestion(r) })
	}
	return r, err
}

func (s *Service) postQuestion(r *Request) {
	_, err := s.post(s.lease.held(), r, EndOverdue)
	if err == nil {
		return
	}
	s.cfg.Log.Warn("ask about an end", zapRequest(r.ID), zap.Error(err))
	if !errors.Is(err, errLeaseLost) && !errors.Is(err, errStopping) {
		return
	}
	_, err = s.recordStep(r, r.State, func(r *Request, _ *Effects, now time.Time) error {
		if !r.Term.AskAt.IsZero() {
			r.Term.AskAt = now
		}
		return nil
	})
	if err != nil {
		s.cfg.Log.Warn("ask about an end later", zapRequest(r.ID), zap.Error(err))
	}
}
