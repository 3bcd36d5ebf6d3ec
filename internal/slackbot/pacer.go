package slackbot

import (
	"cmp"
	"context"
	"sync"
	"time"

	"autoscalebot/internal/waitlist"
)

// pacer lets callers through at a rate that Slack accepts: several at once after a
// rest, then one by one. Who is more urgent goes first, always; of equals who came
// first.
type pacer struct {
	every   time.Duration // between two that pass
	burst   int           // that may pass at once after a rest
	waiting *waitlist.List[int]

	mu    sync.Mutex
	free  time.Time // when the next may pass, had there been no rest
	held  time.Time // nobody passes before: Slack said so
	timer *time.Timer
}

func newPacer(every time.Duration, burst int) *pacer {
	return &pacer{every: every, burst: burst, waiting: waitlist.New(cmp.Compare[int])}
}

// wait returns when the caller may pass, or when ctx ends. Lower urgencies are more
// urgent.
func (p *pacer) wait(ctx context.Context, urgency int) error {
	p.mu.Lock()
	now := time.Now()
	if p.waiting.Len() == 0 && !p.opens().After(now) {
		p.pass(now)
		p.mu.Unlock()
		return nil
	}
	w := p.waiting.Join(urgency)
	p.arm(now)
	p.mu.Unlock()
	return w.Wait(ctx)
}

// giveBack lets the next one through in place of a caller who did not need it.
func (p *pacer) giveBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = p.free.Add(-p.every)
	p.arm(time.Now())
}

// hold lets nobody through for that long.
func (p *pacer) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if until := now.Add(d); until.After(p.held) {
		p.held = until
		// Slack's own count is full: after the hold there is no burst.
		if spent := until.Add(time.Duration(p.burst-1) * p.every); spent.After(p.free) {
			p.free = spent
		}
	}
	p.arm(now)
}

// opens is when the next one may pass.
func (p *pacer) opens() time.Time {
	at := p.free.Add(-time.Duration(p.burst-1) * p.every)
	if at.Before(p.held) {
		return p.held
	}
	return at
}

func (p *pacer) pass(now time.Time) {
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(p.every)
}

// arm sets the timer for the next who waits.
func (p *pacer) arm(now time.Time) {
	if p.waiting.Len() == 0 {
		return
	}
	in := max(0, p.opens().Sub(now))
	if p.timer == nil {
		p.timer = time.AfterFunc(in, p.release)
		return
	}
	p.timer.Reset(in)
}

func (p *pacer) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for !p.opens().After(now) && p.waiting.Next() {
		p.pass(now)
	}
	p.arm(now)
}
