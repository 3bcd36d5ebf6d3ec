package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/observe"
	"autoscalebot/internal/store"
)

// gaugesEvery is how old the counts of what people have to look at may be.
const gaugesEvery = 10 * time.Second

// watchGauges shows by metrics, until ctx ends, how many reviews are open and how many
// temporary changes did not go back in time.
func watchGauges(ctx context.Context, db *store.Store, now func() time.Time, metrics *observe.Metrics, log *zap.Logger) {
	count := func() {
		reviews, err := db.OpenReviews(ctx)
		if err == nil {
			metrics.OpenReviews(reviews)
		} else if ctx.Err() == nil {
			log.Warn("count open reviews", zap.Error(err))
		}
		ends, err := db.OverdueEnds(ctx, now())
		if err == nil {
			metrics.OverdueEnds(ends)
		} else if ctx.Err() == nil {
			log.Warn("count overdue ends", zap.Error(err))
		}
	}
	count()
	every(ctx, gaugesEvery, count)
}
