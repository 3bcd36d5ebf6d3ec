package change

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"autoscalebot/internal/authz"
)

// State is where a request stands in its life. This file is the whole of that
// life: the constants say how each state is entered and left, also after a
// crash, and the table below them is what the store's guarded updates, its
// CHECK constraints and the tests are held to.
//
//	requested → pending → approved → applying → applied | failed | unknown
//	requested → approved (no approval needed) | denied | failed | canceled
//	pending   → denied | canceled | expired | stale
//	approved  → canceled | stale | failed
//	applying  → approved (Baseten took nothing: 429, connection refused)
//	requested → applied (a freeze: nothing of it is sent)
//
// States are a contract across versions: an older replica runs beside a newer
// one, so a state is never renamed or given another meaning.
type State string

const (
	// Requested is a command that was recorded and acknowledged, but not yet
	// resolved and judged. Entered by the insert that precedes the ack. Left
	// within seconds, at the latest when apply_within is over; after a crash the
	// dispatcher of any replica resolves and judges it anew; where its card was about
	// to be posted, the same card is posted.
	Requested State = "requested"

	// Pending waits for people: an approval, or the requester's own Confirm.
	// Entered once the card is posted. Left by a click, by cancel, by expiry, or
	// when what the card shows no longer holds. A crash changes nothing about it.
	Pending State = "pending"

	// Approved owes the PATCH. Entered by the last approval needed, by Confirm,
	// by break-glass, or at once where the policy asks for nobody. Left within
	// apply_within: to applying, or to stale or failed when the checks made just
	// before the PATCH say so, or to canceled by the requester. After a crash it is
	// taken up again.
	Approved State = "approved"

	// Applying means that this attempt may have reached Baseten. Entered by the
	// commit that precedes the PATCH; at most one request per serving deployment
	// or environment is in it, which a unique index decides. After a crash or an
	// unknown outcome it is left by reading the settings, never by a blind repeat.
	// Where Baseten certainly took nothing (429, connection refused) it goes back to
	// approved, and everything is checked again.
	Applying State = "applying"

	// Applied means that Baseten took the change: it answered, and status and
	// message were stored by the same commit, or the settings were read back as
	// asked. Whether they are in force is the request's Outcome, not a state, and until
	// when they hold its Term. A freeze is applied once it is in force.
	Applied State = "applied"

	// Failed means that the request was not carried out: something stood in its way
	// before it was sent, Baseten refused it, or it was sent twice and did not show.
	// Where no answer ever told what became of it, it is followed all the same: if
	// it lands later, the thread says so.
	Failed State = "failed"

	// Unknown means that for an hour neither could be found out. It is never sent
	// again, and the thread says so.
	Unknown State = "unknown"

	// Denied means that the policy or an approver said no.
	Denied State = "denied"

	// Canceled means that the requester took it back, or replaced it by another.
	Canceled State = "canceled"

	// Expired means that not enough people approved in time.
	Expired State = "expired"

	// Stale means that what was shown no longer holds: the settings moved, the
	// deployment was promoted, or it came too late. The card offers to ask again.
	Stale State = "stale"
)

// next is the life of a request: the states each state may be left for. A state
// that is missing here is an end.
var next = map[State][]State{
	Requested: {Pending, Approved, Denied, Failed, Canceled, Applied},
	Pending:   {Approved, Denied, Canceled, Expired, Stale},
	Approved:  {Applying, Canceled, Stale, Failed},
	Applying:  {Approved, Applied, Failed, Unknown},
}

// CanBecome reports whether a request in s may go to the state to. One commit may
// take several steps, each with its own event: where nobody has to approve,
// approved and applying are entered together.
func (s State) CanBecome(to State) bool { return slices.Contains(next[s], to) }

// Ended reports whether s is an end: no request ever leaves it.
func (s State) Ended() bool { return len(next[s]) == 0 }

// States returns every state, in the order of a request's life.
func States() []State {
	return []State{Requested, Pending, Approved, Applying, Applied, Failed, Unknown, Denied, Canceled, Expired, Stale}
}

// move takes one step of the request's life at the time now and notes it in the
// audit log. Actor is the person who took it, or whose command was refused; zero
// where it was the bot. At an end all messages have something new to tell.
func (r *Request) move(e *Effects, to State, actor authz.Person, why Reason, now time.Time) error {
	from := r.State
	if !from.CanBecome(to) {
		return fmt.Errorf("request %s: %w: %s → %s", r.ID, ErrState, from, to)
	}
	r.State, r.Reason = to, why
	r.Attempts, r.RetryAt, r.Panics = 0, time.Time{}, 0
	if to != Pending {
		r.ExpiresAt, r.RemindAt = time.Time{}, time.Time{}
	}
	if to.Ended() || r.Messages.Buttons {
		r.owe(Card)
	}
	if to.Ended() {
		r.EndedAt = now
		if r.Kind != KindFreeze || to != Applied { // its card says it
			r.owe(Reply)
		}
		if r.Messages.Review.Ref.TS == "" { // no break-glass, or one that nobody heard of: nothing was sent
			r.Review, r.ReviewDueAt = Review{}, time.Time{}
		}
		r.oweReview()
		r.tellOrigin(e, now)
	}
	e.Events = append(e.Events, r.event(EventMoved, from, actor, why, now))
	return nil
}

// event is a line of the audit log about the request as it is now. From is the state
// it left.
func (r *Request) event(kind EventKind, from State, actor authz.Person, why Reason, at time.Time) Event {
	detail, err := json.Marshal(EventDetail{
		Command: r.Ask.Text, Settings: r.Ask.Settings, Before: r.Snapshot.Settings, Reason: r.Ask.Reason,
		ForSeconds: int64(r.Ask.For / time.Second), Until: r.Ask.Until,
		Requester: r.Requester, Target: r.Target, BreakGlass: r.BrokeGlass(), Approvals: r.Votes,
		Sends: r.Sends, Answer: r.Answer, Outcome: r.Outcome,
		Channel: r.ChannelName, Message: r.Messages.Card.Ref, Origin: r.Origin, Term: r.Term,
	})
	if err != nil { // no value above can fail to be written
		detail = nil
	}
	return Event{
		At: at, Kind: kind, Request: r.ID, From: from, To: r.State, Actor: actor, Reason: why,
		Rule: r.Decision.Rule, Policy: r.Decision.PolicySHA, Channel: r.Channel,
		ModelID: r.Target.ModelID, Model: r.Target.Model, Detail: detail,
	}
}

// owe notes that the message shows less than the request knows.
func (r *Request) owe(parts ...Part) {
	for _, part := range parts {
		if m := r.Message(part); !m.GivenUp {
			m.Owed++
		}
	}
}

// oweReview notes that the announcement of a break-glass shows less than the request
// knows, where there is one.
func (r *Request) oweReview() {
	if r.Messages.Review.Ref.TS != "" {
		r.owe(ReviewCard)
	}
}

// Due is when the request next wants attention: the earliest of its debts, zero
// where it owes nothing. It is a pure function of the row, and the store writes it
// with every change of the row, so that debt and clock cannot disagree.
//
//   - Work or a message that is owed is due when it may be tried again, or at once.
//   - A followed change is due at once: whoever leases it goes on looking at it.
//   - What waits for people is due when they are reminded and when it expires.
//   - An open review is due when those who can sign it are reminded.
//   - What holds for a time is due when people are reminded of its end, and then.
func (r *Request) Due() time.Time {
	var due time.Time
	owe := func(at time.Time) {
		if !at.IsZero() && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	if r.owesWork() || len(r.owedMessages()) > 0 {
		owe(later(r.CreatedAt, r.RetryAt)) // the oldest request first
	}
	if r.Followed() {
		owe(r.CreatedAt)
	}
	owe(r.timer())
	return due
}

// timer is when the request next wants attention because of the time alone, whatever
// else it owes; zero is never.
func (r *Request) timer() time.Time {
	due := r.Term.due()
	if r.State == Pending {
		due = firstTime(due, r.RemindAt, r.ExpiresAt)
	}
	if r.Review.Open {
		due = firstTime(due, r.ReviewDueAt)
	}
	return due
}

// dueAt reports whether something is owed that can be done at now. Following is not:
// it is done in memory by whoever holds the request.
func (r *Request) dueAt(now time.Time) bool {
	switch {
	case r.reviewDue(now), r.Term.dueAt(now):
		return true
	case r.Followed():
		return len(r.owedMessages()) > 0 && !r.RetryAt.After(now)
	default:
		due := r.Due()
		return !due.IsZero() && !due.After(now)
	}
}

// owesWork reports whether something is to be done that waits for no person.
func (r *Request) owesWork() bool {
	switch r.State {
	case Requested, Approved, Applying:
		return true
	case Pending:
		return !r.Audience.Introduced
	default:
		return false
	}
}

// owedMessages lists the messages that show less than the request knows. The card
// comes first: where it has buttons, they have to go. Where there is no card,
// nothing is shown that could be wrong, but the requester has to be told of the end.
func (r *Request) owedMessages() []Part {
	parts := []Part{Card, Reply, BadNews, ReviewCard, EndNotice}
	switch {
	case r.agreed(): // the card of what it ends is its card
		parts = parts[1:]
	case r.Messages.Card.Ref.TS == "":
		if r.State.Ended() && r.Told == "" {
			return []Part{Private}
		}
		return nil
	}
	var out []Part
	for _, part := range parts {
		if r.Message(part).Owed > 0 {
			out = append(out, part)
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
