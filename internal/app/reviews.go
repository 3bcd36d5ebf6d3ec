package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/observe"
	"autoscalebot/internal/store"
)

// reviewsEvery is how old the count of open reviews may be.
const reviewsEvery = 10 * time.Second

// watchReviews shows by a metric, until ctx ends, how many reviews are open.
func watchReviews(ctx context.Context, db *store.Store, metrics *observe.Metrics, log *zap.Logger) {
	count := func() {
		if n, err := db.OpenReviews(ctx); err == nil {
			metrics.OpenReviews(n)
		} else if ctx.Err() == nil {
			log.Warn("count open reviews", zap.Error(err))
		}
	}
	count()
	every(ctx, reviewsEvery, count)
}
