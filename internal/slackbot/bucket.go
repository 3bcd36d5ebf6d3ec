package slackbot

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

// Each person has a bucket of their own. Whoever types or presses without end uses up
// only that, and nothing that all share: calls of Slack and Baseten, waits, the audit
// log. It is far above what people do on a bad night.
const (
	// actBurst is how much one person may do at once, actEvery how fast that comes
	// back: four a second. A script that types for a person is let through too.
	actBurst = 600
	actEvery = 250 * time.Millisecond
	// refusedBurst is how many of them may be refused: each is a line of the audit log.
	refusedBurst = 60
	// pauseFor is what somebody over it is told to wait, and how long they are not told
	// again.
	pauseFor = 10 * time.Second
	// overEvery is how often one person's being over it is in the audit log.
	overEvery = time.Minute
	// noteBurst and noteEvery bound what else one person can write into the audit log
	// without making a request: refused reads and late mentions.
	noteBurst = 10
	noteEvery = 10 * time.Second
	// mostPeople is how many buckets are kept. The oldest is forgotten first: only
	// after as many others came, when it is full again.
	mostPeople = 4096
)

// buckets holds everybody's bucket.
type buckets struct {
	mu sync.Mutex
	of *memory[string, *bucket]
}

// bucket is what one person may do now.
type bucket struct {
	acts, refused, notes *rate.Limiter
	told, over           *rate.Limiter // of being over it
}

func newBuckets() *buckets { return &buckets{of: newMemory[string, *bucket](mostPeople)} }

// person returns somebody's bucket.
func (b *buckets) person(id string) *bucket {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one, ok := b.of.get(id); ok {
		return one
	}
	one := &bucket{
		acts: rate.NewLimiter(rate.Every(actEvery), actBurst), refused: rate.NewLimiter(rate.Every(actEvery), refusedBurst),
		notes: rate.NewLimiter(rate.Every(noteEvery), noteBurst),
		told:  rate.NewLimiter(rate.Every(pauseFor), 1), over: rate.NewLimiter(rate.Every(overEvery), 1),
	}
	b.of.put(id, one)
	return one
}

// overTheirs is why an act of somebody over their bucket is not carried out.
func overTheirs() change.Reason { return change.Reason{Code: change.TooManyAtOnce, After: pauseFor} }

// admit reports whether somebody may do one thing more. It is asked before anybody
// outside is. What is not admitted is acknowledged, with the payload if there is one:
// Slack would show an error for it; and the person is told now and then.
func (b *Bot) admit(d *delivery, from asker, what string, payload any) bool {
	now, own := b.cfg.Now(), b.buckets.person(from.person.ID)
	if own.refused.TokensAt(now) >= 1 && own.acts.AllowN(now, 1) {
		return true
	}
	d.acknowledgeWith(payload)
	b.cfg.Watch.command(what, "limited")
	if own.told.AllowN(now, 1) {
		b.cfg.Log.Warn("a person does too much at once", fields(d, from)...)
		b.loop.later(func(ctx context.Context) {
			b.answer(ctx, from, view.Refused(&change.Refused{Reason: overTheirs()}, from.person.ID))
		})
	}
	if own.over.AllowN(now, 1) {
		b.loop.later(func(ctx context.Context) { b.refuse(ctx, from, what, overTheirs()) })
	}
	return false
}

// refused counts a refusal in the person's bucket.
func (b *Bot) refused(from asker) { b.buckets.person(from.person.ID).refused.AllowN(b.cfg.Now(), 1) }

// note records a refusal that left no request, unless the person had many of them.
func (b *Bot) note(ctx context.Context, from asker, what string, why change.Reason) {
	if b.buckets.person(from.person.ID).notes.AllowN(b.cfg.Now(), 1) {
		b.refuse(ctx, from, what, why)
	}
}

func (b *Bot) refuse(ctx context.Context, from asker, what string, why change.Reason) {
	act := change.Act{
		Delivery: from.delivery, Person: from.person, Verb: change.Verb(what),
		Message: change.MessageRef{Channel: from.channel},
	}
	if err := b.changes.Refuse(ctx, act, why); err != nil {
		b.cfg.Log.Error("record a refusal", zap.String("user", from.person.ID), zap.Error(err))
	}
}
