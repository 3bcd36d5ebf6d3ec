package change

import (
	"context"
	"errors"

	"go.uber.org/zap"
)

// tellRequester tells the end of a request that has no card, to the requester
// alone, and notes that it did. Where nobody can be told now it is tried again for
// an hour.
func (s *Service) tellRequester(ctx context.Context, r *Request) (*Request, error) {
	err := s.tell(ctx, r, r.Why)
	if err != nil {
		if s.cfg.Now().Sub(r.EndedAt) < giveUpAfter {
			return nil, err
		}
		s.cfg.Log.Error("the requester could not be told", zapRequest(r.ID), zap.Error(err), zap.String("text", r.Why))
	}
	return s.step(ctx, r, r.State, func(r *Request, _ *Effects) error {
		r.Told = true
		return nil
	})
}

// tell answers the requester alone, by the first way that works.
func (s *Service) tell(ctx context.Context, r *Request, text string) error {
	var failed error
	if to := s.answers.take(r.ID); to != nil {
		if failed = to(ctx, text); failed == nil {
			return nil
		}
	}
	err := s.chat.Whisper(ctx, Whispered{Channel: r.Channel, Thread: r.Thread, User: r.Requester.ID}, text)
	if err == nil {
		return nil
	}
	failed = errors.Join(failed, err)
	if err = s.chat.Direct(ctx, r.Requester.ID, text); err == nil {
		return nil
	}
	return errors.Join(failed, err)
}

// tellElsewhere tells the end where the thread cannot be reached any more, by the
// first way that works, and returns which it was. The log is the last.
func (s *Service) tellElsewhere(ctx context.Context, r *Request) (how string, err error) {
	text := wordsEnd(r)
	if turn, err := s.chat.Turn(ctx, r.Channel, Result); err == nil {
		alone := *r
		alone.Root, alone.Thread = MessageRef{}, ""
		if r.Result, err = turn.Post(ctx, &alone, Result); err == nil {
			return "new message", nil
		}
		turn.Return()
	}
	if to := s.answers.take(r.ID); to != nil && to(ctx, text) == nil {
		return "private answer", nil
	}
	if s.chat.Direct(ctx, r.Requester.ID, text) == nil {
		return "direct message", nil
	}
	if s.cfg.HasAnnounce && s.chat.Announce(ctx, text) == nil {
		return "announce channel", nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	s.cfg.Log.Error("the end could be told nowhere in Slack", zapRequest(r.ID), zap.String("end", text))
	return "log", nil
}
