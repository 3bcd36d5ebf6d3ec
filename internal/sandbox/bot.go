package sandbox

import (
	"context"
	"sync"
	"time"
)

// Surroundings are what a bot lives in.
type Surroundings struct {
	// Env is its environment; nothing in it is a secret.
	Env map[string]string
	// Now is the world's clock, which people move forward.
	Now func() time.Time
	// PolicyRead is to be told of each version of the policy file that the bot took,
	// with nil, or refused.
	PolicyRead func(text []byte, refused error)
}

// StartBot runs a bot until ctx ends or it gives up.
type StartBot func(ctx context.Context, in Surroundings) error

// botState is what the page says of the bot.
type botState struct {
	Running     bool   `json:"running"`
	Stopping    bool   `json:"stopping"`    // told to stop, and not gone yet
	Problem     string `json:"problem"`     // why it ended by itself
	Connections int    `json:"connections"` // of Socket Mode
	Switchable  bool   `json:"switchable"`  // the page can stop and start it
}

// runner keeps the bot: it can be stopped and started again, to show what
// survives.
type runner struct {
	start StartBot
	in    Surroundings
	over  func(problem string)

	mu      sync.Mutex
	stop    context.CancelFunc // nil: not running
	told    bool               // it was told to stop
	ended   chan struct{}      // closed when the present run is over
	problem string             // why the last run ended by itself
}

// newRunner makes a runner. over is called each time the bot has gone, with the
// reason if it was not asked to.
func newRunner(start StartBot, in Surroundings, over func(problem string)) *runner {
	return &runner{start: start, in: in, over: over}
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
	r.stop, r.ended, r.problem, r.told = cancel, ended, "", false
	go func() {
		defer close(ended)
		err := r.start(ctx, r.in)
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

// Tell tells the bot to stop and does not wait: over is called when it has gone.
func (r *runner) Tell() (ended <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop != nil {
		r.told = true
		r.stop()
	}
	return r.ended
}

// Stop ends the bot and waits until it has gone.
func (r *runner) Stop() {
	if ended := r.Tell(); ended != nil {
		<-ended
	}
}

func (r *runner) state() botState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return botState{Running: r.stop != nil, Stopping: r.stop != nil && r.told, Problem: r.problem, Switchable: r.start != nil}
}
