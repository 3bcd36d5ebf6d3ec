package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/change"
)

// gaugesEvery is how old the numbers of the database's requests may be. Indexes of what
// has not ended answer them, however many requests there were.
const gaugesEvery = 10 * time.Second

// gauges shows by metrics, until ctx ends, what stands in the database: every replica
// shows the same. While the database does not answer they stay as they were.
func gauges(ctx context.Context, p *process) {
	count := func() {
		waiting, err := p.db.CountByState(ctx)
		if err != nil {
			p.log.Debug("count requests", zap.Error(err)) // that the database is away is said elsewhere
			return
		}
		now := p.opts.Now()
		for _, state := range change.States() {
			if w := waiting[state]; !state.Ended() {
				oldest := time.Duration(0)
				if w.Requests > 0 {
					oldest = max(now.Sub(w.Oldest), 0)
				}
				p.metrics.Requests(string(state), w.Requests, oldest)
			}
		}
		reviews, err := p.db.OpenReviews(ctx)
		if err != nil {
			p.log.Debug("count open reviews", zap.Error(err))
			return
		}
		p.metrics.OpenReviews(reviews)
		overdue, err := p.db.OverdueEnds(ctx, now)
		if err != nil {
			p.log.Debug("count overdue ends", zap.Error(err))
			return
		}
		p.metrics.OverdueEnds(overdue)
	}
	count()
	every(ctx, gaugesEvery, count)
}
