package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/observe"
	"autoscalebot/internal/store"
)

// ErrAuditBroken means that the audit log is not as it was written. The output says
// where.
var ErrAuditBroken = store.ErrChain

// VerifyAudit walks the audit log and tells whether it is as it was written. Kept is
// a head as the bot logs it, or empty; an end that was written anew together with the
// head shows only against one. It needs DATABASE_URL only, and may be used beside a
// running bot.
func VerifyAudit(ctx context.Context, environment map[string]string, out io.Writer, kept string) (err error) {
	var before store.Head
	if kept != "" {
		if before, err = store.ParseHead(kept); err != nil {
			return fmt.Errorf("--head: %w", err)
		}
	}
	db, err := openBeside(ctx, environment)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	head, err := db.Verify(ctx, before)
	switch {
	case errors.Is(err, ErrAuditBroken):
		_, _ = fmt.Fprintf(out, "FAIL  %v\n", err) // the exit code tells it too
		return err
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(out, "ok    %s, none altered, none missing\nhead  %s\n", count(int(head.Seq), "event", "events"), head)
	return err
}

const (
	headEvery  = time.Minute
	headLogged = time.Hour
)

// headWatch shows the head of the audit log: by a metric, and in the log at the
// start and then where it has moved, at most once an hour. There it is out of reach
// of whoever can rewrite the database.
type headWatch struct {
	db      *store.Store
	metrics *observe.Metrics
	log     *zap.Logger

	logged store.Head
	at     time.Time
}

func (w *headWatch) look(ctx context.Context) {
	head, err := w.db.Head(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.log.Debug("read the audit log's head", zap.Error(err)) // that the database is away is said elsewhere
		}
		return
	}
	w.metrics.AuditHead(head.Seq)
	if head != w.logged && time.Since(w.at) >= headLogged {
		w.log.Info("audit log", zap.Stringer("head", head))
		w.logged, w.at = head, time.Now()
	}
}

// run looks until ctx ends.
func (w *headWatch) run(ctx context.Context) {
	every(ctx, headEvery, func() { w.look(ctx) })
}
