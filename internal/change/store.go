package change

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// Errors of a Store that callers act on.
var (
	// ErrNotFound: no request has that ID.
	ErrNotFound = errors.New("request not found")
	// ErrDelivered: that envelope or event was recorded before; acknowledge it and
	// do nothing.
	ErrDelivered = errors.New("delivered before")
	// ErrIDTaken: draw another ID.
	ErrIDTaken = errors.New("request id taken")
	// ErrBusy: an earlier request of the same target is approved or applying.
	ErrBusy = errors.New("another change of this target comes first")
	// ErrFrozen: a freeze keeps changes from the target.
	ErrFrozen = errors.New("the target is frozen")
	// ErrUnwritable: a value in the request cannot be stored. No repeat helps.
	ErrUnwritable = errors.New("request cannot be written")
)

// Delivery is one thing that Slack sent, by the key that stays the same when it is
// sent again: the envelope ID of a command or click, the event ID of an event. The
// zero Delivery is work that Slack did not ask for. Envelope is the envelope's ID, for
// the log.
type Delivery struct{ Key, Envelope string }

// Effects are written by the same transaction as the step that returned them.
type Effects struct {
	Events []Event
	// ReadAt is when the settings were read that a step into applying relies on.
	ReadAt time.Time
	// Origin, if set, changes the request named by Origin.ID too. Its error ends the
	// transaction. It gets the other request as it is, must not move its state, and may
	// add events about it.
	Origin func(origin *Request, e *Effects) error
}

// Step computes what becomes of a request at the moment now, which is the
// database's: the only clock that stamps rows. It has no other effect, since it runs
// inside the transaction.
type Step func(r *Request, now time.Time) (Effects, error)

// Store keeps requests, deliveries, events, leases and the accepted policy. It is
// the arbiter of every race: its methods are atomic, and Change is guarded by the
// version it read. All times are stored in milliseconds, UTC.
//
// Everything that is written goes with Due: the store writes it beside the row, and
// Lease goes by it.
type Store interface {
	// Create records a new request, as step completes it, with the delivery that
	// asked for it. It returns ErrDelivered, ErrIDTaken or step's error, and then
	// wrote nothing.
	Create(ctx context.Context, d Delivery, r *Request, step Step) error

	// Change loads the request, lets step alter it, and writes it back with what
	// step returns, all in one transaction that nobody else's can interleave. An
	// error of step is returned as it is and nothing is written. Version is
	// increased. It returns ErrNotFound, ErrDelivered, ErrUnwritable, or ErrBusy
	// where step would bring the request into applying while an earlier one of an
	// overlapping target (see baseten.Target.Overlaps) is approved or applying, or one
	// was applied since Effects.ReadAt; a request with break-glass does not wait
	// for one that is approved. It returns ErrFrozen where that step meets a freeze that
	// is in force at the database's now and does not let it through.
	Change(ctx context.Context, d Delivery, id ID, step Step) (*Request, error)

	// Record writes events that concern no step of a request, and the delivery. It
	// returns ErrDelivered. An event without a time gets the database's now.
	Record(ctx context.Context, d Delivery, events ...Event) error

	// Alive says that the process owner lives for at least d from now, by the
	// database's clock, and returns what that shows. Gone takes it back: its leases
	// end at once.
	Alive(ctx context.Context, owner string, d time.Duration) (now time.Time, err error)
	Gone(ctx context.Context, owner string) error

	// Lease gives up to limit due requests of a known kind that no living process
	// holds to owner, those due first, and returns their IDs. Two processes never
	// get the same one. It does not count as a write of the request.
	Lease(ctx context.Context, owner string, limit int) ([]ID, error)

	// Release gives the request back, if owner holds it and it still has that
	// version, and reports whether it did. Nor does this count as a write.
	Release(ctx context.Context, id ID, owner string, version int64) (bool, error)

	// Postpone counts a panic of the request's handler and lets it rest: 1 minute
	// after the first, doubled each time, at most 4 hours. It gives the request back.
	// It reads and writes nothing else of it, since something in it may be what the
	// handler cannot bear. It returns how many panics there were.
	Postpone(ctx context.Context, id ID, owner string) (panics int, err error)

	// Get returns a request, or ErrNotFound.
	Get(ctx context.Context, id ID) (*Request, error)

	// Pending returns the requests that wait for people, oldest first, at most
	// limit; of one model only, where modelID is not "".
	Pending(ctx context.Context, modelID string, limit int) ([]*Request, error)

	// OpenOf returns the requests of one person in one channel that are not judged yet or
	// wait for people, oldest first, at most limit.
	OpenOf(ctx context.Context, personID, channel string, limit int) ([]*Request, error)

	// Forget deletes a request that ended as denied and owes nothing. Its events stay.
	Forget(ctx context.Context, id ID) error

	// Neighbours returns the pending requests whose target overlaps t, oldest
	// first, at most limit.
	Neighbours(ctx context.Context, t baseten.Target, limit int) ([]*Request, error)

	// Overtaken reports whether a request of an overlapping target other than id is
	// applying, or was applied at or after since: then a snapshot taken at since
	// is old.
	Overtaken(ctx context.Context, t baseten.Target, id ID, since time.Time) (bool, error)

	// Told returns the requests of an overlapping target whose bad news is a message
	// of its own, from since on, newest first.
	Told(ctx context.Context, t baseten.Target, since time.Time) ([]*Request, error)

	// Denied returns the requests of an overlapping target that a person denied at or
	// after since, latest first. What the policy denied is not among them.
	Denied(ctx context.Context, t baseten.Target, since time.Time) ([]*Request, error)

	// Holding returns the changes of an overlapping target that hold for a time and whose
	// settings have not gone back yet.
	Holding(ctx context.Context, t baseten.Target) ([]*Request, error)

	// Temporary returns such changes of one model, or of all where modelID is "", those
	// that end first first, at most limit.
	Temporary(ctx context.Context, modelID string, limit int) ([]*Request, error)

	// Freezes returns the freezes that are in force at now: of all models where t is nil,
	// else those that keep changes from t. Those that end first come first.
	Freezes(ctx context.Context, t *baseten.Target, now time.Time) ([]*Request, error)

	// Unreviewed returns the requests whose break-glass nobody has signed yet, oldest
	// first, at most limit.
	Unreviewed(ctx context.Context, limit int) ([]*Request, error)

	// History returns requests, newest first, at most limit. An empty modelID means
	// all models; target is an environment's or deployment's name or a deployment's
	// ID, empty for all of a model's.
	History(ctx context.Context, modelID, target string, limit int) ([]*Request, error)

	// Reached returns those requests of which something may have reached Baseten, those
	// sent last first, at most limit; of all models, one, or one target, as History.
	Reached(ctx context.Context, modelID, target string, limit int) ([]*Request, error)

	// Resolved returns the requests whose target was found, newest first, at most limit.
	Resolved(ctx context.Context, limit int) ([]*Request, error)

	// Own returns the requests of one person whose target was found and that have not
	// ended, or ended at or after since, newest first, at most limit.
	Own(ctx context.Context, personID string, since time.Time, limit int) ([]*Request, error)

	// Policy returns the last accepted policy text and when it was accepted; ""
	// when there is none. KeepPolicy stores an accepted one with its event.
	Policy(ctx context.Context) (text string, at time.Time, err error)
	KeepPolicy(ctx context.Context, text, sha256 string, e Event) error
}

// EventKind says what an event tells of.
type EventKind string

// Kinds of events. Together the events are the audit log: each is written by the
// transaction of what it tells of, and never changed.
const (
	// EventMoved is one step of a request's life; From and To name it.
	EventMoved EventKind = "moved"
	// EventVoted is an approval that was not yet the last, or a denier's reason.
	EventVoted EventKind = "voted"
	// EventRefused is a command or click that was not allowed, or came too late.
	EventRefused EventKind = "refused"
	// EventBrokeGlass is an approval that was skipped; EventReviewed its review.
	EventBrokeGlass EventKind = "broke_glass"
	EventReviewed   EventKind = "reviewed"
	// EventOutcome is what was learned after the end.
	EventOutcome EventKind = "outcome"
	// EventOver is the end of a term: a temporary change whose settings went back, or that
	// another took the place of, and a freeze that is over or was thawed. The code is
	// the OriginKind of the request that ended a change, which Request of the reason names.
	EventOver EventKind = "over"
	// EventPolicy is a policy version that was taken or refused.
	EventPolicy EventKind = "policy"
	// EventStarted is a start of the bot.
	EventStarted EventKind = "started"
)

// Codes of events that concern no request.
const (
	// PolicyTaken and PolicyRefused are of EventPolicy; Text says why it was refused.
	PolicyTaken   Code = "policy_taken"
	PolicyRefused Code = "policy_refused"
	// BotStarted is of EventStarted; Text is the version.
	BotStarted Code = "bot_started"
)

// Event is one line of the audit log.
type Event struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Kind EventKind `json:"kind"`
	// Request is the request's ID, "" for what concerns none.
	Request ID           `json:"request,omitempty"`
	From    State        `json:"from,omitempty"`
	To      State        `json:"to,omitempty"`
	Actor   authz.Person `json:"actor,omitzero"`
	// Verb is what the actor wanted to do.
	Verb Verb `json:"verb,omitempty"`
	// Reason is why, as a code with its data.
	Reason  Reason `json:"reason,omitzero"`
	Rule    string `json:"rule,omitempty"`
	Policy  string `json:"policy_sha256,omitempty"`
	Channel string `json:"channel,omitempty"`
	// ModelID and Model stand apart for the audit's filters.
	ModelID string `json:"model_id,omitempty"`
	Model   string `json:"model,omitempty"`
	// Detail is what else is known, an EventDetail as JSON, or absent. It is kept as
	// text: an event reads back as it was written, whatever was added since.
	Detail json.RawMessage `json:"detail,omitempty"`
}

// EventDetail is the request of an event as it was then.
type EventDetail struct {
	Command string `json:"command,omitempty"`
	// Settings are those asked for, Before all that were in force.
	Settings  baseten.Settings `json:"settings,omitempty"`
	Before    baseten.Settings `json:"before,omitempty"`
	Reason    string           `json:"reason,omitempty"` // the requester's
	Requester authz.Person     `json:"requester,omitzero"`
	Target    baseten.Target   `json:"target,omitzero"`
	// ForSeconds is how long it was to hold, Until until when, as it was asked.
	ForSeconds int64     `json:"for_seconds,omitempty"`
	Until      time.Time `json:"until,omitzero"`
	// BreakGlass tells that the approval was skipped.
	BreakGlass bool    `json:"break_glass,omitempty"`
	Approvals  []Vote  `json:"approvals,omitempty"`
	Sends      int     `json:"sends,omitempty"`
	Answer     Answer  `json:"answer,omitzero"`
	Outcome    Outcome `json:"outcome,omitzero"`
	// Channel is the channel's name, Message the card.
	Channel string     `json:"channel,omitempty"`
	Message MessageRef `json:"message,omitzero"`
	Origin  Origin     `json:"origin,omitzero"`
	Term    Term       `json:"term,omitzero"`
}
