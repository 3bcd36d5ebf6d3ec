package slackbot

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"go.uber.org/zap"
)

const (
	// ackWithin is when an acknowledgement is too late: Slack gives 3 seconds and
	// tells the person then that the command failed.
	ackWithin = 2500 * time.Millisecond
	// queueLength bounds what waits for a worker. A full queue is not acknowledged,
	// so that Slack tells the person.
	queueLength = 2000
	// workers bounds what is recorded at the same time.
	workers = 32
	// readers bounds the reads (status, list…) under way at the same time.
	readers = 32
)

// envelope is one thing that Slack sent down a socket.
type envelope struct {
	id       string
	retry    int
	received time.Time
	data     any // of the client library, nil for what it could not parse
	ack      func(ctx context.Context, id string, payload any) error
}

// loop takes envelopes off the sockets and hands them to workers. Taking never
// blocks and never calls anybody: a client library that is not drained hangs.
type loop struct {
	bot   *Bot
	queue chan *envelope
	slots chan struct{} // one for each read under way
	seen  *recent

	taking sync.RWMutex // held while an envelope is put into the queue
	closed bool
	work   sync.WaitGroup
}

func newLoop(bot *Bot) *loop {
	return &loop{bot: bot, queue: make(chan *envelope, queueLength), slots: make(chan struct{}, readers), seen: newRecent(10_000)}
}

// take queues an envelope, or drops it unacknowledged.
func (l *loop) take(e *envelope) {
	l.taking.RLock()
	defer l.taking.RUnlock()
	if l.closed {
		return
	}
	select {
	case l.queue <- e:
	default:
		call(l.bot.cfg.Watch.Dropped)
		l.bot.cfg.Log.Error("queue full, command not taken", zap.String("envelope", e.id))
	}
}

// start starts the workers. They run until close.
func (l *loop) start(ctx context.Context) {
	for range workers {
		l.work.Go(func() {
			for e := range l.queue {
				l.handle(ctx, e)
			}
		})
	}
}

// close takes nothing more and waits for what was taken.
func (l *loop) close() {
	l.taking.Lock()
	l.closed = true
	l.taking.Unlock()
	close(l.queue)
	l.work.Wait()
}

// handle serves one envelope. A panic costs that one envelope only.
func (l *loop) handle(ctx context.Context, e *envelope) {
	defer func() {
		if p := recover(); p != nil {
			l.bot.cfg.Log.Error("panic", zap.String("envelope", e.id), zap.String("panic", fmt.Sprint(p)), zap.ByteString("stack", debug.Stack()))
		}
	}()
	ctx, cancel := context.WithDeadline(ctx, e.received.Add(ackWithin))
	defer cancel()
	d := &delivery{envelope: e, ctx: ctx, bot: l.bot}
	switch data := e.data.(type) {
	case slack.SlashCommand:
		l.bot.slash(d, data)
	case slack.InteractionCallback:
		l.bot.interaction(d, data)
	case slackevents.EventsAPIEvent:
		l.bot.event(d, data)
	default:
		d.acknowledge()
	}
}

// delivery is an envelope while it is served. Its context ends when it is too late
// to acknowledge it.
type delivery struct {
	*envelope
	ctx context.Context
	bot *Bot
}

// acknowledge tells Slack that this was taken. What is late is not acknowledged:
// Slack has told the person by then that it failed.
func (d *delivery) acknowledge() { d.acknowledgeWith(nil) }

func (d *delivery) acknowledgeWith(payload any) {
	watch := d.bot.cfg.Watch
	if err := d.ack(d.ctx, d.id, payload); err != nil {
		call(watch.LateAck)
		d.bot.cfg.Log.Warn("not acknowledged", zap.String("envelope", d.id), zap.Error(err))
		return
	}
	if watch.Acked != nil {
		watch.Acked(d.bot.cfg.Now().Sub(d.received))
	}
}

// read serves something that only reads: acknowledged at once, and not twice.
func (d *delivery) read(key string, serve func(ctx context.Context)) {
	d.acknowledge()
	if !d.bot.loop.seen.add(key) {
		return
	}
	d.bot.background(func(ctx context.Context) {
		select {
		case d.bot.loop.slots <- struct{}{}:
			defer func() { <-d.bot.loop.slots }()
		case <-ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		serve(ctx)
	})
}

// recent remembers the last keys that it was given.
type recent struct {
	mu    sync.Mutex
	keys  map[string]struct{}
	order []string
	next  int
}

func newRecent(n int) *recent {
	return &recent{keys: make(map[string]struct{}), order: make([]string, n)}
}

// add reports whether the key is new.
func (r *recent) add(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.keys[key]; known {
		return false
	}
	delete(r.keys, r.order[r.next])
	r.order[r.next] = key
	r.keys[key] = struct{}{}
	r.next = (r.next + 1) % len(r.order)
	return true
}
