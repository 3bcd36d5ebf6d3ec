package slackbot

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/change"
)

const (
	// postEvery is Slack's limit: about one message a second in a channel.
	postEvery = time.Second
	// resultsYield is how long results let cards pass: a card is what a PATCH waits
	// for, a result only tells about it.
	resultsYield = 15 * time.Second
	// editEvery and editBurst keep below Slack's limit on chat.update: some 50 a
	// minute for the whole workspace (tier 3).
	editEvery = 1400 * time.Millisecond
	editBurst = 6
	// doubtfulTries is how often a message is sent whose fate is unknown: a double
	// beats silence, but not for ever.
	doubtfulTries = 2
)

// poster shows requests as Slack messages. It implements change.Chat.
type poster struct {
	api      *api
	announce string
	log      *zap.Logger
	watch    Watch
	now      func() time.Time

	mu       sync.Mutex
	channels map[string]*turnstile
	edits    *turnstile
	shown    *versions
}

func newPoster(cfg Config, api *api) *poster {
	return &poster{
		api: api, announce: cfg.AnnounceChannel, log: cfg.Log, watch: cfg.Watch, now: cfg.Now,
		channels: make(map[string]*turnstile), edits: newTurnstile(editEvery, editBurst), shown: newVersions(),
	}
}

func (p *poster) channel(id string) *turnstile {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.channels[id]
	if t == nil {
		t = newTurnstile(postEvery, 1)
		p.channels[id] = t
	}
	return t
}

// Turn implements change.Chat.
func (p *poster) Turn(ctx context.Context, channel string, part change.Part) (change.Turn, error) {
	if part == change.ReviewCard {
		channel = p.announce
	}
	due := time.Now()
	if part != change.Root {
		due = due.Add(resultsYield)
	}
	gate := p.channel(channel)
	if err := gate.wait(ctx, due); err != nil {
		return nil, err
	}
	return &turn{poster: p, gate: gate, channel: channel}, nil
}

// turn is the right to post one message now.
type turn struct {
	poster  *poster
	gate    *turnstile
	channel string
	used    bool
}

// Return implements change.Turn.
func (t *turn) Return() {
	if !t.used {
		t.used = true
		t.gate.giveBack()
	}
}

// Post implements change.Turn.
func (t *turn) Post(ctx context.Context, r *change.Request, part change.Part) (change.MessageRef, error) {
	t.used = true
	m := render(r, part)
	thread := ""
	switch part {
	case change.Root:
		thread = r.Thread
	case change.Result, change.Reminder:
		thread = r.Root.TS
		if r.Thread != "" {
			thread = r.Thread
		}
	case change.ReviewCard: // stands alone
	}
	ts, err := t.poster.post(ctx, t.gate, t.channel, thread, m)
	return change.MessageRef{Channel: t.channel, TS: ts}, err
}

// post sends a message whose turn it is, waiting where Slack says so.
func (p *poster) post(ctx context.Context, gate *turnstile, channel, thread string, m message) (string, error) {
	for doubts := 0; ; {
		var ts string
		err := p.api.with(ctx, func(ctx context.Context, c *slack.Client) (err error) {
			_, ts, err = c.PostMessageContext(ctx, channel, m.options(thread)...)
			return err
		})
		if err == nil {
			return ts, nil
		}
		switch k, wait := classify(err); k {
		case kindLimited:
			gate.hold(wait)
		case kindDoubtful:
			if doubts++; doubts >= doubtfulTries || ctx.Err() != nil {
				return "", errors.Join(change.ErrDoubtful, err)
			}
		case kindBlocks:
			if m.blocks == nil {
				return "", err
			}
			p.log.Error("slack refuses blocks, sending simpler ones", zap.Error(err), zap.Strings("messages", explained(err)))
			m = m.simpler()
		default:
			return "", asChange(err)
		}
		if p.watch.Retried != nil {
			p.watch.Retried("chat.postMessage")
		}
		if err := gate.wait(ctx, time.Time{}); err != nil {
			return "", err
		}
	}
}

// Edit implements change.Chat.
func (p *poster) Edit(ctx context.Context, r *change.Request, part change.Part, u change.Urgency) error {
	ref := r.Root
	switch part {
	case change.Result:
		ref = r.Result
	case change.ReviewCard:
		ref = r.Review.Card
	default:
	}
	// The newest version wins, however late an older one comes.
	newest := func() bool { return p.shown.newest(ref, r.Version) }
	m := render(r, part)
	due := time.Now().Add([]time.Duration{change.RemoveButtons: 0, change.TellEnd: 5 * time.Second, change.Progress: 30 * time.Second}[u])
	for tries := 0; ; {
		if !newest() {
			return nil
		}
		if err := p.edits.wait(ctx, due); err != nil {
			return err
		}
		if !newest() {
			p.edits.giveBack()
			return nil
		}
		err := p.api.with(ctx, func(ctx context.Context, c *slack.Client) error {
			unlock := p.shown.lock(ref)
			defer unlock()
			if !newest() {
				return nil
			}
			_, _, _, err := c.UpdateMessageContext(ctx, ref.Channel, ref.TS, m.options("")...)
			return err
		})
		if err == nil {
			return nil
		}
		switch k, wait := classify(err); k {
		case kindLimited:
			p.edits.hold(wait)
		case kindDoubtful: // an edit may be sent any number of times
			if tries++; tries > 3 || ctx.Err() != nil {
				return err
			}
		case kindBlocks:
			if m.blocks == nil {
				return err
			}
			p.log.Error("slack refuses blocks, sending simpler ones", zap.Error(err), zap.Strings("messages", explained(err)))
			m = m.simpler()
		default:
			return asChange(err)
		}
		if p.watch.Retried != nil {
			p.watch.Retried("chat.update")
		}
	}
}

// Whisper implements change.Chat.
func (p *poster) Whisper(ctx context.Context, to change.Whispered, text string) error {
	m := plainMessage(text)
	return p.api.with(ctx, func(ctx context.Context, c *slack.Client) error {
		_, err := c.PostEphemeralContext(ctx, to.Channel, to.User, m.options(to.Thread)...)
		return err
	})
}

// Direct implements change.Chat.
func (p *poster) Direct(ctx context.Context, user, text string) error {
	m := plainMessage(text)
	return p.api.with(ctx, func(ctx context.Context, c *slack.Client) error {
		_, _, err := c.PostMessageContext(ctx, user, m.options("")...)
		return err
	})
}

// Announce implements change.Chat.
func (p *poster) Announce(ctx context.Context, text string) error {
	if p.announce == "" {
		return nil
	}
	gate := p.channel(p.announce)
	if err := gate.wait(ctx, time.Now()); err != nil {
		return err
	}
	_, err := p.post(ctx, gate, p.announce, "", plainMessage(text))
	return err
}

// Link implements change.Chat.
func (p *poster) Link(ctx context.Context, m change.MessageRef) string {
	if m.TS == "" {
		return ""
	}
	var link string
	_ = p.api.with(ctx, func(ctx context.Context, c *slack.Client) (err error) {
		link, err = c.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: m.Channel, Ts: m.TS})
		return err
	})
	return link
}

// explained is what Slack says about refused blocks.
func explained(err error) []string {
	var said slack.SlackErrorResponse
	if errors.As(err, &said) {
		return said.ResponseMetadata.Messages
	}
	return nil
}

// versions remembers which version of each message is the newest that anybody
// wanted shown, and lets one edit of a message through at a time.
type versions struct {
	mu    sync.Mutex
	of    map[change.MessageRef]int64
	order *ring
	busy  map[change.MessageRef]*sync.Mutex
}

// remembered is how many messages' versions are kept.
const remembered = 4096

func newVersions() *versions {
	return &versions{of: make(map[change.MessageRef]int64), order: &ring{refs: make([]change.MessageRef, remembered)}, busy: make(map[change.MessageRef]*sync.Mutex)}
}

// newest reports whether no later version of the message was asked for.
func (v *versions) newest(ref change.MessageRef, version int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.of[ref]
	if !ok {
		if old := v.order.push(ref); old.TS != "" {
			delete(v.of, old)
			delete(v.busy, old)
		}
	}
	if version < known {
		return false
	}
	v.of[ref] = version
	return true
}

func (v *versions) lock(ref change.MessageRef) (unlock func()) {
	v.mu.Lock()
	m := v.busy[ref]
	if m == nil {
		m = new(sync.Mutex)
		v.busy[ref] = m
	}
	v.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// ring forgets the oldest.
type ring struct {
	refs []change.MessageRef
	next int
}

func (r *ring) push(ref change.MessageRef) (forgotten change.MessageRef) {
	forgotten = r.refs[r.next]
	r.refs[r.next] = ref
	r.next = (r.next + 1) % len(r.refs)
	return forgotten
}
