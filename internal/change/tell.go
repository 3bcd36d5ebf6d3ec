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
// first way that works, and returns which it was: a new message in the channel
// (where that is open), the private answer, a direct message, the channel for
// alarms. The log is the last, for an end that Slack definitely refuses; where Slack
// does not answer, the error asks to come back.
func (s *Service) tellElsewhere(ctx context.Context, r *Request, open bool) (how string, err error) {
	text := wordsEnd(r)
	if open && s.postAlone(ctx, r) == nil {
		return "new message", nil
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
	if !open {
		return "", ErrDoubtful
	}
	s.cfg.Log.Error("the end could be told nowhere in Slack", zapRequest(r.ID), zap.String("end", text))
	return "log", nil
}

// postAlone posts the end as a message of its own.
func (s *Service) postAlone(ctx context.Context, r *Request) error {
	turn, err := s.chat.Turn(ctx, r.Channel, Result)
	if err != nil {
		return err
	}
	defer turn.Return()
	alone := *r
	alone.Root, alone.Thread = MessageRef{}, ""
	ref, err := turn.Post(ctx, &alone, Result)
	if err == nil {
		r.Result = ref
	}
	return err
}
