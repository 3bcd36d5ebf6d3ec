package change

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// recordWithin bounds one commit of something that has happened already, and
	// recordFor how long it is tried: what is not noted would be done again.
	recordWithin = 5 * time.Second
	recordFor    = time.Minute
	// tellFor is how long a message is tried; after patientFor only each slowRetry.
	tellFor    = 24 * time.Hour
	patientFor = time.Hour
	slowRetry  = 15 * time.Minute
)

// errLeaseLost ends work that another process may have taken over.
var errLeaseLost = errors.New("lease lost")

// mayAct reports, as an error, that no effect may begin any more: this process could
// not say for some seconds that it lives.
func (s *Service) mayAct(ctx context.Context) error {
	if ctx.Err() != nil || !s.lease.alive() {
		return errLeaseLost
	}
	return nil
}

// recordStep is step for what has happened already: it is recorded even where the
// lease was lost or the process is stopping, so that nothing learned is lost.
func (s *Service) recordStep(r *Request, from State, do stepFunc) (*Request, error) {
	once := func() (*Request, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), recordWithin)
		defer cancel()
		return s.step(ctx, r, from, do)
	}
	for began := s.cfg.Now(); ; {
		out, err := once()
		if err == nil || final(err) || s.cfg.Now().Sub(began) > recordFor || !pause(s.life, recordPause) {
			return out, err
		}
		s.storeFailed("record what happened, once more", zapRequest(r.ID), zap.Error(err))
	}
}

// recordPause lies between two tries to record something.
const recordPause = time.Second

// final reports whether an error of the store is its answer, and no trouble that
// may pass.
func final(err error) bool {
	for _, known := range []error{ErrNotFound, ErrBusy, ErrFrozen, ErrUnwritable, ErrState, ErrDelivered, errTooLate} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// show brings what people see up to date with the request, each message by itself:
// the reply never waits for the card's edit. Each is noted as shown, so that a crash
// costs at most one double.
func (s *Service) show(r *Request) {
	if r.RetryAt.After(s.now()) {
		return
	}
	for _, part := range r.owedMessages() {
		if s.showing.begin(r.ID, part) {
			s.work.Go(func() { s.showPart(r.ID, part) })
		}
	}
}

// showPart shows one message and notes what came of it.
func (s *Service) showPart(id ID, part Part) {
	defer s.Start(id) // looks again, and gives the request back
	defer s.showing.end(id, part)
	defer func() {
		if p := recover(); p != nil {
			s.broken(id, zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
		}
	}()
	ctx := s.lease.held()
	r, err := s.store.Get(ctx, id)
	if err == nil && r.LeasedBy == s.lease.owner() && (part == Private || r.Message(part).Owed > 0) {
		did := s.showNow(ctx, r, part)
		if err = s.note(r, part, did); err == nil && part == Private && did.way != "" && r.leavesNothing() {
			err = s.store.Forget(ctx, id)
		}
	}
	if err != nil && ctx.Err() == nil {
		s.storeFailed("show message", zapRequest(id), zap.Error(err))
		s.stumbled.put(id)
	}
}

// shown is what came of showing a message.
type shown struct {
	ref MessageRef
	// way tells that the requester was told by another way than the message.
	way Way
	err error
	// asked tells that it was not tried: Slack gave no sign of life.
	asked bool
}

// showNow posts or edits one message of the request.
func (s *Service) showNow(ctx context.Context, r *Request, part Part) shown {
	m := r.Message(part)
	if r.Attempts > 0 || m.Doubts > 0 {
		// A repeat is only tried where Slack answers at all, so that an outage costs no
		// posts that may be there and no calls for each message.
		if err := s.chat.Reachable(ctx); err != nil {
			return shown{err: err, asked: true}
		}
	}
	if err := s.mayAct(ctx); err != nil {
		return shown{err: err}
	}
	switch {
	case part == Private:
		return s.tellPrivately(ctx, r)
	case m.Ref.TS != "":
		return s.edit(ctx, r, part)
	case m.Doubts >= mostDoubts:
		return s.tellElsewhere(ctx, r, part, false)
	}
	ref, err := s.post(ctx, r, part)
	switch {
	case unreachable(err):
		return s.tellElsewhere(ctx, r, part, true)
	case errors.Is(err, ErrDoubtful) && m.Doubts+1 >= mostDoubts:
		return s.tellElsewhere(ctx, r, part, false)
	}
	return shown{ref: ref, err: err}
}

// post posts a message in its turn. Waiting for the slot holds no worker.
func (s *Service) post(ctx context.Context, r *Request, part Part) (MessageRef, error) {
	var slot Slot
	channel := r.Channel
	if part == ReviewReminder {
		channel = r.Messages.Review.Ref.Channel
	}
	err := s.turn(ctx, func(ctx context.Context) (err error) {
		slot, err = s.chat.Slot(ctx, channel, part)
		return err
	})
	if err != nil {
		return MessageRef{}, err
	}
	defer slot.Return()
	if err := s.mayAct(ctx); err != nil {
		return MessageRef{}, err
	}
	return slot.Post(ctx, r, part)
}

// edit renders a posted message again.
func (s *Service) edit(ctx context.Context, r *Request, part Part) shown {
	ref := r.Message(part).Ref
	urgency := Later
	switch {
	case part == Card && r.Messages.Buttons && r.State != Pending:
		urgency = RemoveButtons
	case !r.State.Ended(), r.Outcome.InForceAt.IsZero() && !r.Outcome.Final:
		urgency = TellEnd
	}
	err := s.turn(ctx, func(ctx context.Context) error { return s.chat.Edit(ctx, r, part, urgency) })
	switch {
	case err == nil:
		return shown{ref: ref}
	case unreachable(err) && part == Reply && r.News.Code == "":
		return shown{} // it is gone: posted anew
	case unreachable(err):
		s.cfg.Log.Warn("edit message", zapRequest(r.ID), zap.Error(err))
		return shown{ref: ref} // nobody can see it any more
	}
	return shown{err: err}
}

// note keeps what came of showing a message. What changed meanwhile stays owed.
func (s *Service) note(r *Request, part Part, did shown) error {
	seen, state := r.Message(part).Owed, r.State
	out, err := s.recordStep(r, r.State, s.noted(part, did, seen, state))
	if err == nil && out.State != state { // it moved on: nothing learned is lost
		_, err = s.recordStep(out, out.State, s.noted(part, did, seen, state))
	}
	return err
}

func (s *Service) noted(part Part, did shown, seen int, state State) stepFunc {
	return func(r *Request, _ *Effects, now time.Time) error {
		m := r.Message(part)
		switch {
		case did.err == nil && did.way != "":
			r.Told, m.Owed = did.way, 0
			m.GivenUp = m.Ref.TS == "" && did.ref.TS == ""
			if did.ref.TS != "" {
				m.Ref = did.ref
			}
			if part != Private {
				r.owe(Card) // it tells where, and how it ended
			}
		case did.err == nil && did.ref.TS == "": // it was deleted
			m.Ref = MessageRef{}
		case did.err == nil:
			m.Ref, m.Owed = did.ref, max(0, m.Owed-seen)
			if part == Card && state != Pending {
				r.Messages.Buttons = false
			}
		case errors.Is(did.err, errLeaseLost), errors.Is(did.err, errStopping), errors.Is(did.err, context.Canceled):
			return nil
		default:
			s.cfg.Log.Warn("message not shown", zapRequest(r.ID), zap.Stringer("part", part), zap.Int("attempts", r.Attempts), zap.Error(did.err))
			s.failed(r, m, part, did, now)
		}
		if r.LeasedBy == s.lease.owner() && !r.dueAt(now) && !r.Followed() && s.showing.only(r.ID, part) {
			r.LeasedBy = ""
		}
		return nil
	}
}

// failed lets a message rest that could not be shown, or gives it up.
func (s *Service) failed(r *Request, m *Message, part Part, did shown, now time.Time) {
	if errors.Is(did.err, ErrDoubtful) {
		m.Doubts++
	}
	since := time.Duration(0)
	if r.State.Ended() {
		since = now.Sub(later(r.EndedAt, r.News.At))
	}
	if since > tellFor {
		m.Owed, m.GivenUp = 0, m.Ref.TS == ""
		if part == Private {
			r.Told = WayLog
		}
		s.cfg.Log.Error("message given up", zapRequest(r.ID), zap.Stringer("part", part), zap.String("state", string(r.State)), zap.String("code", string(r.Reason.Code)))
		if s.cfg.Watch.GaveUp != nil {
			s.cfg.Watch.GaveUp(part)
		}
		return
	}
	r.Attempts++
	r.RetryAt = now.Add(messageBackoff(r.Attempts, since, did.asked))
}

// messageBackoff is how long a message rests that Slack did not take: longer and
// longer, up to a minute where Slack gives no sign of life at all and two where it
// does, since then each try is a post that may be there; and a quarter of an hour
// once it was tried for an hour.
func messageBackoff(attempts int, since time.Duration, asked bool) time.Duration {
	if since > patientFor {
		return slowRetry
	}
	wait := time.Second
	for range min(attempts-1, 5) {
		wait *= 3
	}
	if asked {
		return min(wait, time.Minute)
	}
	return min(wait, 2*time.Minute)
}

// tellPrivately answers the requester alone. A way that may have worked is tried again
// later, and no other one beside it; after some doubts a direct message is the last.
func (s *Service) tellPrivately(ctx context.Context, r *Request) shown {
	doubts := r.Messages.Private.Doubts
	var failed error
	if doubts < mostDoubts {
		var way Way
		if way, failed = s.answerPrivately(ctx, r); failed == nil {
			return shown{way: way}
		}
		if errors.Is(failed, ErrDoubtful) {
			doubts++
		}
	}
	last := doubts >= mostDoubts
	if last && ctx.Err() == nil {
		if failed = s.chat.Tell(ctx, r, WayDirect); failed == nil {
			return shown{way: WayDirect}
		}
	}
	switch {
	case failed == nil: // it stops
		return shown{err: ctx.Err()}
	case ctx.Err() != nil, !last && (errors.Is(failed, ErrDoubtful) || !unreachable(failed) || r.Attempts < cardTries):
		return shown{err: failed}
	}
	s.untold(r, failed)
	return shown{way: WayLog}
}

// answerPrivately tries the ways to the requester alone until one works, or may have.
func (s *Service) answerPrivately(ctx context.Context, r *Request) (Way, error) {
	var failed error
	if to := s.responders.to(r.ID); to != nil {
		if failed = to(ctx, r); failed == nil {
			s.responders.drop(r.ID)
			return WayPrivate, nil
		}
	}
	for _, way := range []Way{WayPrivate, WayDirect} {
		if errors.Is(failed, ErrDoubtful) || ctx.Err() != nil {
			break
		}
		err := s.chat.Tell(ctx, r, way)
		if err == nil {
			return way, nil
		}
		failed = errors.Join(failed, err)
	}
	return "", failed
}

// tellElsewhere tells of a message that cannot be posted in the thread any more, by
// the first way that works: a new message in the channel (where that is open), the
// private answer, a direct message, the channel for alarms. The log is the last.
func (s *Service) tellElsewhere(ctx context.Context, r *Request, part Part, open bool) shown {
	if part == ReviewCard {
		s.untold(r, nil)
		return shown{way: WayLog}
	}
	if open {
		alone := *r
		alone.Messages.Card.Ref, alone.Thread = MessageRef{}, ""
		ref, err := s.post(ctx, &alone, part)
		switch {
		case err == nil:
			return shown{ref: ref, way: WayChannel}
		case errors.Is(err, errStopping):
			return shown{err: err}
		}
	}
	if to := s.responders.to(r.ID); to != nil && to(ctx, r) == nil {
		return shown{way: WayPrivate}
	}
	if s.chat.Tell(ctx, r, WayDirect) == nil {
		return shown{way: WayDirect}
	}
	if s.cfg.HasAnnounce && s.chat.Tell(ctx, r, WayAnnounce) == nil {
		return shown{way: WayAnnounce}
	}
	if ctx.Err() != nil {
		return shown{err: ctx.Err()}
	}
	s.untold(r, nil)
	return shown{way: WayLog}
}

// untold puts into the log what could be told nowhere in Slack.
func (s *Service) untold(r *Request, err error) {
	s.cfg.Log.Error("the end could be told nowhere in Slack", zapRequest(r.ID), zap.String("requester", r.Requester.ID),
		zap.String("state", string(r.State)), zap.String("code", string(r.Reason.Code)), zap.Error(err))
	if s.cfg.Watch.GaveUp != nil {
		s.cfg.Watch.GaveUp(Reply)
	}
}

// remind posts a reminder, in the thread of what waits for people.
func (s *Service) remind(r *Request, part Part) {
	s.background(r.ID, func() {
		if _, err := s.post(s.lease.held(), r, part); err != nil {
			s.cfg.Log.Warn("remind people", zapRequest(r.ID), zap.Stringer("part", part), zap.Error(err))
		}
	})
}

// refreshCopy brings a message up to date that was pressed and is not the noted one.
func (s *Service) refreshCopy(a Act, r *Request) {
	part := Card
	if a.Verb == VerbReview {
		part = ReviewCard
	}
	noted := r.Message(part).Ref
	if a.Message.TS == "" || noted.TS == "" || a.Message == noted {
		return
	}
	twin := *r
	twin.Message(part).Ref = a.Message
	s.background(r.ID, func() {
		if err := s.chat.Edit(s.life, &twin, part, RemoveButtons); err != nil && s.life.Err() == nil {
			s.cfg.Log.Warn("edit copy of a card", zapRequest(r.ID), zap.Error(err))
		}
	})
}

// background does something for a request on which nothing depends. A process that is
// being closed leaves it.
func (s *Service) background(id ID, do func()) {
	guarded := func() {
		defer func() {
			if p := recover(); p != nil {
				s.cfg.Log.Error("panic", zapRequest(id), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			}
		}()
		do()
	}
	s.begins(func() { s.work.Go(guarded) })
}

// unreachable tells that a message cannot be had any more, and no waiting helps.
func unreachable(err error) bool {
	return errors.Is(err, ErrGone) || errors.Is(err, ErrNotInvited) || errors.Is(err, ErrRefused)
}

// showing remembers which messages this process is bringing up to date.
type showing struct {
	mu    sync.Mutex
	parts map[ID]map[Part]bool
	// timers are when these requests want attention meanwhile: a message may wait for its
	// turn for long, and the dispatcher takes no row that is leased.
	timers map[ID]time.Time
}

func (w *showing) begin(id ID, part Part) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parts == nil {
		w.parts = make(map[ID]map[Part]bool)
	}
	if w.parts[id][part] {
		return false
	}
	if w.parts[id] == nil {
		w.parts[id] = make(map[Part]bool)
	}
	w.parts[id][part] = true
	return true
}

func (w *showing) end(id ID, part Part) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.parts[id], part)
	if len(w.parts[id]) == 0 {
		delete(w.parts, id)
		delete(w.timers, id)
	}
}

// remember notes when a request wants attention, zero for never, as long as a message of
// it is being shown. Whoever shows the last one looks again.
func (w *showing) remember(id ID, timer time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.parts[id]) == 0 || timer.IsZero() {
		delete(w.timers, id)
		return
	}
	if w.timers == nil {
		w.timers = make(map[ID]time.Time)
	}
	w.timers[id] = timer
}

// owing takes the requests that want attention at now.
func (w *showing) owing(now time.Time) (ids []ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, timer := range w.timers {
		if !timer.After(now) {
			delete(w.timers, id) // whoever looks says when again
			ids = append(ids, id)
		}
	}
	return ids
}

// any reports whether any message of the request is being shown, only whether it is
// just that one.
func (w *showing) any(id ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.parts[id]) > 0
}

func (w *showing) only(id ID, part Part) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.parts[id]) == 1 && w.parts[id][part]
}
