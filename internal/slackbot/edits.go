package slackbot

import (
	"context"
	"fmt"
	"sync"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

const (
	// doubtfulEdits is how often an edit is sent again whose fate is unknown: twice the
	// same does no harm.
	doubtfulEdits = 3
	// editsKept is of how many messages it is remembered which version they show.
	editsKept = 4096
)

// edits keeps posted messages up to date. All share one budget of the workspace, in
// strict order of their urgency: a few hundred messages with news never delay the
// buttons that have to go.
type edits struct {
	api   *api
	watch Watch
	pace  *pacer

	mu       sync.Mutex
	messages *memory[change.MessageRef, *posted]
}

func newEdits(api *api, cfg Config) *edits {
	return &edits{api: api, watch: cfg.Watch, pace: newPacer(editEvery, editBurst), messages: newMemory[change.MessageRef, *posted](editsKept)}
}

// posted is a message that was edited by this process, or is about to be. However
// many edits of it wait, the one that is let through first shows the newest version,
// and the others have nothing left to do.
type posted struct {
	// sending is held during a call, so that two edits cannot overtake each other.
	sending sync.Mutex

	mu     sync.Mutex
	newest *change.Request // the newest that anybody wants shown, nil if it is
	shown  int64           // its version once shown, -1 before
}

// Edit implements change.Chat.
func (p *poster) Edit(ctx context.Context, r *change.Request, part change.Part, u change.Urgency) error {
	message := r.Message(part)
	if message == nil || message.Ref.TS == "" {
		return fmt.Errorf("edit a message of request %s that was not posted: %w", r.ID, change.ErrGone)
	}
	return p.edits.show(ctx, message.Ref, r, part, u)
}

// show edits one message, unless a version at least as new was shown meanwhile.
func (e *edits) show(ctx context.Context, ref change.MessageRef, r *change.Request, part change.Part, u change.Urgency) error {
	const method = "chat.update"
	message := e.message(ref)
	message.want(r)
	for doubts, refusals := 0, 0; ; {
		if message.shows(r.Version) {
			return nil
		}
		if err := e.pace.wait(ctx, int(u)); err != nil {
			if message.shows(r.Version) {
				return nil
			}
			return fmt.Errorf("wait to edit a message: %w", err)
		}
		err := e.send(ctx, message, ref, r.Version, part)
		if err == nil {
			return nil
		}
		switch wait, isLimited := limited(err); {
		case isLimited:
			e.pace.hold(wait)
			if refusals++; refusals == limitedTries || !fits(ctx, wait) {
				return err
			}
		case troubleOf(err) == troubleDoubtful:
			if doubts++; doubts == doubtfulEdits || ctx.Err() != nil {
				return err
			}
		default:
			return asChange(err)
		}
		e.watch.retried(method)
	}
}

// send edits the message to its newest version, or gives the turn back where that
// was done.
func (e *edits) send(ctx context.Context, message *posted, ref change.MessageRef, version int64, part change.Part) error {
	message.sending.Lock()
	defer message.sending.Unlock()
	if message.shows(version) {
		e.pace.giveBack()
		return nil
	}
	r := message.next()
	err := e.api.shown(view.Request(r, part), func(m view.Message) error {
		return e.api.call(ctx, "chat.update", func(ctx context.Context, c *slack.Client) error {
			_, _, _, err := c.UpdateMessageContext(ctx, ref.Channel, ref.TS, m.EditOptions()...)
			return err
		})
	})
	if err == nil {
		message.did(r)
	}
	return err
}

func (e *edits) message(ref change.MessageRef) *posted {
	e.mu.Lock()
	defer e.mu.Unlock()
	message, ok := e.messages.get(ref)
	if !ok {
		message = &posted{shown: -1}
		e.messages.put(ref, message)
	}
	return message
}

func (m *posted) want(r *change.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Version > m.shown && (m.newest == nil || r.Version > m.newest.Version) {
		m.newest = r
	}
}

func (m *posted) shows(version int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shown >= version
}

func (m *posted) next() *change.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newest
}

func (m *posted) did(r *change.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shown = max(m.shown, r.Version)
	if m.newest == r {
		m.newest = nil
	}
}
