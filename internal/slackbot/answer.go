package slackbot

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

// asker is a person who typed or pressed something, and where they can be told
// alone what came of it.
type asker struct {
	delivery change.Delivery
	person   authz.Person
	// channel is "" where a form was sent.
	channel, channelName string
	// thread is the root of the thread that they stand in, "" for none.
	thread string
	// url is the response_url, "" for none.
	url string
	// home tells that they stand on their page, which has no channel.
	home bool
	// button is the command of the button that was pressed, "" for none.
	button string
}

// answerWithin bounds one answer, all ways to the person together.
const answerWithin = 30 * time.Second

// answer tells the person alone, by one way after the other until Slack has taken it:
// response_url, a message in the channel that only they see, a direct message. Of one
// that is in doubt there is no second copy.
func (b *Bot) answer(ctx context.Context, to asker, m view.Message) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	poster := b.slack.poster
	ways := []func() error{
		func() error { return b.shortly(ctx, to, m) },
		func() error { return poster.ephemeral(ctx, to.channel, to.thread, to.person.ID, m) },
		func() error { return poster.send(ctx, to.person.ID, m) },
	}
	switch {
	case to.home:
		ways = []func() error{func() error { return b.showHome(ctx, to, m) }, ways[2]}
	case to.url == "":
		ways = ways[1:] // the short way is the second
	}
	for _, way := range ways {
		err := way()
		switch {
		case err == nil:
			return
		case errors.Is(err, change.ErrDoubtful):
			b.cfg.Log.Warn("a person may not have been answered", zap.String("user", to.person.ID), zap.Error(err))
			return
		}
		b.cfg.Log.Warn("answer a person", zap.String("user", to.person.ID), zap.Error(err))
	}
	b.cfg.Log.Error("a person was not answered", zap.String("user", to.person.ID), zap.String("channel", to.channel))
}

// shortly answers by the shortest way there is.
func (b *Bot) shortly(ctx context.Context, to asker, m view.Message) error {
	if to.url != "" {
		return b.responses.post(ctx, to.url, m)
	}
	return b.slack.poster.ephemeral(ctx, to.channel, to.thread, to.person.ID, m)
}

// submission is what the service is told of a person who asks for a change.
func (b *Bot) submission(from asker) change.Submission {
	return change.Submission{
		Delivery: from.delivery, Requester: from.person,
		Channel: from.channel, ChannelName: from.channelName, Thread: from.thread,
		Answer: func(ctx context.Context, r *change.Request) error { return b.shortly(ctx, from, view.Private(r)) },
	}
}
