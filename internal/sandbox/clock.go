package sandbox

import (
	"context"
	"sync/atomic"
	"time"
)

// clock is the time of a world: the real one, and what people have moved it by.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Now is the world's time, by which Slack, Baseten and the bot live.
func (w *World) Now() time.Time { return w.clock.now() }

// MoveClock moves the time of Slack, Baseten and the bot forward together. What is due
// by then happens within a second or two; time-outs and pauses are real time. It does
// nothing for a world whose simulators were given clocks of their own.
func (w *World) MoveClock(by time.Duration) {
	w.clock.ahead.Add(int64(max(by, 0)))
	w.Baseten.Tick()
	w.moved.send()
}

// tick lets Baseten follow the clock until ctx ends.
func (w *World) tick(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			w.Baseten.Tick()
		case <-ctx.Done():
			return
		}
	}
}
