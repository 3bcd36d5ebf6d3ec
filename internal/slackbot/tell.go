package slackbot

import (
	"context"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

// Tell implements change.Chat.
func (p *poster) Tell(ctx context.Context, r *change.Request, by change.Way) error {
	switch by {
	case change.WayPrivate:
		return p.ephemeral(ctx, r.Channel, r.Thread, r.Requester.ID, view.Private(r))
	case change.WayDirect:
		return p.send(ctx, r.Requester.ID, view.Alone(r))
	case change.WayAnnounce:
		return p.send(ctx, p.announce, view.Alone(r))
	default:
		return fmt.Errorf("tell the end of request %s: no such way: %q", r.ID, by)
	}
}

// ephemeral shows a message to one person in a channel or thread, seen by nobody else.
func (p *poster) ephemeral(ctx context.Context, channel, thread, user string, m view.Message) error {
	return asChange(p.api.shown(m, func(m view.Message) error {
		return p.api.ask(ctx, "chat.postEphemeral", func(ctx context.Context, c *slack.Client) error {
			_, err := c.PostEphemeralContext(ctx, channel, user, m.Options(thread)...)
			return err
		})
	}))
}

// send posts a message in a channel or, by a user's ID, a direct message.
func (p *poster) send(ctx context.Context, to string, m view.Message) error {
	slot, err := p.slot(ctx, to)
	if err != nil {
		return err
	}
	_, err = slot.post(ctx, m, func(m view.Message) []slack.MsgOption { return m.Options("") })
	return err
}

// How old a sign of life may be, and how long one is waited for.
const (
	signFor    = 5 * time.Second
	signWithin = 5 * time.Second
)

// sign is what auth.test came to.
type sign struct{ err error }

// Announce posts an alarm to the channel for alarms; it does nothing where none is
// set.
func (s *Slack) Announce(ctx context.Context, text string) error {
	if s.cfg.AnnounceChannel == "" {
		return nil
	}
	return s.poster.send(ctx, s.cfg.AnnounceChannel, view.Plain(text))
}

// Reachable implements change.Chat. A failure is kept too: who asks has to be told at
// once, by a Slack that does not answer.
func (p *poster) Reachable(ctx context.Context) error {
	said, err := p.alive.get(ctx, "", signFor, func(ctx context.Context) (sign, error) {
		ctx, cancel := context.WithTimeout(ctx, signWithin)
		defer cancel()
		err := p.api.call(ctx, "auth.test", func(ctx context.Context, c *slack.Client) error {
			_, err := c.AuthTestContext(ctx)
			return err
		})
		if _, isLimited := limited(err); isLimited {
			err = nil // Slack answers
		}
		return sign{err}, nil
	})
	if err != nil {
		return err
	}
	return said.err
}
