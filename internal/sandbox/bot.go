package sandbox

import (
	"context"
	"sync"
)

// StartBot runs a bot until ctx ends or it gives up.
type StartBot func(ctx context.Context, env map[string]string) error

// botState is what the page says of the bot.
type botState struct {
	Running     bool   `json:"running"`
	Problem     string `json:"problem"`     // why it ended by itself
	Connections int    `json:"connections"` // of Socket Mode
	Switchable  bool   `json:"switchable"`  // the page can stop and start it
}

// runner keeps the bot: it can be stopped and started again, to show what
// survives.
type runner struct {
	start StartBot
	env   map[string]string
	over  func(problem string)

	mu      sync.Mutex
	stop    context.CancelFunc // nil: not running
	ended   chan struct{}      // closed when the present run is over
	problem string             // why the last run ended by itself
}

// newRunner makes a runner. over is called each time the bot has gone, with the
// reason if it was not asked to.
func newRunner(start StartBot, env map[string]string, over func(problem string)) *runner {
	return &runner{start: start, env: env, over: over}
}

// Start starts the bot unless it runs.
func (r *runner) Start(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.start == nil || r.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	r.stop, r.ended, r.problem = cancel, ended, ""
	go func() {
		defer close(ended)
		err := r.start(ctx, r.env)
		stopped := ctx.Err() != nil
		cancel()
		r.mu.Lock()
		r.stop = nil
		switch {
		case stopped:
		case err != nil:
			r.problem = err.Error()
		default:
			r.problem = "the bot ended by itself"
		}
		problem := r.problem
		r.mu.Unlock()
		r.over(problem)
	}()
}

// Stop ends the bot and waits until it has gone.
func (r *runner) Stop() {
	r.mu.Lock()
	stop, ended := r.stop, r.ended
	r.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	<-ended
}

func (r *runner) state() botState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return botState{Running: r.stop != nil, Problem: r.problem, Switchable: r.start != nil}
}
