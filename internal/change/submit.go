package change

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Submission is a command that asks for a change, as it arrived.
type Submission struct {
	Delivery Delivery
	// Requester is who typed it.
	Requester Person
	// Channel is where it was typed; Thread the thread's root, for a mention.
	Channel, ChannelName, Thread string
	Ask                          Ask
	// From is the request that this one asks again or undoes, and FromKind which.
	From     ID
	FromKind string
	// Answer is the short way back to who typed it.
	Answer Answerer
}

// by is who typed or pressed what makes this request.
func (in Submission) by() Person {
	if in.Ask.By.ID != "" {
		return in.Ask.By
	}
	return in.Requester
}

// Ways in which one request comes from another.
const (
	FromUndo  = "undo"
	FromAgain = "again"
)

// Submit records a request and returns it. Once it returned without an error the
// request will be finished or reported, whatever happens to this process: now the
// command may be acknowledged, and then Start be called. ErrDelivered means that
// it was recorded before: acknowledge it and do nothing. On any other error, the
// end of ctx included, nothing was recorded and there must be no acknowledgement.
func (s *Service) Submit(ctx context.Context, in Submission) (*Request, error) {
	now := s.cfg.Now()
	at := in.Delivery.At
	if at.IsZero() {
		at = now
	}
	r := &Request{
		State: Requested, CreatedAt: at, OwedSince: at,
		Requester: in.Requester, Channel: in.Channel, ChannelName: in.ChannelName, Thread: in.Thread,
		Ask: in.Ask, From: in.From, FromKind: in.FromKind,
		Owed: true, ClaimedBy: s.cfg.Owner, ClaimedUntil: now.Add(s.cfg.Claim),
	}
	for {
		id, err := NewID(s.cfg.Random)
		if err != nil {
			return nil, err
		}
		r.ID = id
		err = s.store.Create(ctx, in.Delivery, r, Effects{
			Events: []Event{s.event(r, now, EventMoved, "", in.by(), "")},
			Jobs:   []Job{s.promise(r.ID)},
		})
		switch {
		case errors.Is(err, ErrIDTaken):
			continue
		case err != nil:
			return nil, err
		}
		s.answers.keep(r.ID, in.Answer)
		handed := *r
		s.committed.put(&handed)
		return r, nil
	}
}

// promise is the job that takes a request up if this process does not finish it:
// due once the claim has run out.
func (s *Service) promise(id ID) Job {
	return Job{Args: AdvanceArgs{ID: id}, At: s.cfg.Now().Add(s.cfg.Claim + time.Second)}
}

// event is a line of the audit log about a request as it is now. From is the state
// it left; To is the state it is in.
func (s *Service) event(r *Request, at time.Time, kind EventKind, from State, actor Person, why string) Event {
	detail, err := json.Marshal(map[string]any{
		"command": r.Ask.Text, "settings": r.Ask.Settings, "reason": r.Ask.Reason,
		"requester": r.Requester, "target": r.Target, "before": r.Reading.Settings,
		"approvals": r.Votes, "sends": r.Sends, "answer": r.Answer, "outcome": r.Outcome,
		"channel": r.ChannelName, "message": r.Root, "origin": r.From,
	})
	if err != nil { // no value above can fail to be written
		detail = nil
	}
	return Event{
		At: at, Kind: kind, Request: r.ID, From: from, To: r.State, Actor: actor, Why: why,
		Rule: r.Ruling.Rule, Policy: r.Ruling.PolicySHA, Channel: r.Channel,
		ModelID: r.Target.ModelID, ModelName: r.Target.ModelName, Detail: detail,
	}
}

// move takes one step of the request's life and notes it in the audit log. Actor is
// the person who took it, zero where it was the bot or the policy.
func (s *Service) move(r *Request, e *Effects, to State, actor Person, why string) error {
	from, now := r.State, s.cfg.Now()
	if err := r.Become(to, now); err != nil {
		return err
	}
	r.Why = ""
	if to.Ended() {
		r.Why, r.ExpiresAt = why, time.Time{}
		if actor.ID != "" {
			r.EndedBy = actor
		}
	}
	r.Owed = true
	r.RootStale = r.RootStale || r.Root.TS != ""
	r.ResultStale = to.Ended()
	e.Events = append(e.Events, s.event(r, now, EventMoved, from, actor, why))
	return nil
}
