package slackbot

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

// poster shows requests as Slack messages. It implements change.Chat: this file
// posts, edits.go edits, tell.go tells one person.
type poster struct {
	api      *api
	announce string
	log      *zap.Logger
	watch    Watch
	edits    *edits
	alive    *lookups[sign]   // what auth.test said last
	links    *lookups[string] // addresses of messages, which stay

	mu    sync.Mutex
	paces map[string]*pacer // of posts, by channel, or by user for direct messages
}

func newPoster(cfg Config, api *api) *poster {
	return &poster{
		api: api, announce: cfg.AnnounceChannel, log: cfg.Log, watch: cfg.Watch, edits: newEdits(api, cfg),
		alive: newLookups[sign](cfg.Now), links: newLookups[string](cfg.Now), paces: make(map[string]*pacer),
	}
}

// Urgencies of posts in a channel: a message that Slack sent back keeps its place
// before those that were not sent yet.
const (
	sentBack = iota
	notSentYet
)

func (p *poster) pace(channel string) *pacer {
	p.mu.Lock()
	defer p.mu.Unlock()
	pace := p.paces[channel]
	if pace == nil {
		pace = newPacer(postEvery, postBurst)
		p.paces[channel] = pace
	}
	return pace
}

// Slot implements change.Chat.
func (p *poster) Slot(ctx context.Context, channel string, part change.Part) (change.Slot, error) {
	if part == change.ReviewCard {
		channel = p.announce
	}
	return p.slot(ctx, channel)
}

func (p *poster) slot(ctx context.Context, channel string) (*slot, error) {
	if channel == "" {
		return nil, &change.ChatRefusal{Word: "no_channel"}
	}
	pace := p.pace(channel)
	if err := pace.wait(ctx, notSentYet); err != nil {
		return nil, fmt.Errorf("wait to post in %s: %w", channel, err)
	}
	return &slot{poster: p, pace: pace, channel: channel}, nil
}

// slot is the right to post one message now.
type slot struct {
	poster  *poster
	pace    *pacer
	channel string
	used    bool
}

// Return implements change.Slot.
func (s *slot) Return() {
	if !s.used {
		s.used = true
		s.pace.giveBack()
	}
}

// Post implements change.Slot.
func (s *slot) Post(ctx context.Context, r *change.Request, part change.Part) (change.MessageRef, error) {
	thread := r.Thread
	switch part {
	case change.ReviewCard: // stands alone
		thread = ""
	case change.ReviewReminder:
		thread = r.Messages.Review.Ref.TS
	case change.Reply, change.BadNews, change.Reminder, change.EndNotice, change.EndOverdue:
		if thread == "" {
			thread = r.Messages.Card.Ref.TS
		}
	default: // the card begins a thread, or stands in the requester's
	}
	options := func(m view.Message) []slack.MsgOption {
		out := m.Options(thread)
		if (part == change.BadNews || part == change.EndOverdue) && thread != "" && r.Target.Slot() == production {
			out = append(out, slack.MsgOptionBroadcast())
		}
		return out
	}
	ts, err := s.post(ctx, view.Request(r, part), options)
	return change.MessageRef{Channel: s.channel, TS: ts}, err
}

// limitedTries is how often a message is sent that Slack sends back at once. Then the
// request rests, longer and longer.
const limitedTries = 3

// production is the environment whose bad news everybody in the channel sees.
const production = "production"

// post sends a message once, and again only where Slack certainly did not take it.
func (s *slot) post(ctx context.Context, m view.Message, options func(view.Message) []slack.MsgOption) (ts string, err error) {
	const method = "chat.postMessage"
	s.used = true
	for tries := 1; ; tries++ {
		err = s.poster.api.shown(m, func(m view.Message) error {
			return s.poster.api.call(ctx, method, func(ctx context.Context, c *slack.Client) (err error) {
				_, ts, err = c.PostMessageContext(ctx, s.channel, options(m)...)
				return err
			})
		})
		wait, isLimited := limited(err)
		if !isLimited {
			return ts, asChange(err)
		}
		s.poster.watch.retried(method)
		s.pace.hold(wait)
		if tries == limitedTries || !fits(ctx, wait) {
			return "", err
		}
		if waitErr := s.pace.wait(ctx, sentBack); waitErr != nil {
			return "", err
		}
	}
}

// linkFor is how long the address of a message is kept: it never changes.
const linkFor = 30 * 24 * time.Hour

// Link implements change.Chat.
func (p *poster) Link(ctx context.Context, m change.MessageRef) string {
	if m.TS == "" {
		return ""
	}
	link, err := p.links.get(ctx, m.Channel+" "+m.TS, linkFor, func(ctx context.Context) (link string, err error) {
		err = p.api.call(ctx, "chat.getPermalink", func(ctx context.Context, c *slack.Client) (err error) {
			link, err = c.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: m.Channel, Ts: m.TS})
			return err
		})
		return link, err
	})
	if err != nil {
		p.log.Debug("address of a message", zap.Error(err))
		return ""
	}
	return link
}
