package change

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// signWithin is how long something may take before people see that it goes on.
	signWithin = 2 * time.Second
	// signFor is how long a sign is tried.
	signFor = 5 * time.Second
)

// Sign gives a person a sign that something goes on, where it takes longer than two
// seconds since began. Done ends the wait, and returns when no sign is on its way any
// more, so that what follows comes after it. Failed is told why a sign was not sent: it
// is worth a line in the log and no more.
func Sign(ctx context.Context, began, now time.Time, send func(context.Context) error, failed func(error)) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	var sent sync.WaitGroup
	sent.Go(func() {
		wait := time.NewTimer(signWithin - now.Sub(began))
		defer wait.Stop()
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signFor)
		defer cancel()
		if err := send(ctx); err != nil {
			failed(err)
		}
	})
	return func() { cancel(); sent.Wait() }
}

// lookUpFirst is lookUp for a command of which people see nothing yet.
func (s *Service) lookUpFirst(ctx context.Context, draft *Request) (subject, *refusal) {
	if to := s.responders.to(draft.ID); to != nil {
		as := *draft // lookUp writes to the draft
		done := Sign(ctx, draft.CreatedAt, s.now(),
			func(ctx context.Context) error {
				if !s.responders.sign(as.ID) { // an earlier try said so
					return nil
				}
				return to(ctx, &as)
			},
			func(err error) { s.unsigned(&as, err) })
		defer done()
	}
	return s.lookUp(ctx, draft, 0)
}

func (s *Service) unsigned(r *Request, err error) {
	s.cfg.Log.Debug("sign that it goes on", zapRequest(r.ID), zap.Error(err))
}

// sign shows on the card what the request waits for. It is no debt: it is dropped
// where Slack takes no more edits, and the end is edited in before it.
func (s *Service) sign(r *Request) {
	if r.State.Ended() || r.Messages.Card.Ref.TS == "" || r.Messages.Card.Owed > 0 {
		return
	}
	if r.Reason.Code == WaitsForTarget {
		return // a queue would spend the edits that ends need
	}
	s.background(r.ID, func() {
		ctx, cancel := context.WithTimeout(s.waits, signFor)
		defer cancel()
		if err := s.chat.Edit(ctx, r, Card, Later); err != nil {
			s.unsigned(r, err)
		}
	})
}
