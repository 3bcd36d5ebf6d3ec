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
	whispers []string
	n        int
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
		s.people[id] = authz.Person{ID: id, Name: id[2:], Standing: authz.Member}
	}
	return s
}

// leaves makes somebody leave the company, or come back.
func (s *slack) leaves(id string, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[id]
	if p.Standing = authz.Member; gone {
		p.Standing = authz.Deactivated
	}
	s.people[id] = p
}

func (s *slack) standing(id string) authz.Person {
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

func (s *slack) whispered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.whispers)
}

// mortalChat is the workspace as one process sees it.
type mortalChat struct {
	s *slack
	m *mortal
}

func (c mortalChat) Turn(context.Context, string, change.Part) (change.Turn, error) {
	return turn(c), c.m.alive()
}

type turn mortalChat

func (t turn) Return() {}

func (t turn) Post(_ context.Context, r *change.Request, part change.Part) (ref change.MessageRef, err error) {
	err = t.m.around(func() error {
		t.s.mu.Lock()
		defer t.s.mu.Unlock()
		t.s.n++
		ref = change.MessageRef{Channel: r.Channel, TS: fmt.Sprintf("1700000000.%06d", t.s.n)}
		t.s.messages = append(t.s.messages, &message{ref: ref, part: part, shows: *r})
		return nil
	})
	return ref, err
}

func (c mortalChat) Edit(_ context.Context, r *change.Request, part change.Part, _ change.Urgency) error {
	ref := map[change.Part]change.MessageRef{change.Root: r.Root, change.Result: r.Result, change.ReviewCard: r.Review.Card}[part]
	return c.m.around(func() error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
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

func (c mortalChat) Whisper(_ context.Context, _ change.Whispered, text string) error {
	return c.m.around(func() error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.s.whispers = append(c.s.whispers, text)
		return nil
	})
}

func (c mortalChat) Direct(context.Context, string, string) error {
	return errors.New("no direct messages here")
}

func (c mortalChat) Announce(context.Context, string) error { return c.m.alive() }

func (c mortalChat) Link(_ context.Context, m change.MessageRef) string {
	return "https://slack.test/" + m.TS
}

type mortalDirectory mortalChat

func (d mortalDirectory) Person(_ context.Context, id string, _ time.Duration) (authz.Person, error) {
	if err := d.m.alive(); err != nil {
		return authz.Person{}, err
	}
	return d.s.standing(id), nil
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
