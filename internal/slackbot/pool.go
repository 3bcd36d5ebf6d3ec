package slackbot

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"go.uber.org/zap"
)

// pool is a bounded queue of work with a bounded number of workers.
type pool struct {
	log   *zap.Logger
	queue chan func(ctx context.Context)
	work  sync.WaitGroup

	adding sync.RWMutex // held while something is put into the queue
	closed bool
}

func newPool(log *zap.Logger, queue int) *pool {
	return &pool{log: log, queue: make(chan func(context.Context), queue)}
}

// start starts the workers. They run until drain.
func (p *pool) start(ctx context.Context, workers int) {
	for range workers {
		p.work.Go(func() {
			for do := range p.queue {
				p.run(ctx, do)
			}
		})
	}
}

// run does one piece of work. A panic costs that piece only.
func (p *pool) run(ctx context.Context, do func(context.Context)) {
	defer func() {
		if broke := recover(); broke != nil {
			p.log.Error("panic", zap.String("panic", fmt.Sprint(broke)), zap.ByteString("stack", debug.Stack()))
		}
	}()
	do(ctx)
}

// add queues work. It never blocks, and reports false where the queue is full.
func (p *pool) add(do func(ctx context.Context)) bool {
	p.adding.RLock()
	defer p.adding.RUnlock()
	if p.closed {
		return false
	}
	select {
	case p.queue <- do:
		return true
	default:
		return false
	}
}

// drain takes nothing more and waits for what was taken.
func (p *pool) drain() {
	p.adding.Lock()
	p.closed = true
	p.adding.Unlock()
	close(p.queue)
	p.work.Wait()
}

// waits is how much work waits for a worker.
func (p *pool) waits() int { return len(p.queue) }
