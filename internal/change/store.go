package change

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
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
	// ErrBusy: another request is applying to the same target.
	ErrBusy = errors.New("another change is being applied to this target")
)

// Delivery is one thing that Slack sent, by the key that stays the same when it is
// sent again: the envelope ID of a command or click, the event ID of an event. The
// zero Delivery is work that Slack did not ask for.
type Delivery struct {
	Key string
	At  time.Time
}

// Job is durable work to be inserted by the transaction that creates the need for
// it. Args is one of this package's job kinds.
type Job struct {
	Args river.JobArgs
	At   time.Time
}

// Effects is what a step writes beside the request.
type Effects struct {
	Events []Event
	Jobs   []Job
}

// Store keeps requests, deliveries, events and jobs. It is the arbiter of every
// race: its methods are atomic, and Change is guarded by the version it read. All
// times are stored in milliseconds, UTC.
type Store interface {
	// Create records a new request with its events and jobs, and the delivery that
	// asked for it. It returns ErrDelivered, or ErrIDTaken, and then wrote nothing.
	Create(ctx context.Context, d Delivery, r *Request, e Effects) error

	// Change loads the request, lets step alter it, and writes it back with what
	// step returns, all in one transaction that nobody else's can interleave. An
	// error of step is returned as it is and nothing is written. Version is
	// increased. It returns ErrNotFound, ErrDelivered, or ErrBusy where step would
	// bring a second request of one target into applying.
	Change(ctx context.Context, d Delivery, id ID, step func(*Request) (Effects, error)) (*Request, error)

	// Get returns a request, or ErrNotFound.
	Get(ctx context.Context, id ID) (*Request, error)

	// Record writes events that concern no step of a request, and the delivery. It
	// returns ErrDelivered.
	Record(ctx context.Context, d Delivery, events ...Event) error

	// Claim gives the request to owner until the given time, unless somebody else
	// holds it at now. It reports whether owner holds it.
	Claim(ctx context.Context, id ID, owner string, now, until time.Time) (bool, error)

	// Owed returns the IDs of requests with owed work that nobody holds at now
	// (or that owner itself holds), oldest first, at most limit.
	Owed(ctx context.Context, owner string, now time.Time, limit int) ([]ID, error)

	// Pending returns the requests that wait for people, oldest first, at most
	// limit; with a target key only that target's.
	Pending(ctx context.Context, key string, limit int) ([]*Request, error)

	// AppliedSince reports whether a request of that target other than id was
	// applying or ended applied at or after t: then a reading made at t is old.
	AppliedSince(ctx context.Context, key string, id ID, t time.Time) (bool, error)

	// History returns ended and running requests, newest first, at most limit. An
	// empty model means all models, an empty target all of a model's.
	History(ctx context.Context, modelID, target string, limit int) ([]*Request, error)

	// Policy returns the last accepted policy text and when it was accepted; ""
	// when there is none. KeepPolicy stores an accepted one with its event.
	Policy(ctx context.Context) (text string, at time.Time, err error)
	KeepPolicy(ctx context.Context, text, sha256 string, at time.Time, e Event) error
}
