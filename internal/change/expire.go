package change

import (
	"context"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
)

// remindAt is when the approvers are reminded: an hour before the end, or in the
// last quarter of a shorter wait. Waits under ten minutes get no reminder.
func (s *Service) remindAt(r *Request) (time.Time, bool) {
	left := r.ExpiresAt.Sub(s.cfg.Now())
	if left < 10*time.Minute || r.Ruling.Effect != string(authz.Approve) {
		return time.Time{}, false
	}
	return r.ExpiresAt.Add(-min(time.Hour, left/4)), true
}

// expire ends a pending request whose time is up.
func (s *Service) expire(ctx context.Context, id ID) error {
	r, err := s.store.Get(ctx, id)
	if err != nil || r.State != Pending {
		return err
	}
	if left := r.ExpiresAt.Sub(s.cfg.Now()); left > 0 {
		return later{left}
	}
	_, err = s.step(ctx, r, Pending, func(r *Request, e *Effects) error {
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		return s.move(r, e, Expired, Person{}, wordsExpired(r))
	})
	if err == nil {
		s.Start(id)
	}
	return err
}

// remind posts one line in the card's thread, once.
func (s *Service) remind(ctx context.Context, id ID) error {
	r, err := s.store.Get(ctx, id)
	if err != nil || r.State != Pending || r.Reminded {
		return err
	}
	// Noted before it is posted: a reminder that is lost is better than two.
	mine := false
	r, err = s.step(ctx, r, Pending, func(r *Request, _ *Effects) error {
		mine, r.Reminded = !r.Reminded, true
		return nil
	})
	if err != nil || !mine {
		return err
	}
	turn, err := s.chat.Turn(ctx, r.Channel, Reminder)
	if err != nil {
		return err
	}
	defer turn.Return()
	if _, err := turn.Post(ctx, r, Reminder); err != nil {
		s.cfg.Log.Warn("remind approvers", zapRequest(id), zap.Error(err))
	}
	return nil
}
