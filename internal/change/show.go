package change

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// show brings what people see up to date with the request, one message at a time,
// and notes each as shown before it goes on: a crash costs at most one double. What
// fails does not keep the rest from being shown, and is tried again.
func (s *Service) show(ctx context.Context, r *Request) (*Request, error) {
	var err error
	if r.State == Pending {
		if r, err = s.introduce(ctx, r); err != nil || r.State != Pending {
			return r, err
		}
	}
	if r.Root.TS == "" && r.State.Ended() && !r.Told {
		if r, err = s.tellRequester(ctx, r); err != nil {
			return nil, err
		}
	}
	var failed error
	for _, part := range due(r) {
		shown := *r
		if err := s.showPart(ctx, &shown, part); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if r, err = s.noteShown(r, &shown, part); err != nil {
			return nil, err
		}
	}
	switch {
	case failed != nil && r.State.Ended() && s.cfg.Now().Sub(r.EndedAt) > giveUpAfter:
		s.cfg.Log.Error("messages not brought up to date", zapRequest(r.ID), zap.Error(failed), zap.String("end", wordsEnd(r)))
		return s.settleAccount(ctx, r, true)
	case failed != nil && ctx.Err() == nil:
		s.cfg.Log.Warn("bring messages up to date", zapRequest(r.ID), zap.Error(failed))
		// Longer and longer, so that what may be there already is not doubled often.
		return nil, later{max(5*time.Second, s.cfg.Now().Sub(r.OwedSince)/2)}
	case failed != nil:
		return nil, failed
	case r.Owed && len(due(r)) == 0:
		return s.settleAccount(ctx, r, false)
	}
	return r, nil
}

// due lists the messages that show less than the request knows, most urgent first.
// At an end the card comes first, so that no button stays that does nothing; only
// where it has none, and the end is good, does the thread come first: Slack takes
// some fifty edits a minute for the whole workspace.
func due(r *Request) []Part {
	var out []Part
	if r.Root.TS == "" {
		return nil
	}
	last := r.State == Applied && !r.Buttons
	if r.RootStale && !last {
		out = append(out, Root)
	}
	if r.ResultStale {
		out = append(out, Result)
	}
	if r.Review.Open && r.Review.Card.TS == "" || r.ReviewStale {
		out = append(out, ReviewCard)
	}
	if r.RootStale && last {
		out = append(out, Root)
	}
	return out
}

// showPart posts or edits one message, and notes in r where it is.
func (s *Service) showPart(ctx context.Context, r *Request, part Part) error {
	switch part {
	case Root:
		return s.showRoot(ctx, r)
	case Result:
		return s.showResult(ctx, r)
	default:
		return s.showReview(ctx, r)
	}
}

// noteShown keeps what showing a part came to. That holds even where the claim was
// lost or the process is stopping: the message is there. What changed meanwhile
// stays owed.
func (s *Service) noteShown(r, shown *Request, part Part) (*Request, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), 5*time.Second)
	defer cancel()
	return s.store.Change(ctx, Delivery{}, r.ID, func(now *Request) (Effects, error) {
		same := now.Version == r.Version
		switch part {
		case Root:
			now.RootStale = now.RootStale && !same
			now.Buttons = now.Buttons && shown.State == Pending
		case Result:
			now.Result, now.Elsewhere = shown.Result, shown.Elsewhere
			now.ResultStale = now.ResultStale && !same
		default:
			now.Review.Card = shown.Review.Card
			now.ReviewStale = now.ReviewStale && !same
		}
		now.settleAccount()
		return Effects{}, nil
	})
}

// settleAccount gives the request back once nothing is owed that waits for no
// person.
func (r *Request) settleAccount() {
	r.Owed = !r.State.Ended() && r.State != Pending || len(due(r)) > 0
	if !r.Owed {
		r.ClaimedBy, r.ClaimedUntil = "", time.Time{}
	}
}

func (s *Service) settleAccount(ctx context.Context, r *Request, giveUp bool) (*Request, error) {
	version := r.Version
	return s.store.Change(ctx, Delivery{}, r.ID, func(now *Request) (Effects, error) {
		if now.Version == version {
			if giveUp || now.Root.TS == "" {
				now.RootStale, now.ResultStale, now.ReviewStale = false, false, false
			}
			if giveUp {
				now.Review.Open = now.Review.Open && now.Review.Card.TS != ""
			}
			now.settleAccount()
		}
		return Effects{}, nil
	})
}

// showRoot renders the card again.
func (s *Service) showRoot(ctx context.Context, r *Request) error {
	urgency := Progress
	switch {
	case r.Buttons && r.State != Pending:
		urgency = RemoveButtons
	case r.State.Ended() && r.State != Applied:
		urgency = TellEnd
	}
	err := s.chat.Edit(ctx, r, Root, urgency)
	if unreachable(err) {
		s.cfg.Log.Warn("edit card", zapRequest(r.ID), zap.Error(err))
		return nil // the end is told elsewhere
	}
	return err
}

// editQuietly edits a message where nothing depends on it.
func (s *Service) editQuietly(r *Request, part Part, u Urgency) {
	if err := s.chat.Edit(s.life, r, part, u); err != nil && s.life.Err() == nil {
		s.cfg.Log.Warn("edit message", zapRequest(r.ID), zap.Error(err))
	}
}

// showResult posts the reply that tells the end, or edits it.
func (s *Service) showResult(ctx context.Context, r *Request) error {
	if r.Result.TS != "" {
		err := s.chat.Edit(ctx, r, Result, TellEnd)
		if !unreachable(err) {
			return err
		}
		r.Result = MessageRef{}
	}
	if r.Elsewhere != "" && r.Outcome.Text != "" {
		return nil // told, where nothing can be edited
	}
	turn, err := s.chat.Turn(ctx, r.Channel, Result)
	if err != nil {
		return err
	}
	defer turn.Return()
	ref, err := turn.Post(ctx, r, Result)
	switch {
	case err == nil:
		r.Result = ref
	case unreachable(err):
		r.Elsewhere, err = s.tellElsewhere(ctx, r, true)
	case errors.Is(err, ErrDoubtful) && ctx.Err() == nil:
		r.Elsewhere, err = s.tellElsewhere(ctx, r, false)
	}
	return err
}

// showReview posts or edits the review card of a broken glass.
func (s *Service) showReview(ctx context.Context, r *Request) error {
	if r.Review.Card.TS != "" {
		err := s.chat.Edit(ctx, r, ReviewCard, RemoveButtons)
		if unreachable(err) {
			return nil
		}
		return err
	}
	if !r.Review.Open {
		return nil
	}
	turn, err := s.chat.Turn(ctx, r.Channel, ReviewCard)
	if err != nil {
		return err
	}
	defer turn.Return()
	r.Review.Card, err = turn.Post(ctx, r, ReviewCard)
	return err
}

// unreachable tells that a message cannot be had any more, and no waiting helps.
func unreachable(err error) bool {
	return errors.Is(err, ErrGone) || errors.Is(err, ErrNotInvited) || errors.Is(err, ErrRefused)
}
