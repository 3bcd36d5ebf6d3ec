package change

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// show brings what people see up to date with the request: the card first, so that
// no button stays that does nothing, then the one reply that tells the end. What
// was shown is noted only if the request did not change meanwhile.
func (s *Service) show(ctx context.Context, r *Request) (*Request, error) {
	shown := *r
	switch {
	case r.Root.TS == "":
		if !r.Told && r.State.Ended() {
			s.tell(ctx, r, r.Why)
			shown.Told = true
		}
		shown.ResultStale, shown.RootStale = false, false
	default:
		if r.RootStale {
			urgency := Progress
			switch {
			case r.Buttons && r.State != Pending:
				urgency = RemoveButtons
			case r.State.Ended() && r.State != Applied:
				urgency = TellEnd
			}
			if err := s.editRoot(ctx, r, urgency); err != nil {
				return nil, err
			}
			shown.RootStale = false
			shown.Buttons = r.Buttons && r.State == Pending
		}
		if r.ResultStale {
			if err := s.showResult(ctx, &shown); err != nil {
				return nil, err
			}
			shown.ResultStale = false
		}
	}
	if err := s.showReview(ctx, &shown); err != nil {
		return nil, err
	}
	return s.store.Change(ctx, Delivery{}, r.ID, func(now *Request) (Effects, error) {
		now.Root, now.Result, now.Review.Card = shown.Root, shown.Result, shown.Review.Card
		now.Elsewhere, now.Told = shown.Elsewhere, shown.Told
		if now.Version == r.Version {
			now.RootStale, now.ResultStale, now.ReviewStale = shown.RootStale, shown.ResultStale, shown.ReviewStale
			now.Buttons = shown.Buttons
			now.Owed = !now.State.Ended() && now.State != Pending
			if !now.Owed {
				now.ClaimedBy, now.ClaimedUntil = "", time.Time{}
			}
		}
		return Effects{}, nil
	})
}

// editRoot renders the card again. A card without buttons that only gains the good
// end is not worth waiting for: Slack takes some fifty edits a minute for the whole
// workspace, and the thread tells the end.
func (s *Service) editRoot(ctx context.Context, r *Request, u Urgency) error {
	if u == Progress && !r.Buttons && r.State.Ended() {
		s.work.Go(func() { s.editQuietly(r, Progress) })
		return nil
	}
	err := s.chat.Edit(ctx, r, Root, u)
	if errors.Is(err, ErrGone) || errors.Is(err, ErrNotInvited) {
		s.cfg.Log.Warn("edit card", zapRequest(r.ID), zap.Error(err))
		return nil // the end is told elsewhere
	}
	return err
}

// editQuietly edits the card where nothing depends on it.
func (s *Service) editQuietly(r *Request, u Urgency) {
	if err := s.chat.Edit(s.life, r, Root, u); err != nil && s.life.Err() == nil {
		s.cfg.Log.Warn("edit card", zapRequest(r.ID), zap.Error(err))
	}
}

// showResult posts the reply that tells the end, or edits it.
func (s *Service) showResult(ctx context.Context, r *Request) error {
	if r.Result.TS != "" {
		err := s.chat.Edit(ctx, r, Result, TellEnd)
		if !errors.Is(err, ErrGone) {
			return err
		}
		r.Result = MessageRef{}
	}
	turn, err := s.chat.Turn(ctx, r.Channel, Result)
	if err != nil {
		return err
	}
	defer turn.Return()
	r.Result, err = turn.Post(ctx, r, Result)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrGone), errors.Is(err, ErrNotInvited):
		r.Elsewhere = s.tellElsewhere(ctx, r)
		return nil
	default:
		return err
	}
}

// tellElsewhere tells the end where the thread cannot be reached any more, by the
// first way that works, and returns which it was.
func (s *Service) tellElsewhere(ctx context.Context, r *Request) string {
	text := wordsEnd(r)
	if to := s.answers.take(r.ID); to != nil && to(ctx, text) == nil {
		return "private answer"
	}
	if s.chat.Direct(ctx, r.Requester.ID, text) == nil {
		return "direct message"
	}
	if s.chat.Announce(ctx, text) == nil && s.cfg.HasAnnounce {
		return "announce channel"
	}
	s.cfg.Log.Error("the end could be told nowhere in Slack", zapRequest(r.ID), zap.String("end", text))
	return "log"
}

// tell answers the requester alone.
func (s *Service) tell(ctx context.Context, r *Request, text string) {
	if to := s.answers.take(r.ID); to != nil {
		err := to(ctx, text)
		if err == nil {
			return
		}
		s.cfg.Log.Warn("answer the requester", zapRequest(r.ID), zap.Error(err))
	}
	err := s.chat.Whisper(ctx, Whispered{Channel: r.Channel, Thread: r.Thread, User: r.Requester.ID}, text)
	if err == nil {
		return
	}
	if s.chat.Direct(ctx, r.Requester.ID, text) != nil {
		s.cfg.Log.Error("the requester could not be told", zapRequest(r.ID), zap.Error(err), zap.String("text", text))
	}
}

// showReview posts or edits the review card of a broken glass.
func (s *Service) showReview(ctx context.Context, r *Request) error {
	switch {
	case r.Review.Open && r.Review.Card.TS == "" && r.Root.TS != "":
		turn, err := s.chat.Turn(ctx, r.Channel, ReviewCard)
		if err != nil {
			return err
		}
		defer turn.Return()
		if r.Review.Card, err = turn.Post(ctx, r, ReviewCard); err != nil {
			return err
		}
	case r.ReviewStale && r.Review.Card.TS != "":
		if err := s.chat.Edit(ctx, r, ReviewCard, RemoveButtons); err != nil && !errors.Is(err, ErrGone) {
			return err
		}
	}
	r.ReviewStale = false
	return nil
}
