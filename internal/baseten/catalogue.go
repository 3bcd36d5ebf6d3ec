package baseten

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// DefaultTTL is how long a list of models is good without a question.
	DefaultTTL = 5 * time.Minute
	// tooOld times the TTL, a copy is served only while Baseten is down.
	tooOld = 10
	// refreshPause lies between two refreshes, so that typos are not turned into
	// a stream of whole lists.
	refreshPause = 5 * time.Second
	// refreshTimeout bounds one refresh, which does not end with the caller that
	// began it.
	refreshTimeout = 30 * time.Second
)

// Catalogue knows the names of all models. It keeps one list, renews it behind the
// callers' backs once it is older than its TTL, at once when a word is not in it,
// and goes on with the old one while Baseten is down. It is safe for concurrent
// use.
type Catalogue struct {
	client *Client
	now    func() time.Time
	ttl    time.Duration

	flights singleflight.Group
	ctx     context.Context // of the refreshes; ends with Close
	stop    context.CancelFunc

	list atomic.Pointer[list]
	last atomic.Pointer[attempt]

	mu   sync.Mutex
	read map[string]Targets // last good reading by model ID
}

// list is a good answer, attempt the end of the latest refresh, good or not.
type list struct {
	names *names
	at    time.Time // before the call: what came later is not in it
}

type attempt struct {
	at  time.Time
	err error
}

// NewCatalogue makes an empty catalogue and no call. A ttl of 0 is DefaultTTL.
func NewCatalogue(client *Client, now func() time.Time, ttl time.Duration) *Catalogue {
	if ttl <= 0 {
		ttl = DefaultTTL
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Catalogue{client: client, now: now, ttl: ttl, ctx: ctx, stop: stop, read: map[string]Targets{}}
}

// Close ends a refresh under way and waits for it. The catalogue is not to be
// used after it.
func (c *Catalogue) Close() {
	c.stop()
	<-c.flights.DoChan(flightName, func() (any, error) { return nil, nil })
}

// Age is how old the list of models is, 0 if there is none yet.
func (c *Catalogue) Age() time.Duration {
	l := c.list.Load()
	if l == nil {
		return 0
	}
	return c.now().Sub(l.at)
}

// Stale reports that the latest refresh failed, so that Age is worth saying.
func (c *Catalogue) Stale() bool {
	last := c.last.Load()
	return last != nil && last.err != nil
}

// Models returns all models by name, then team. The slice is the caller's.
func (c *Catalogue) Models(ctx context.Context) ([]Model, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(n.models), nil
}

// ResolveModel returns the model that ref names: its ID, its name where one team
// has it, or team/name. A word that names several is an *AmbiguousError. One that
// names none is looked up in a fresh list before it is a *NotFoundError; if that
// list cannot be had, the answer is its *Error, since "not found" would be a guess.
// A name may be spelled in another way, see alike, where that leaves one model in a fresh
// list; an exact spelling always wins.
func (c *Catalogue) ResolveModel(ctx context.Context, ref string) (Model, error) {
	n, err := c.names(ctx)
	if err != nil {
		return Model{}, err
	}
	if n.exact(ref) {
		m, _, err := n.resolve(ref)
		return m, err
	}
	if err := c.refresh(ctx); err != nil {
		return Model{}, err
	}
	n = c.list.Load().names
	if m, found, err := n.resolve(ref); found {
		return m, err
	}
	return Model{}, n.notFound(ref)
}

// names returns the list that is good enough now.
func (c *Catalogue) names(ctx context.Context) (*names, error) {
	l := c.list.Load()
	if l == nil {
		if err := c.load(ctx); err != nil {
			return nil, err
		}
		return c.list.Load().names, nil
	}
	switch age := c.now().Sub(l.at); {
	case age >= tooOld*c.ttl:
		if err := c.refresh(ctx); err != nil && !Down(err) {
			return nil, err
		}
	case age >= c.ttl && !c.justTried():
		c.start()
	}
	return c.list.Load().names, nil
}

// refresh waits for a new list, unless one was tried for a moment ago: then it
// returns how that ended.
func (c *Catalogue) refresh(ctx context.Context) error {
	if c.justTried() {
		return c.last.Load().err
	}
	return c.load(ctx)
}

func (c *Catalogue) justTried() bool {
	last := c.last.Load()
	return last != nil && c.now().Sub(last.at) < refreshPause
}

// load waits for a new list, or for ctx.
func (c *Catalogue) load(ctx context.Context) error {
	select {
	case done := <-c.start():
		return done.Err
	case <-ctx.Done():
		return &Error{Kind: KindUnreachable, Op: "models", cause: ctx.Err()}
	}
}

const flightName = "models"

// start begins a refresh, or joins the one under way.
func (c *Catalogue) start() <-chan singleflight.Result {
	seen := c.last.Load()
	return c.flights.DoChan(flightName, func() (any, error) {
		if last := c.last.Load(); last != seen {
			// Another flight landed between the caller's look and this one.
			return nil, last.err
		}
		ctx, cancel := context.WithTimeout(c.ctx, refreshTimeout)
		defer cancel()
		at := c.now()
		models, err := c.client.Models(ctx)
		if err == nil {
			c.list.Store(&list{indexModels(models), at})
		}
		c.last.Store(&attempt{c.now(), err})
		return nil, err
	})
}
