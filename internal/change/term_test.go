package change

import (
	"errors"
	"testing"
	"time"
)

// What stands at Baseten once a change is over is not its doing: it is followed no more.
func TestEndedTermIsNotFollowed(t *testing.T) {
	now := time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC)
	for before, after := range map[OutcomeKind]OutcomeKind{Following: Superseded, InForce: InForce} {
		r := &Request{Kind: KindChange, State: Applied, Sends: 1, AppliedAt: now.Add(-time.Minute), Outcome: Outcome{Kind: before}}
		r.Term = Term{EndsAt: now, DueAt: now, NoticeAt: now}
		r.endTerm(&Effects{}, now, &Request{ID: "E3NDS", Kind: KindRevert, State: Applied, Origin: Origin{Kind: OriginTimeUp}})
		if r.Followed() || r.Outcome.Kind != after {
			t.Errorf("%s became %+v", before, r.Outcome)
		}
		if r.Holds() || !r.Term.due().IsZero() {
			t.Errorf("%s: its term is %+v", before, r.Term)
		}
	}
}

// A temporary change is ended once: whoever comes second is told by whom. Who only asks
// to end it claims nothing, and ends nothing where nothing has to go back.
func TestEndIsClaimedOnce(t *testing.T) {
	now := time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC)
	old := &Request{ID: "0LD00", Kind: KindChange, State: Applied, Term: Term{EndsAt: now.Add(time.Hour), DueAt: now.Add(time.Hour), NoticeAt: now.Add(50 * time.Minute)}}
	end := func(id ID, kind OriginKind) *Request {
		return &Request{ID: id, Kind: KindRevert, State: Canceled, Reason: Reason{Code: NothingBack}, Origin: Origin{ID: old.ID, Kind: kind}}
	}
	asked, first, second := end("ASKED", OriginEndAsked), end("F1RST", OriginEndNow), end("SEC0N", OriginTimeUp)
	if err := asked.claimEnd(old, new(Effects)); err != nil || old.Term.By != "" || old.Term.DueAt.IsZero() {
		t.Errorf("who asked claimed it: %+v, error %v", old.Term, err)
	}
	if old.noteEnd(new(Effects), asked, now); !old.Holds() {
		t.Error("who only asked ended it")
	}
	if err := first.claimEnd(old, new(Effects)); err != nil || old.Term.By != first.ID || !old.Term.due().IsZero() {
		t.Errorf("the first did not claim it: %+v, error %v", old.Term, err)
	}
	var no *Refused
	if err := second.claimEnd(old, new(Effects)); !errors.As(err, &no) || no.Reason.Code != AlreadyEnding || no.Reason.Request != first.ID {
		t.Errorf("the second: %v", err)
	}
	first.State, first.Reason = Failed, Reason{Code: NotTaken}
	if old.noteEnd(new(Effects), first, now); !old.Term.DueAt.Equal(old.Term.EndsAt) || !old.Term.NoticeAt.Equal(now.Add(50*time.Minute)) || old.Term.By != "" {
		t.Errorf("an early end that came to nothing leaves %+v", old.Term)
	}
	e := new(Effects)
	if old.noteEnd(e, second, now); old.Holds() || len(e.Events) != 1 || e.Events[0].Kind != EventOver || e.Events[0].Reason.Request != second.ID {
		t.Errorf("its end: %+v, events %+v", old.Term, e.Events)
	}
}
