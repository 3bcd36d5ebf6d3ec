package change_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// slack is a workspace: people, and messages as the bot last showed them. The wire
// is not the subject here; internal/app tells the same stories through it.
type slack struct {
	mu       sync.Mutex
	people   map[string]authz.Person
	groups   map[string][]string
	messages []*message
	told     []told
	n        int
	edits    int

	// away: nothing answers. doubtful: what is posted is there, and nobody is told so.
	away, doubtful bool
	// breaks is a person on whom the look-up panics.
	breaks string
	// slow is how long a look-up takes; most is how many were under way at once.
	slow        time.Duration
	asked, most int
	// noAnnounce: the channel for alarms takes nothing.
	noAnnounce bool
	posts      int // tried
}

// told is what one person was told in private, or the channel for alarms.
type told struct {
	id    change.ID
	way   change.Way
	state change.State
}

// call is one call that posts something.
func (s *slack) call(post func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts++
	if s.away {
		return errors.New("connection refused")
	}
	err := post()
	if s.doubtful {
		return fmt.Errorf("http 500: %w", change.ErrDoubtful)
	}
	return err
}

// message is one posted part of a request, as it was rendered last.
type message struct {
	ref   change.MessageRef
	part  change.Part
	shows change.Request
}

func newSlack() *slack {
	s := &slack{people: make(map[string]authz.Person), groups: map[string][]string{"S0ONCALL": {ana, ben}}}
	for _, id := range []string{ana, ben, lea, leo, eve} {
		s.people[id] = authz.Person{ID: id, Name: id[2:], Membership: authz.Member}
	}
	return s
}

// leaves makes somebody leave the company, or come back.
func (s *slack) leaves(id string, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[id]
	if p.Membership = authz.Member; gone {
		p.Membership = authz.Deactivated
	}
	s.people[id] = p
}

func (s *slack) person(id string) authz.Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.people[id]
}

// of returns the messages of one part of a request, oldest first.
func (s *slack) of(id change.ID, part change.Part) []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []message
	for _, m := range s.messages {
		if m.shows.ID == id && m.part == part {
			out = append(out, *m)
		}
	}
	return out
}

// privately is what was told of a request beside its messages.
func (s *slack) privately(id change.ID) []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []told
	for _, one := range s.told {
		if one.id == id {
			out = append(out, one)
		}
	}
	return out
}

// mortalChat is the workspace as one process sees it.
type mortalChat struct {
	s *slack
	m *mortal
}

func (c mortalChat) Slot(context.Context, string, change.Part) (change.Slot, error) {
	return slot(c), c.m.alive()
}

type slot mortalChat

func (t slot) Return() {}

func (t slot) Post(_ context.Context, r *change.Request, part change.Part) (ref change.MessageRef, err error) {
	err = t.m.around(func() error {
		return t.s.call(func() error {
			if part == change.ReviewCard && t.s.noAnnounce {
				return change.ErrGone
			}
			t.s.n++
			ref = change.MessageRef{Channel: r.Channel, TS: fmt.Sprintf("1700000000.%06d", t.s.n)}
			t.s.messages = append(t.s.messages, &message{ref: ref, part: part, shows: *r})
			return nil
		})
	})
	return ref, err
}

func (c mortalChat) Edit(_ context.Context, r *change.Request, part change.Part, _ change.Urgency) error {
	ref := r.Message(part).Ref
	return c.m.around(func() error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.s.edits++
		if c.s.away {
			return errors.New("connection refused")
		}
		for _, m := range c.s.messages {
			if m.ref == ref {
				if r.Version >= m.shows.Version { // of several edits the newest is sent
					m.shows = *r
				}
				return nil
			}
		}
		return change.ErrGone
	})
}

func (c mortalChat) Tell(_ context.Context, r *change.Request, way change.Way) error {
	return c.m.around(func() error {
		return c.s.call(func() error {
			c.s.told = append(c.s.told, told{r.ID, way, r.State})
			return nil
		})
	})
}

func (c mortalChat) Reachable(context.Context) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.away {
		return errors.New("connection refused")
	}
	return c.m.alive()
}

func (c mortalChat) Link(_ context.Context, m change.MessageRef) string {
	return "https://slack.test/" + m.TS
}

type mortalDirectory mortalChat

func (d mortalDirectory) Person(_ context.Context, id string, _ time.Duration) (authz.Person, error) {
	if err := d.m.alive(); err != nil {
		return authz.Person{}, err
	}
	d.s.mu.Lock()
	away, breaks, slow := d.s.away, d.s.breaks == id, d.s.slow
	d.s.asked++
	d.s.most = max(d.s.most, d.s.asked)
	d.s.mu.Unlock()
	pass(slow)
	defer d.s.set(func(s *slack) { s.asked-- })
	switch {
	case breaks:
		panic("nobody expected " + id)
	case away:
		return authz.Person{}, errors.New("connection refused")
	}
	return d.s.person(id), nil
}

func (d mortalDirectory) Place(_ context.Context, id string) (change.Place, error) {
	return change.Place{ID: id, Name: "ops"}, d.m.alive()
}

func (d mortalDirectory) Present(context.Context, string) (map[string]bool, error) {
	return map[string]bool{ana: true, ben: true, lea: true}, d.m.alive()
}

func (d mortalDirectory) People(_ context.Context, usergroups []string) authz.People {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	out := authz.People{Members: maps.Clone(d.s.groups), Unreachable: make(map[string]bool)}
	if d.m.alive() != nil {
		for _, id := range usergroups {
			out.Unreachable[id] = true
		}
	}
	return out
}
