package slackbot

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"go.uber.org/zap"
)

// Bounds of what is under way at the same time, and of what waits. A full queue is
// not acknowledged, so that Slack tells the person.
const (
	recorders, mostToRecord = 32, 2000 // envelopes
	readers, mostToRead     = 32, 2000 // reads (status, list…): some wait for Baseten
	answerers, mostToAnswer = 32, 2000 // answers to clicks, and forms: they never wait behind reads
)

// serveWithin bounds one read.
const serveWithin = time.Minute

// envelope is one thing that Slack sent down a socket.
type envelope struct {
	id       string
	kind     string // slash_commands, interactive, events_api
	payload  json.RawMessage
	retry    int
	received time.Time
	// ack writes the acknowledgement; served tells the socket, once, that there is
	// nothing more to come.
	ack    func(ctx context.Context, id string, payload any) error
	served func()
}

// loop takes envelopes off the sockets and hands them to workers. Taking never
// blocks and never calls anybody.
type loop struct {
	bot                     *Bot
	records, reads, answers *pool

	mu   sync.Mutex
	seen *memory[string, struct{}] // reads by their key: events are sent again
}

func newLoop(bot *Bot) *loop {
	log := bot.cfg.Log
	return &loop{
		bot: bot, records: newPool(log, mostToRecord), reads: newPool(log, mostToRead), answers: newPool(log, mostToAnswer),
		seen: newMemory[string, struct{}](10_000),
	}
}

// take queues an envelope, or drops it unacknowledged.
func (l *loop) take(e *envelope) {
	queued := l.records.add(func(ctx context.Context) {
		defer e.served()
		l.handle(ctx, e)
	})
	if !queued {
		e.served()
		l.dropped(e)
	}
}

func (l *loop) dropped(e *envelope) {
	call(l.bot.cfg.Watch.Dropped)
	l.bot.cfg.Log.Error("not taken: the queue is full", zap.String("envelope", e.id), zap.String("type", e.kind))
}

func (l *loop) start(ctx context.Context) {
	l.records.start(ctx, recorders)
	l.reads.start(ctx, readers)
	l.answers.start(ctx, answerers)
}

// drain waits for what was taken: in this order, since the first adds to the others.
func (l *loop) drain() {
	l.records.drain()
	l.reads.drain()
	l.answers.drain()
}

// handle serves one envelope. What cannot be read is acknowledged all the same, or
// Slack would send it again or show a failure.
func (l *loop) handle(ctx context.Context, e *envelope) {
	ctx, cancel := context.WithDeadline(ctx, e.received.Add(ackWithin))
	defer cancel()
	d := &delivery{envelope: e, ctx: ctx, bot: l.bot}
	var err error
	switch e.kind {
	case "slash_commands":
		var c slack.SlashCommand
		if err = json.Unmarshal(e.payload, &c); err == nil {
			l.bot.slash(d, c)
		}
	case "interactive":
		var c slack.InteractionCallback
		if err = json.Unmarshal(e.payload, &c); err == nil {
			l.bot.interaction(d, c)
		}
	case "events_api":
		var outer slackevents.EventsAPIEvent
		if outer, err = slackevents.ParseEvent(e.payload, slackevents.OptionNoVerifyToken()); err == nil {
			l.bot.event(d, outer)
		}
	default:
		d.acknowledge()
	}
	if err != nil {
		l.bot.cfg.Log.Warn("acknowledging what cannot be understood", zap.String("envelope", e.id), zap.String("type", e.kind), zap.Error(err))
		d.acknowledge()
	}
}

// delivery is an envelope while it is served. Its context ends when it is too late
// to record it.
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
	ctx, cancel := context.WithDeadline(context.WithoutCancel(d.ctx), d.received.Add(lastAck))
	defer cancel()
	if err := d.ack(ctx, d.id, payload); err != nil {
		call(watch.Unacked)
		d.bot.cfg.Log.Warn("not acknowledged", zap.String("envelope", d.id), zap.Error(err))
		return
	}
	if watch.Acked != nil {
		watch.Acked(time.Since(d.received))
	}
}

// read serves something that only reads: acknowledged at once, and served once.
func (d *delivery) read(key string, serve func(ctx context.Context)) {
	l := d.bot.loop
	if l.served(key, false) {
		d.acknowledge()
		return
	}
	queued := l.reads.add(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, serveWithin)
		defer cancel()
		serve(ctx)
	})
	if !queued {
		l.dropped(d.envelope)
		return
	}
	l.served(key, true)
	d.acknowledge()
}

// served reports whether a read of that key was served, and notes that it is.
func (l *loop) served(key string, now bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.seen.get(key)
	if now {
		l.seen.put(key, struct{}{})
	}
	return known
}

// later does what a person waits for once something was acknowledged.
func (l *loop) later(do func(ctx context.Context)) {
	if !l.answers.add(do) {
		l.bot.cfg.Log.Error("a person was not answered: too many wait")
	}
}
